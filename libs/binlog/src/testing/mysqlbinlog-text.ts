/** A value as printed: texts without their quotes, as one character a byte; null for NULL. */
export type VerboseValue = string | null;

export interface VerboseRow {
  readonly op: 'insert' | 'update' | 'delete';
  readonly table: string;
  /** By column, from 0; columns that the image lacks are absent. */
  readonly before: Map<number, VerboseValue>;
  readonly after: Map<number, VerboseValue>;
}

const HEAD = /^### (INSERT INTO|UPDATE|DELETE FROM) `[^`]*`\.`([^`]*)`$/;
const OPS = { 'INSERT INTO': 'insert', UPDATE: 'update', 'DELETE FROM': 'delete' } as const;

/**
 * The rows that `mysqlbinlog -v` prints, read as latin1:
 *     ### UPDATE `db`.`table`
 *     ### WHERE
 *     ###   @1=7
 *     ### SET
 *     ###   @1='it\'s'
 */
export function parseVerbose(text: string): VerboseRow[] {
  const rows: VerboseRow[] = [];
  let image: Map<number, VerboseValue> | undefined;
  for (const line of text.split('\n')) {
    const head = HEAD.exec(line);
    if (head !== null) {
      const op = OPS[head[1] as keyof typeof OPS];
      rows.push({ op, table: head[2] ?? '', before: new Map(), after: new Map() });
    }
    const row = rows.at(-1);
    if (line === '### WHERE') image = row?.before;
    if (line === '### SET') image = row?.after;
    const column = /^### {3}@(\d+)=(.*)$/.exec(line);
    if (column !== null) image?.set(Number(column[1]) - 1, valueOf(column[2] ?? ''));
  }
  return rows;
}

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', b: '\b', f: '\f' };

function valueOf(printed: string): VerboseValue {
  const text = printed.trim();
  if (text === 'NULL') return null;
  if (!text.startsWith("'")) return text;
  return text
    .slice(1, -1)
    .replaceAll(/\\(?:x([0-9a-f]{2})|(.))/g, (_, hex: string | undefined, letter: string) =>
      hex === undefined ? (ESCAPES[letter] ?? letter) : String.fromCharCode(Number.parseInt(hex, 16)),
    );
}
