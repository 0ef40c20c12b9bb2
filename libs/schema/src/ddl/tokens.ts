import type { DdlDialect } from './dialect.ts';

/**
 * `word`: a bare name or keyword, a number included (`1a` is a name, `1` is not, and only the place tells) · `name`: in backquotes (or double quotes under
 * ANSI_QUOTES) · `text`: a string literal, its escapes resolved · `symbol`: one character · `end`
 */
export interface Token {
  readonly kind: 'word' | 'name' | 'text' | 'symbol' | 'end';
  readonly text: string;
  /** In upper case for words, else as `text`: what keywords are compared with. */
  readonly upper: string;
  /** Where it stands in the statement. */
  readonly start: number;
  readonly end: number;
}

/** No other character is space to a server: one that has no break is a letter. */
const SPACES = /[ \t\n\v\f\r]+/y;
const WORD = /[0-9A-Za-z$_\u0080-\uffff]+/y;
/** Longer than any escape that MySQL knows: https://dev.mysql.com/doc/refman/9.4/en/string-literals.html, "Special Character Escape Sequences". */
const ESCAPES: Readonly<Record<string, string>> = { '0': '\0', b: '\b', n: '\n', r: '\r', t: '\t', Z: '\u001a' };

/**
 * Cuts a statement into tokens, comments left out and code in comments (`/*!50100 … *\/`, MariaDB's `/*M! … *\/`) kept where the server would have run it.
 * It fails on nothing: what is not closed ends with the statement, as only statements that a server has accepted come here.
 */
export function* tokensOf(sql: string, dialect: DdlDialect): Generator<Token, void> {
  let at = 0;
  /** Comments with code that are open: each `*\/` closes one. */
  let open = 0;
  while (at < sql.length) {
    const char = sql[at] as string;
    if (matchEnd(SPACES, sql, at) > at) {
      at = SPACES.lastIndex;
    } else if (char === '#' || (char === '-' && /^--(?:\s|$)/.test(sql.slice(at, at + 3)))) {
      const end = sql.indexOf('\n', at);
      at = end < 0 ? sql.length : end + 1;
    } else if (char === '/' && sql[at + 1] === '*') {
      const code = codeInComment(sql, at, dialect);
      if (code === undefined) {
        const end = sql.indexOf('*/', at + 2);
        at = end < 0 ? sql.length : end + 2;
      } else {
        open++;
        at = code;
      }
    } else if (open > 0 && char === '*' && sql[at + 1] === '/') {
      open--;
      at += 2;
    } else if (char === "'" || (char === '"' && dialect.ansiQuotes !== true)) {
      const [text, end] = readText(sql, at, dialect.noBackslashEscapes === true);
      yield { kind: 'text', text, upper: text, start: at, end };
      at = end;
    } else if (char === '`' || char === '"') {
      const [text, end] = readText(sql, at, true);
      yield { kind: 'name', text, upper: text, start: at, end };
      at = end;
    } else if (matchEnd(WORD, sql, at) > at) {
      const end = WORD.lastIndex;
      const text = sql.slice(at, end);
      yield { kind: 'word', text, upper: text.toUpperCase(), start: at, end };
      at = end;
    } else {
      yield { kind: 'symbol', text: char, upper: char, start: at, end: at + 1 };
      at++;
    }
  }
}

/** Where the run of these characters that begins at `at` ends, which is then `lastIndex` of the expression; `at`: none begins. */
function matchEnd(sticky: RegExp, sql: string, at: number): number {
  sticky.lastIndex = at;
  return sticky.test(sql) ? sticky.lastIndex : at;
}

/** Where the code in the comment at `at` begins; undefined when the server passes over the comment. */
function codeInComment(sql: string, at: number, { flavor, version }: DdlDialect): number | undefined {
  const [opener = '', mariadbOnly, digits = ''] = /^\/\*(M?)!(\d{5,6})?/.exec(sql.slice(at, at + 12)) ?? [];
  if (opener === '' || (mariadbOnly === 'M' && flavor !== 'mariadb')) return undefined;
  const needed = Number(digits);
  if (needed > version) return undefined;
  // MariaDB takes versions of MySQL that it does not follow for comments: https://mariadb.com/kb/en/comment-syntax/
  if (flavor === 'mariadb' && mariadbOnly !== 'M' && needed >= 50_700 && needed <= 99_999) return undefined;
  return at + opener.length;
}

/** Text between quotes from `at` on, and where it ends. A doubled quote is the quote. */
function readText(sql: string, at: number, plainBackslash: boolean): [string, number] {
  const quote = sql[at] as string;
  const end = sql.indexOf(quote, at + 1);
  if (end >= 0 && sql[end + 1] !== quote) {
    const plain = sql.slice(at + 1, end);
    if (plainBackslash || !plain.includes('\\')) return [plain, end + 1];
  }
  let text = '';
  for (let i = at + 1; i < sql.length; i++) {
    const char = sql[i] as string;
    if (char === quote) {
      if (sql[i + 1] !== quote) return [text, i + 1];
      text += quote;
      i++;
    } else if (char === '\\' && !plainBackslash && i + 1 < sql.length) {
      i++;
      const escaped = sql[i] as string;
      text += ESCAPES[escaped] ?? escaped;
    } else {
      text += char;
    }
  }
  return [text, sql.length];
}
