/** Statements in a file of SQL, or in a file about SQL: documentation, or source code with statements in its string literals. */
export function statementsOfFile(path: string, text: string): string[] {
  const extension = /\.([a-z]+)$/i.exec(path)?.[1]?.toLowerCase() ?? '';
  if (extension === 'md') return fencedBlocks(text).flatMap((block) => splitSql(withoutPrompts(block)));
  if (LITERALS.has(extension)) return stringLiterals(text).flatMap(splitSql);
  return splitSql(text);
}

/** Files that may hold statements. */
export function holdsSql(path: string): boolean {
  return /\.(?:sql|ddl|md|go|py|java)$/i.test(path);
}

const LITERALS: ReadonlySet<string> = new Set(['go', 'py', 'java']);

/** Statements on tables, views, programs and databases, but none on accounts or the server itself, nor on its own databases. */
export function isDdl(sql: string): boolean {
  const code = sql.replace(/^(?:\s|--[^\n]*(?:\n|$)|#[^\n]*(?:\n|$)|\/\*(?!!)[\s\S]*?\*\/)+/, '');
  return (
    /^(?:\/\*!\d*\s*)?(?:create|alter|drop|rename|truncate)\b/i.test(code) &&
    !/read\s+only/i.test(code) &&
    !/^\S+\s+(?:user|role|server|tablespace|logfile|instance|resource|undo|spatial\s+reference|aggregate|library)\b/i.test(
      code,
    ) &&
    !/(?:\bmysql|`mysql`|\bsys|performance_schema|information_schema)\s*\.|(?:database|schema)\s+(?:if\s+(?:not\s+)?exists\s+)?`?(?:mysql|sys)\b/i.test(
      code,
    )
  );
}

/** Statements that decide what the others mean. */
export function isSetting(sql: string): boolean {
  if (/^\s*use\s+`?(?:mysql|sys|information_schema|performance_schema)\b/i.test(sql)) return false;
  return /^\s*(?:\/\*!\d*\s*)?(?:use\s|set\s+(?:names|(?:@@)?(?:session\.|session\s+)?(?:sql_mode|foreign_key_checks|character_set_client|collation_connection|explicit_defaults_for_timestamp|default_storage_engine)\b|@[^@]))/i.test(
    sql,
  );
}

/** Cuts a script where the `mysql` client does: at semicolons, or at what DELIMITER says, outside of quotes and comments. */
export function splitSql(text: string): string[] {
  const statements: string[] = [];
  let delimiter = ';';
  let start = 0;
  let at = 0;
  const take = (end: number): void => {
    const sql = text.slice(start, end).trim();
    if (sql !== '') statements.push(sql);
  };
  while (at < text.length) {
    const lineStart = at === 0 || text[at - 1] === '\n';
    const change = lineStart ? /^[ \t]*delimiter[ \t]+(\S+)[^\n]*/i.exec(text.slice(at, at + 100)) : null;
    if (change?.[1] !== undefined) {
      take(at);
      delimiter = change[1];
      at += change[0].length;
      start = at;
    } else if (text.startsWith(delimiter, at)) {
      take(at);
      at += delimiter.length;
      start = at;
    } else {
      at = behindToken(text, at);
    }
  }
  take(text.length);
  return statements;
}

/** Behind the quoted text, comment or character at `at`. */
function behindToken(text: string, at: number): number {
  const char = text[at] as string;
  if (char === "'" || char === '"' || char === '`') return behindQuote(text, at);
  if (char === '#' || /^--(?:\s|$)/.test(text.slice(at, at + 3))) return behind(text, '\n', at);
  return text.startsWith('/*', at) ? behind(text, '*/', at + 2) : at + 1;
}

function behind(text: string, end: string, from: number): number {
  const at = text.indexOf(end, from);
  return at < 0 ? text.length : at + end.length;
}

function behindQuote(text: string, at: number): number {
  const quote = text[at];
  for (let i = at + 1; i < text.length; i++) {
    if (text[i] === '\\' && quote !== '`') i++;
    else if (text[i] === quote) return i + 1;
  }
  return text.length;
}

function fencedBlocks(text: string): string[] {
  return [...text.matchAll(/^[ \t]*```[ \t]*(?:sql|mysql|mariadb)?[^\n]*\n([\s\S]*?)^[ \t]*```/gim)].map(
    ([, body = '']) => body,
  );
}

/** `MariaDB [test]> SELECT` and `    -> FROM` as a client prints them, and the tables that it prints. */
function withoutPrompts(block: string): string {
  if (!/^(?:mysql|MariaDB[^>\n]*)> /m.test(block)) return block;
  const lines = [...block.matchAll(/^(?:(?:mysql|MariaDB[^>\n]*)>|[ \t]+(?:->|'>|">)) ?(.*)$/gm)];
  return lines.map(([, line]) => line).join('\n');
}

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r' };

/** Literals that begin as a statement does. */
function stringLiterals(text: string): string[] {
  const literals = text.matchAll(/"((?:[^"\\\n]|\\.)*)"|`([^`]*)`|"""([\s\S]*?)"""/g);
  return [...literals].flatMap(([, quoted, raw, triple]) => {
    const literal = quoted?.replaceAll(/\\(.)/g, (_, char: string) => ESCAPES[char] ?? char) ?? raw ?? triple ?? '';
    return /^\s*(?:create|alter|drop|rename)\s/i.test(literal) ? [literal] : [];
  });
}
