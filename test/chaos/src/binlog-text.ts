import { bytesValue, datetimeValue, NULL, rowImage, textValue, timestampValue } from './image.ts';

/** A row change as `mysqlbinlog` prints it. Images are those of image.ts. */
export interface BinlogChange {
  /** Of a transaction without one: when it was committed, microseconds since the epoch. */
  readonly gtid: string;
  /** `db.table`. */
  readonly table: string;
  readonly op: 'c' | 'u' | 'd';
  readonly before?: string;
  readonly after?: string;
  readonly layout: Layout;
}

/** A table's columns as its table map event has them (binlog_row_metadata=FULL). */
export interface Layout {
  readonly columns: readonly LayoutColumn[];
  readonly primaryKey: readonly string[];
}

export interface LayoutColumn {
  readonly name: string;
  /** As mysqlbinlog --print-table-metadata prints it: `INT UNSIGNED`, `VARCHAR(50) CHARSET utf8mb4 COLLATE …`. */
  readonly type: string;
}

type Image = 'before' | 'after';

interface OpenRow {
  readonly table: string;
  readonly op: 'c' | 'u' | 'd';
  readonly layout: Layout;
  readonly images: { before?: string[]; after?: string[] };
  image: Image;
}

/**
 * Reads the text of `mysqlbinlog --base64-output=decode-rows -vv --print-table-metadata`, line by line. Lines are
 * latin1 strings, i.e. bytes: each column decides by itself what its bytes mean.
 *
 * What matters of the text:
 *
 *     SET @@SESSION.GTID_NEXT= 'uuid:5'/*!*\/;
 *     # Columns(`id` INT NOT NULL,
 *     #         `name` VARCHAR(20) CHARSET utf8mb4 COLLATE utf8mb4_0900_ai_ci)
 *     # Primary Key(id)
 *     ### UPDATE `db`.`table`
 *     ### WHERE
 *     ###   @1=5 /* INT meta=0 nullable=0 is_null=0 *\/
 *     ### SET
 *     ###   @1=6 /* … *\/
 *     COMMIT/*!*\/;
 *
 * Changes are handed out at their COMMIT, so what a rollback undoes never shows, nor does half a transaction at the end. What ends with XA PREPARE waits for
 * the XA COMMIT or XA ROLLBACK of its XID, which stands under another GTID.
 */
export class BinlogTextReader {
  readonly #emit: (change: BinlogChange) => void;
  readonly #wants: (table: string) => boolean;
  readonly #layouts = new Map<string, Layout>();
  #gtid = '';
  #committedMicros = '';
  #transaction: BinlogChange[] = [];
  readonly #prepared = new Map<string, BinlogChange[]>();
  #mapped = '';
  #columns: LayoutColumn[] | undefined;
  #row: OpenRow | undefined;
  /** Committed transactions, wanted changes or not. */
  transactions = 0;

  constructor(options: { wants: (table: string) => boolean; emit: (change: BinlogChange) => void }) {
    this.#wants = options.wants;
    this.#emit = options.emit;
  }

  line(line: string): void {
    if (line.startsWith('### ')) this.#rowLine(line);
    else if (line.startsWith('#')) this.#commentLine(line);
    // A copy: a slice of the line would keep the whole chunk it came with in memory.
    else if (line.startsWith('SET @@SESSION.GTID_NEXT= ')) this.#gtidLine(utf8(/'(.*)'/.exec(line)?.[1] ?? ''));
    else if (line.startsWith('COMMIT')) this.#commit();
    else if (line.startsWith('ROLLBACK/')) this.#rollback();
    else if (line.startsWith('XA ')) this.#xa(line);
  }

