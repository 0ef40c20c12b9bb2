import { spawn } from 'node:child_process';
import { createConnection } from 'mysql2/promise';
import { type BinlogChange, BinlogTextReader, type Layout } from './binlog-text.ts';
import { imageValues, rowImage } from './image.ts';

/** A record that a topic must hold, in the order of the binlog. An update that changes the key is a delete and a create. */
export interface ExpectedRecord {
  /** Place in the binlog over all captured tables: grows by one with each record. */
  readonly index: number;
  readonly gtid: string;
  readonly op: 'c' | 'u' | 'd';
  /** Key values as an image; undefined for a table without a key. */
  readonly key: string | undefined;
  /** Names of the columns that the table had here, in order, with commas. */
  readonly columns: string;
  readonly before?: string;
  readonly after?: string;
}

export interface ExpectedTable {
  /** `db.table`. */
  readonly table: string;
  /** Empty: the table is published without a key (`append`). */
  readonly keyColumns: readonly string[];
  readonly records: ExpectedRecord[];
}

export interface Oracle {
  readonly tables: ReadonlyMap<string, ExpectedTable>;
  /** Place of each GTID that changed a captured table, in binlog order. */
  readonly transactions: ReadonlyMap<string, number>;
  /** Row changes, key-changing updates counted once. */
  readonly changes: number;
}

type KeyOf = (table: string) => 'primary' | 'append' | readonly string[] | undefined;

export interface OracleOptions {
  /** The program and its first arguments; it may need a loader of its own. */
  readonly mysqlbinlog: readonly [string, ...string[]];
  readonly address: { readonly host: string; readonly port: number; readonly user: string; readonly password: string };
  /** Of a captured table (`db.table`): key columns, `append` for none, or `primary` for what the table itself says; undefined for all others. */
  readonly keyOf: KeyOf;
  /** The first binlog file to read; the first that the server has when absent. */
  readonly from?: string;
}

/** What every captured table's topic must hold, from the first binlog file on, as MySQL's own mysqlbinlog tells it. */
export async function readOracle(options: OracleOptions): Promise<Oracle> {
  const builder = new OracleBuilder(options.keyOf);
  const reader = new BinlogTextReader({
    wants: (table) => options.keyOf(table) !== undefined,
    emit: (change) => builder.add(change),
  });
  await runMysqlbinlog(options, options.from ?? (await firstBinlog(options.address)), (line) => reader.line(line));
  return builder;
}

/** What a layout says of a table's changes, made once a layout. */
interface LayoutFacts {
  readonly columns: string;
  readonly keyIndexes: readonly number[];
}

/** Turns row changes into the records to expect. Exported for its test. */
export class OracleBuilder implements Oracle {
  readonly tables: Map<string, ExpectedTable> = new Map();
  readonly transactions: Map<string, number> = new Map();
  readonly #keyOf: KeyOf;
  readonly #layouts = new Map<Layout, LayoutFacts>();
  #next = 0;
  changes = 0;

  constructor(keyOf: KeyOf) {
    this.#keyOf = keyOf;
  }

  add(change: BinlogChange): void {
    const table = this.tables.get(change.table) ?? this.#open(change);
    if (!this.transactions.has(change.gtid)) this.transactions.set(change.gtid, this.transactions.size);
    this.changes++;
    const { gtid, op, before, after, layout } = change;
    const { columns, keyIndexes } = this.#layouts.get(layout) ?? this.#read(layout, table);
    const oldKey = keyImage(keyIndexes, before);
    const newKey = keyImage(keyIndexes, after);
    if (op === 'u' && oldKey !== newKey) {
      table.records.push({ index: this.#next++, gtid, op: 'd', key: oldKey, columns, before: before as string });
      table.records.push({ index: this.#next++, gtid, op: 'c', key: newKey, columns, after: after as string });
      return;
    }
    table.records.push({
      index: this.#next++,
      gtid,
      op,
      key: op === 'd' ? oldKey : newKey,
      columns,
      ...(before === undefined ? {} : { before }),
      ...(after === undefined ? {} : { after }),
    });
  }

  #open(change: BinlogChange): ExpectedTable {
    const choice = this.#keyOf(change.table) ?? 'primary';
    const keyColumns = choice === 'append' ? [] : choice === 'primary' ? change.layout.primaryKey : choice;
    const table: ExpectedTable = { table: change.table, keyColumns, records: [] };
    this.tables.set(change.table, table);
    return table;
  }

  #read(layout: Layout, { keyColumns }: ExpectedTable): LayoutFacts {
    const names = layout.columns.map((column) => column.name);
    const facts = { columns: names.join(), keyIndexes: keyColumns.map((name) => names.indexOf(name)) };
    this.#layouts.set(layout, facts);
    return facts;
  }
}

function keyImage(indexes: readonly number[], image: string | undefined): string | undefined {
  if (image === undefined || indexes.length === 0) return undefined;
  const values = imageValues(image);
  return rowImage(indexes.map((index) => values[index] as string));
}

async function firstBinlog(address: OracleOptions['address']): Promise<string> {
  const connection = await createConnection(address);
  try {
    const [rows] = await connection.query('SHOW BINARY LOGS');
    const first = (rows as { Log_name: string }[])[0];
    if (first === undefined) throw new Error('the server has no binlog');
    return first.Log_name;
  } finally {
    await connection.end();
  }
}

async function runMysqlbinlog(options: OracleOptions, file: string, onLine: (line: string) => void): Promise<void> {
  const [command, ...loader] = options.mysqlbinlog;
  const { host, port, user, password } = options.address;
  const child = spawn(
    command,
    [
      ...loader,
      '--no-defaults',
      '--protocol=tcp',
      `--host=${host}`,
      `--port=${port}`,
      `--user=${user}`,
      ...(password === '' ? [] : [`--password=${password}`]),
      '--read-from-remote-server',
      '--to-last-log',
      '--base64-output=decode-rows',
      '-vv',
      '--print-table-metadata',
      file,
    ],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  ended.catch(() => {});
  let complaints = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaints += text;
  });
  child.stdout.setEncoding('latin1');
  let rest = '';
  for await (const chunk of child.stdout as AsyncIterable<string>) {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() as string;
    for (const line of lines) onLine(line);
  }
  const code = await ended;
  if (code !== 0) throw new Error(`mysqlbinlog ended with code ${code}: ${complaints}`);
}
