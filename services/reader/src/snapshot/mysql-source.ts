import { TaplineError } from '@tapline/kernel';
import {
  ChunkReader,
  connect,
  type MysqlAddress,
  type MysqlConnection,
  quoteTable,
  readTables,
  tablesNamed,
  waitUntilVisible,
} from '@tapline/mysql';
import type { Table } from '@tapline/schema';
import type { Routes } from '../publish/routes.ts';
import { type Executed, parseExecuted, readExecuted, type Tracking } from '../source/executed.ts';
import type { Chunk, ChunkLimits, ChunkSource, TableKind } from './loader.ts';

const ER_BAD_DB = 1049;
const ER_BAD_FIELD = 1054;
const ER_NO_SUCH_TABLE = 1146;
const NOTHING: Chunk = { rows: [], bytes: 0, last: undefined, finished: true };

type TableName = Pick<Table, 'database' | 'name'>;

/** `database.table`, as the loader names tables. */
export function tableName(table: TableName): string {
  return `${table.database}.${table.name}`;
}

/**
 * Chunks straight from the source's tables.
 *
 * A table may be altered between two chunks, and between its description and a SELECT. A chunk read by an old description would lack a column that
 * the stream has published already, and would take it away again. So a chunk counts only when the table's definition was the same before and
 * after its SELECT, and its rows are encoded by the description made of that definition. No lock is held, so no ALTER ever waits for the load.
 */
export class MysqlChunkSource implements ChunkSource, AsyncDisposable {
  readonly #address: MysqlAddress;
  readonly #tracking: Tracking;
  readonly #routes: Routes;
  readonly #isLoaded: (table: Table) => boolean;
  readonly #settle: () => Promise<void>;
  /** Tables being loaded: what they are called, and the definition that their route was made of. */
  readonly #open = new Map<string, { readonly name: TableName; definition: string }>();
  readonly #reader: ChunkReader;
  #connection: MysqlConnection | undefined;

  constructor(options: {
    address: MysqlAddress;
    tracking: Tracking;
    routes: Routes;
    /** False: it has no message key, or is an outbox. */
    isLoaded(table: Table): boolean;
    /** Without GTIDs: resolves when a SELECT sees everything that was in the binlog at the call. */
    settle(): Promise<void>;
  }) {
    this.#address = options.address;
    this.#tracking = options.tracking;
    this.#routes = options.routes;
    this.#isLoaded = (table) => options.isLoaded(table);
    this.#settle = () => options.settle();
    this.#reader = new ChunkReader(options.address);
  }

  async open(tables: readonly string[], signal: AbortSignal): Promise<ReadonlyMap<string, TableKind>> {
    const kinds = new Map<string, TableKind>(tables.map((table) => [table, this.#open.has(table) ? 'ready' : 'gone']));
    const fresh = new Set(tables.filter((table) => !this.#open.has(table)));
    const definitions = new Map<string, string>();
    // Definitions first: a description made between two equal ones is theirs.
    for (const table of await this.#describe(fresh, signal)) {
      const definition = await this.#definition(table, signal).catch(emptyWhenGone);
      if (definition !== '') definitions.set(tableName(table), definition);
    }
    const ready: Table[] = [];
    for (const table of await this.#describe(new Set(definitions.keys()), signal)) {
      const isKeyless = !this.#isLoaded(table);
      const name = tableName(table);
      kinds.set(name, isKeyless ? 'keyless' : 'ready');
      if (isKeyless) continue;
      this.#open.set(name, { name: table, definition: definitions.get(name) ?? '' });
      ready.push(table);
    }
    await this.#routes.openTables(ready);
    return kinds;
  }

  close(table: string): void {
    this.#open.delete(table);
    this.#routes.closeTable(table);
  }

  async visible(passed: string, signal: AbortSignal): Promise<void> {
    if (this.#tracking === 'file') return await this.#settle();
    const has = (executed: string): boolean =>
      parseExecuted(this.#tracking, executed).includes(parseExecuted(this.#tracking, passed));
    await waitUntilVisible(await this.#connected(signal), has, signal);
  }

  async read(
    name: string,
    after: readonly string[] | undefined,
    limits: ChunkLimits,
    signal: AbortSignal,
  ): Promise<Chunk> {
    const open = this.#open.get(name);
    if (open === undefined) return NOTHING;
    try {
      for (;;) {
        const definition = await this.#definition(open.name, signal);
        if (definition !== open.definition) {
          const [table] = await this.#describe(new Set([name]), signal);
          if (table === undefined) return NOTHING;
          await this.#routes.openTables([table]);
          open.definition = definition;
        }
        const { table, selectList } = this.#routes.ofTable(name).envelope;
        const request = { table, selectList, after, limitRows: limits.rows, limitBytes: limits.bytes };
        const read = await this.#reader.read(request, signal).catch(failedForColumn);
        if ((await this.#definition(open.name, signal)) !== definition) continue;
        if ('failure' in read) throw read.failure;
        return read;
      }
    } catch (error) {
      if (!isGone(error)) throw error;
      return NOTHING;
    }
  }

  async executed(signal: AbortSignal): Promise<Executed> {
    return parseExecuted(this.#tracking, await readExecuted(await this.#connected(signal), this.#tracking, signal));
  }

  async #definition({ database, name }: TableName, signal: AbortSignal): Promise<string> {
    const connection = await this.#connected(signal);
    const [row] = await connection.query(`SHOW CREATE TABLE ${quoteTable(database, name)}`, signal);
    // The next number to give out changes with every row and describes nothing.
    return (row?.[1] ?? '').replace(/ AUTO_INCREMENT=\d+/, '');
  }

  async #describe(names: ReadonlySet<string>, signal: AbortSignal): Promise<Table[]> {
    if (names.size === 0) return [];
    return await readTables(await this.#connected(signal), tablesNamed(names), signal);
  }

  async #connected(signal: AbortSignal): Promise<MysqlConnection> {
    if (this.#connection?.usable !== true) this.#connection = await connect(this.#address, signal);
    return this.#connection;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#reader[Symbol.asyncDispose]();
    await this.#connection?.[Symbol.asyncDispose]();
  }
}

function emptyWhenGone(error: unknown): '' {
  if (isGone(error)) return '';
  throw error;
}

/** A column that is not there: renamed or dropped since the table was described, if its definition is another one now. */
function failedForColumn(failure: unknown): { failure: unknown } {
  if (errnoOf(failure) === ER_BAD_FIELD) return { failure };
  throw failure;
}

function isGone(error: unknown): boolean {
  const errno = errnoOf(error);
  return errno === ER_NO_SUCH_TABLE || errno === ER_BAD_DB;
}

function errnoOf(error: unknown): number | undefined {
  return error instanceof TaplineError ? (error.cause as { errno?: number } | undefined)?.errno : undefined;
}