  #commentLine(line: string): void {
    this.#endRow();
    const committed = /\toriginal_committed_timestamp=(\d+)\t/.exec(line);
    if (committed !== null) {
      this.#committedMicros = utf8(committed[1] as string);
      return;
    }
    const mapped = /\tTable_map: (`.*`) mapped to number/.exec(line);
    if (mapped !== null) {
      this.#mapped = tableName(mapped[1] as string);
      return;
    }
    if (line.startsWith('# Columns(')) {
      this.#columns = [];
      this.#columnLine(line.slice('# Columns('.length));
    } else if (line.startsWith('#         `') && this.#columns !== undefined) {
      this.#columnLine(line.slice('#         '.length));
    } else if (line.startsWith('# Primary Key(')) {
      const primaryKey = line.slice('# Primary Key('.length, -1).split(', ');
      const layout = this.#layouts.get(this.#mapped);
      if (layout !== undefined) this.#keepLayout({ columns: layout.columns, primaryKey });
    }
  }

  #gtidLine(gtid: string): void {
    this.#gtid = gtid === 'ANONYMOUS' ? this.#committedMicros : gtid;
  }

  #columnLine(text: string): void {
    const match = /^`((?:[^`]|``)*)` (.*?)( NOT NULL)?([,)])$/.exec(text);
    if (match === null || this.#columns === undefined) throw new Error(`cannot read the column line: ${text}`);
    this.#columns.push({ name: utf8(match[1] as string).replaceAll('``', '`'), type: match[2] as string });
    if (match[4] === ',') return;
    this.#keepLayout({ columns: this.#columns, primaryKey: [] });
    this.#columns = undefined;
  }

  /** Layouts stay the same object while nothing changes, so that a million changes do not hold a million of them. */
  #keepLayout(layout: Layout): void {
    const known = this.#layouts.get(this.#mapped);
    if (known !== undefined && layout.primaryKey.length === 0 && sameColumns(known, layout)) return;
    if (known !== undefined && JSON.stringify(known) === JSON.stringify(layout)) return;
    this.#layouts.set(this.#mapped, layout);
  }

  #rowLine(line: string): void {
    const op = line.startsWith('### INSERT INTO ')
      ? 'c'
      : line.startsWith('### UPDATE ')
        ? 'u'
        : line.startsWith('### DELETE FROM ')
          ? 'd'
          : undefined;
    if (op !== undefined) {
      this.#endRow();
      this.#startRow(op, tableName(line.slice(line.indexOf('`'))));
      return;
    }
    const row = this.#row;
    if (row === undefined) return;
    if (line === '### WHERE') this.#startImage(row, 'before');
    else if (line === '### SET') this.#startImage(row, 'after');
    else this.#value(row, line);
  }

  #startRow(op: 'c' | 'u' | 'd', table: string): void {
    if (!this.#wants(table)) return;
    const layout = this.#layouts.get(table);
    if (layout === undefined)
      throw new Error(`${table}: no table metadata in the binlog; it needs binlog_row_metadata=FULL`);
    this.#row = { table, op, layout, images: {}, image: 'before' };
  }

  #startImage(row: OpenRow, image: Image): void {
    row.image = image;
    row.images[image] = [];
  }

  #value(row: OpenRow, line: string): void {
    const match = /^### {3}@(\d+)=(.*) \/\* .* \*\/$/s.exec(line);
    const values = row.images[row.image];
    if (match === null || values === undefined) throw new Error(`cannot read the value line: ${line}`);
    const column = row.layout.columns[Number(match[1]) - 1];
    if (column === undefined || values.length !== Number(match[1]) - 1)
      throw new Error(`${row.table}: column ${match[1]} out of turn (only full row images can be compared)`);
    values.push(printedValue(column, (match[2] as string).trimEnd()));
  }

  #endRow(): void {
    const row = this.#row;
    if (row === undefined) return;
    this.#row = undefined;
    const { before, after } = row.images;
    this.#transaction.push({
      gtid: this.#gtid,
      table: row.table,
      op: row.op,
      layout: row.layout,
      ...(before === undefined ? {} : { before: rowImage(before) }),
      ...(after === undefined ? {} : { after: rowImage(after) }),
    });
  }

  #commit(): void {
    this.#endRow();
    this.transactions++;
    for (const change of this.#transaction) this.#emit(change);
    this.#transaction = [];
  }

  #xa(line: string): void {
    const [, verb = '', xid = '', onePhase] = /^XA (\w+) (\S+)( ONE PHASE)?/.exec(line) ?? [];
    if (verb === 'START' || verb === 'END') return;
    this.#endRow();
    if (verb === 'PREPARE') {
      this.#prepared.set(xid, this.#transaction);
      this.#transaction = [];
      return;
    }
    if (onePhase === undefined) {
      const changes = this.#prepared.get(xid);
      if (changes === undefined) throw new Error(`${line}: it was not prepared in what was read`);
      this.#prepared.delete(xid);
      this.#transaction = changes.map((change) => ({ ...change, gtid: this.#gtid }));
    }
    if (verb === 'COMMIT') this.#commit();
    else this.#rollback();
  }

  #rollback(): void {
    this.#row = undefined;
    this.#transaction = [];
  }
}

