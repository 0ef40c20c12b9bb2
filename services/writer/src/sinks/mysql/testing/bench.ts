import { loadConfig, silentLogger } from '@tapline/kernel';
import { type MysqlConnection, quoteName, quoteTable } from '@tapline/mysql';
import type { Column, Table } from '@tapline/schema';
import { neverAborted, type Row, type SinkBench, SuiteTables, type Value } from '@tapline/sink';
import type { MovingAddress } from '@tapline/test-stack';
import { MYSQL_CONFIG, type MysqlConfig } from '../config.ts';
import { mysqlSink } from '../index.ts';

/** A checked configuration from what a user would write under `sink`. */
export function mysqlConfig(given: Readonly<Record<string, unknown>>): MysqlConfig {
  const declaration = { name: 'test', doc: 'Test.', fields: { sink: MYSQL_CONFIG } } as const;
  return loadConfig(declaration, { value: { sink: given } }).value.sink;
}

export interface MysqlBenchOptions {
  /** The store's own eyes: a session of root, which is not the sink's. */
  readonly root: MysqlConnection;
  readonly config: MysqlConfig;
  /** What the sink's connections go through, and where to. */
  readonly link: { readonly address: MovingAddress; readonly target: number };
  readonly table: Table;
  /** Database of the case's table. */
  readonly place: string;
  /** The server's setting by which it takes writes from nobody. */
  readonly readOnly?: string;
}

/** The contract suite's place in a real server: a database of its own, and another for the versions. */
export class MysqlBench implements SinkBench {
  readonly partialRows = true;
  readonly #root: MysqlConnection;
  readonly #config: MysqlConfig;
  readonly #link: MysqlBenchOptions['link'];
  readonly #tables: SuiteTables;
  readonly #place: string;
  readonly #readOnly: string;

  constructor({ root, config, link, table, place, readOnly = 'read_only' }: MysqlBenchOptions) {
    this.#root = root;
    this.#link = link;
    this.#tables = new SuiteTables(table);
    this.#place = place;
    this.#readOnly = readOnly;
    this.#config = { ...config, database: place, stateDatabase: `${place}_state`, port: link.address.port };
  }

  open(): ReturnType<SinkBench['open']> {
    return mysqlSink.open(this.#config, {
      name: this.#place,
      log: silentLogger,
      signal: neverAborted(),
      tables: this.#tables,
    });
  }

  async read(key: Row): Promise<unknown> {
    const { columns } = this.#tables.table;
    const [row] = await this.#rows(
      `SELECT ${columns.map(shown).join(', ')} FROM ${this.#table} WHERE ${condition(key)}`,
    );
    if (row === undefined) return undefined;
    return Object.fromEntries(columns.map((column, at) => [column.name, readable(column, row[at] ?? null)]));
  }

  expected(row: Row): unknown {
    const { columns } = this.#tables.table;
    return Object.fromEntries(
      columns.map((column) => [column.name, readable(column, asShown(column, row[column.name]))]),
    );
  }

  async version(key: Row): Promise<bigint | undefined> {
    const versions = quoteTable(`${this.#place}_state`, `${this.#place}.${this.#tables.table.name}`);
    const [row] = await this.#rows(`SELECT __version FROM ${versions} WHERE ${condition(key)}`);
    // 0: a place that was locked for a row that was then refused.
    return row === undefined || row[0] === '0' ? undefined : BigInt(row[0] ?? '');
  }

  async alter(table: Table): Promise<void> {
    const { columns } = this.#tables.table;
    this.#tables.alter(table);
    const steps = columns.flatMap((old) => {
      const now = table.columns.find(({ name }) => name === old.name);
      if (now === undefined) return [`DROP COLUMN ${quoteName(old.name)}`];
      return now.columnType === old.columnType ? [] : [`MODIFY COLUMN ${definition(now)}`];
    });
    if (steps.length > 0) await this.#root.execute(`ALTER TABLE ${this.#table} ${steps.join(', ')}`);
  }

  async spoil(key: Row): Promise<void> {
    const { columns, primaryKey = [] } = this.#tables.table;
    await this.#root.execute(`CREATE DATABASE IF NOT EXISTS ${quoteName(this.#place)}`);
    await this.#root.execute(
      `CREATE TABLE ${this.#table} (${columns.map(definition).join(', ')}, PRIMARY KEY (${primaryKey.map(quoteName).join(', ')}), CONSTRAINT spoilt CHECK (NOT (${condition(key)})))`,
    );
  }

  async mend(): Promise<void> {
    await this.#root.execute(`ALTER TABLE ${this.#table} DROP CONSTRAINT spoilt`);
  }

  async refuseWrites(): Promise<AsyncDisposable> {
    await this.#root.execute(`SET GLOBAL ${this.#readOnly} = 1`);
    return { [Symbol.asyncDispose]: () => this.#root.execute(`SET GLOBAL ${this.#readOnly} = 0`) };
  }

  interrupt(): Promise<AsyncDisposable> {
    const { address, target } = this.#link;
    address.moveTo(undefined);
    return Promise.resolve({
      [Symbol.asyncDispose]: () => {
        address.moveTo(target);
        return Promise.resolve();
      },
    });
  }

  stall(): Promise<AsyncDisposable> {
    return Promise.resolve(this.#link.address.hold());
  }

  get #table(): string {
    return quoteTable(this.#place, this.#tables.table.name);
  }

  /** No rows while the table is not there. */
  async #rows(sql: string): ReturnType<MysqlConnection['query']> {
    try {
      return await this.#root.query(sql);
    } catch (error) {
      const { errno } = (error as { cause?: { errno?: number } }).cause ?? {};
      if (errno === 1146 || errno === 1049) return [];
      throw error;
    }
  }
}

const AS_HEX = /^(?:.*blob|.*binary|geometry|point)$/;

/** How a column is selected, so that its text is exact. */
function shown({ name, type }: Column): string {
  if (AS_HEX.test(type)) return `HEX(${quoteName(name)})`;
  return type === 'bit' ? `CAST(${quoteName(name)} AS UNSIGNED)` : quoteName(name);
}

/** A value as `shown` shows it. Written apart from the sink's own code on purpose: the two must agree. */
function asShown({ type }: Column, value: Value | undefined): string | null {
  if (value === null || value === undefined) return null;
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex').toUpperCase();
  if (typeof value === 'boolean') return value ? '1' : '0';
  return type === 'datetime' || type === 'timestamp' ? String(value).replace('T', ' ').replace('Z', '') : String(value);
}

/** Documents and floating point by what they mean: the server has its own way to print them. */
function readable({ type }: Column, text: string | null): unknown {
  if (text === null) return null;
  if (type === 'json') return JSON.parse(text);
  return type === 'float' || type === 'double' ? Number(text) : text;
}

function definition({ name, columnType, charset, nullable }: Column): string {
  const text = charset === undefined ? '' : ' CHARACTER SET utf8mb4 COLLATE utf8mb4_bin';
  return `${quoteName(name)} ${columnType}${text} ${nullable ? 'NULL' : 'NOT NULL'}`;
}

function condition(key: Row): string {
  const same = Object.entries(key).map(([name, value]) => {
    const text =
      typeof value === 'string' ? `CONVERT(x'${Buffer.from(value).toString('hex')}' USING utf8mb4)` : String(value);
    return `${quoteName(name)} = ${text}`;
  });
  return same.join(' AND ');
}
