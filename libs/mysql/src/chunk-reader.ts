import { TaplineError } from '@tapline/kernel';
import { type Table, uniqueColumnsOf } from '@tapline/schema';
import type { MysqlAddress } from './address.ts';
import { type ChunkKey, KeyRange } from './chunk-key.ts';
import { connect, type MysqlConnection } from './connection.ts';
import { quoteName, quoteTable } from './quote.ts';
import { type RowBatch, rowBytes, type TextRow } from './row-stream.ts';

export interface ChunkRequest {
  readonly table: Table;
  /** SELECT expressions for the table's columns. They may name the table's columns unqualified. */
  readonly selectList: string;
  /** The `last` of the chunk before; undefined at the table's start. */
  readonly after?: ChunkKey | undefined;
  /** At most so many rows. */
  readonly limitRows: number;
  /** The chunk ends early when its rows take more memory than this; it always has at least one row. */
  readonly limitBytes: number;
}

export interface TextChunk {
  /** In key order. Each row: the values of the select list, then those of the key (for `last`). */
  readonly rows: readonly TextRow[];
  /** Memory that the rows take. */
  readonly bytes: number;
  /** The key of the last row; undefined when there are no rows. */
  readonly last: ChunkKey | undefined;
  /** No row of the table is beyond this chunk. */
  readonly finished: boolean;
}

/** The table's name in our statements: an ORDER BY that said only `id` could mean an expression of the select list. */
export const CHUNK_ALIAS = 'tapline_row';

/**
 * Reads tables piece by piece in key order, each piece one short statement: no lock and no old snapshot is held in between. What a piece
 * holds is what was committed when its statement ran.
 */
export class ChunkReader implements AsyncDisposable {
  readonly #address: MysqlAddress;
  #connection: MysqlConnection | undefined;
  /** Rows that fit in `limitBytes`, learnt from the table's chunks so far: asking for more would only be thrown away. */
  readonly #fittingRows = new WeakMap<Table, number>();

  constructor(address: MysqlAddress) {
    this.#address = address;
  }

  /**
   * @throws TaplineError SCHEMA_NO_KEY when the table has no key to read along: see `all`. SOURCE_… from the server; the signal's reason when
   * it aborts.
   */
  async read(request: ChunkRequest, signal?: AbortSignal): Promise<TextChunk> {
    const { table, limitBytes } = request;
    const columns = uniqueColumnsOf(table);
    if (columns === undefined) throw noUniqueKey(table);
    const range = new KeyRange(table, columns, CHUNK_ALIAS);
    const limit = Math.min(request.limitRows, this.#fittingRows.get(table) ?? request.limitRows);
    const sql = chunkSql(request, range, limit);
    const rows: TextRow[] = [];
    let bytes = 0;
    let full = false;
    const connection = await this.#connected(signal);
    const budget = { bufferBytes: Math.min(limitBytes, 1 << 20), ...(signal === undefined ? {} : { signal }) };
    for await (const batch of connection.stream(sql, budget)) {
      for (const row of batch) {
        rows.push(row);
        bytes += rowBytes(row);
        full = bytes >= limitBytes && rows.length < limit;
        if (full) break;
      }
      // Leaving here closes the session: the server is still sending.
      if (full) break;
    }
    if (bytes * 2 > limitBytes) {
      this.#fittingRows.set(table, Math.max(1, Math.floor((rows.length * limitBytes) / bytes)));
    }
    const last = rows.at(-1)?.slice(-columns.length).map(String);
    return { rows, bytes, last, finished: !full && rows.length < limit };
  }

  /** A whole table in one statement, in no particular order: for tables without a key. Cannot be resumed. */
  async *all(
    request: Pick<ChunkRequest, 'table' | 'selectList'> & { readonly bufferBytes: number },
    signal?: AbortSignal,
  ): AsyncGenerator<RowBatch> {
    const { table, selectList, bufferBytes } = request;
    const sql = `SELECT ${selectList} FROM ${quoteTable(table.database, table.name)} AS ${CHUNK_ALIAS}`;
    const connection = await this.#connected(signal);
    yield* connection.stream(sql, { bufferBytes, ...(signal === undefined ? {} : { signal }) });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#connection?.[Symbol.asyncDispose]();
    this.#connection = undefined;
  }

  async #connected(signal: AbortSignal | undefined): Promise<MysqlConnection> {
    if (this.#connection?.usable !== true) this.#connection = await connect(this.#address, signal);
    return this.#connection;
  }
}

/** The statement of one chunk. */
export function chunkSql(
  request: Pick<ChunkRequest, 'table' | 'selectList' | 'after'>,
  range: KeyRange,
  limit: number,
): string {
  const { table, selectList, after } = request;
  return [
    `SELECT ${selectList}, ${range.selectList}`,
    `FROM ${quoteTable(table.database, table.name)} AS ${CHUNK_ALIAS} FORCE INDEX (${quoteName(indexName(table))})`,
    ...(after === undefined ? [] : [`WHERE ${range.after(after)}`]),
    `ORDER BY ${range.orderBy} LIMIT ${limit}`,
  ].join(' ');
}

function indexName(table: Table): string {
  if (table.primaryKey !== undefined) return 'PRIMARY';
  const columns = uniqueColumnsOf(table);
  return table.uniqueKeys.find((key) => key.columns === columns)?.name ?? 'PRIMARY';
}

function noUniqueKey(table: Table): TaplineError {
  const name = `${table.database}.${table.name}`;
  return new TaplineError('SCHEMA_NO_KEY', {
    message: `${name} has neither a primary key nor a unique key without NULLs, so it cannot be read in pieces.`,
    place: { table: name },
    remedy: 'Give the table a primary key (an invisible column will do), or leave its first load out.',
  });
}
