import type { Flavor } from '@tapline/binlog';
import { TaplineError } from '@tapline/kernel';
import {
  ChunkReader,
  connect,
  type MysqlAddress,
  type MysqlConnection,
  quoteTable,
  readGtids,
  readTables,
} from '@tapline/mysql';
import type { Table } from '@tapline/schema';
import type { Routes } from '../publish/routes.ts';
import { parseExecuted } from '../source/executed.ts';
import type { Chunk, ChunkSource } from './loader.ts';

const ER_NO_SUCH_TABLE = 1146;

/** `database.table`, as the loader names tables. */
export function tableName(table: Pick<Table, 'database' | 'name'>): string {
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
  readonly #flavor: Flavor;
  readonly #routes: Routes;
  readonly #limits: { readonly limitRows: number; readonly limitBytes: number };
  readonly #tables: ReadonlyMap<string, Table>;
  /** The definition that the route of a table was made of. */
  readonly #definitions = new Map<string, string>();
  readonly #reader: ChunkReader;
  #connection: MysqlConnection | undefined;

  constructor(options: {
    address: MysqlAddress;
    flavor: Flavor;
    routes: Routes;
    tables: readonly Table[];
    chunkRows: number;
    chunkBytes: number;
  }) {
    this.#address = options.address;
    this.#flavor = options.flavor;
    this.#routes = options.routes;
    this.#tables = new Map(options.tables.map((table) => [tableName(table), table]));
    this.#limits = { limitRows: options.chunkRows, limitBytes: options.chunkBytes };
    this.#reader = new ChunkReader(options.address);
  }

  async read(name: string, after: readonly string[] | undefined, signal: AbortSignal): Promise<Chunk> {
    try {
      for (;;) {
        const definition = await this.#definition(name, signal);
        if (definition !== this.#definitions.get(name)) await this.#describe(name, definition, signal);
        const { table, selectList } = this.#routes.ofTable(name).envelope;
        const chunk = await this.#reader.read({ table, selectList, after, ...this.#limits }, signal);
        if ((await this.#definition(name, signal)) !== definition) continue;
        return { ...chunk, high: await this.#high(signal) };
      }
    } catch (error) {
      if (!isGone(error)) throw error;
      // Dropped meanwhile: what it held is of no use any more.
      return { rows: [], last: undefined, finished: true, high: await this.#high(signal) };
    }
  }

  async #definition(name: string, signal: AbortSignal): Promise<string> {
    const { database, name: table } = this.#tables.get(name) as Table;
    const connection = await this.#connected(signal);
    const [row] = await connection.query(`SHOW CREATE TABLE ${quoteTable(database, table)}`, signal);
    // The next number to give out changes with every row and describes nothing.
    return (row?.[1] ?? '').replace(/ AUTO_INCREMENT=\d+/, '');
  }

  async #describe(name: string, definition: string, signal: AbortSignal): Promise<void> {
    const known = this.#tables.get(name) as Table;
    const filter = {
      matches: (database: string, table: string) => database === known.database && table === known.name,
      mayMatchIn: (database: string) => database === known.database,
    };
    const [table] = await readTables(await this.#connected(signal), filter, signal);
    if (table === undefined) return;
    await this.#routes.openTable(table);
    this.#definitions.set(name, definition);
  }

  /** After the read: whatever changed while it ran is in this set. */
  async #high(signal: AbortSignal): Promise<Chunk['high']> {
    return parseExecuted(this.#flavor, (await readGtids(await this.#connected(signal), signal)).executed);
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

function isGone(error: unknown): boolean {
  const cause = error instanceof TaplineError ? (error.cause as { errno?: number } | undefined) : undefined;
  return cause?.errno === ER_NO_SUCH_TABLE;
}