function sameColumns(a: Layout, b: Layout): boolean {
  return JSON.stringify(a.columns) === JSON.stringify(b.columns);
}

/** `` `db`.`table` `` → `db.table`. */
function tableName(quoted: string): string {
  const match = /^`((?:[^`]|``)*)`\.`((?:[^`]|``)*)`/.exec(quoted);
  if (match === null) throw new Error(`cannot read the table name: ${quoted}`);
  return `${utf8(match[1] as string).replaceAll('``', '`')}.${utf8(match[2] as string).replaceAll('``', '`')}`;
}

function utf8(latin1: string): string {
  return Buffer.from(latin1, 'latin1').toString('utf8');
}

/** A printed value in the form of image.ts. Exported for its test. */
export function printedValue(column: LayoutColumn, printed: string): string {
  if (printed === 'NULL') return NULL;
  const type = column.type;
  if (/^(TINYINT|SMALLINT|MEDIUMINT|INT|BIGINT)\b/.test(type)) {
    // Negative as signed: `-5 (18446744073709551611)`; mysqlbinlog leaves it to the reader which of the two it is.
    const both = /^(-\d+) \((\d+)\)$/.exec(printed);
    return both === null ? printed : ((type.includes('UNSIGNED') ? both[2] : both[1]) as string);
  }
  if (/^(DECIMAL|YEAR)\b/.test(type)) return printed;
  if (/^TIMESTAMP\b/.test(type)) return timestampValue(printed);
  const bytes = unescape(printed);
  if (/^DATETIME\b/.test(type)) return datetimeValue(bytes.toString('latin1'));
  if (/^(BINARY|VARBINARY|TINYBLOB|BLOB|MEDIUMBLOB|LONGBLOB)\b/.test(type)) return bytesValue(bytes);
  if (/^(CHAR|VARCHAR|TINYTEXT|TEXT|MEDIUMTEXT|LONGTEXT)\b.* CHARSET utf8mb[34]\b/.test(type))
    return textValue(bytes.toString('utf8'));
  throw new Error(`${column.name}: the chaos oracle has no rule for columns of type ${type}`);
}

const ESCAPES: Readonly<Record<string, number>> = {
  n: 10,
  r: 13,
  t: 9,
  f: 12,
  b: 8,
  v: 11,
  "'": 39,
  '"': 34,
  '\\': 92,
};

/** The bytes of a quoted value: `\n`, `\f` and the like, `\'`, `\\`, and `\xNN`. */
function unescape(printed: string): Buffer {
  if (!printed.startsWith("'") || !printed.endsWith("'")) throw new Error(`not a quoted value: ${printed}`);
  const out = Buffer.alloc(printed.length);
  let length = 0;
  for (let i = 1; i < printed.length - 1; i++) {
    if (printed[i] !== '\\') {
      out[length++] = printed.charCodeAt(i);
      continue;
    }
    const escape = printed[++i] as string;
    if (escape === 'x') {
      out[length++] = Number.parseInt(printed.slice(i + 1, i + 3), 16);
      i += 2;
      continue;
    }
    const code = ESCAPES[escape];
    if (code === undefined) throw new Error(`unknown escape \\${escape} in ${printed}`);
    out[length++] = code;
  }
  return out.subarray(0, length);
}
