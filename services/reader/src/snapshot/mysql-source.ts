import type { Flavor } from '@tapline/binlog';
import { ChunkReader, connect, type MysqlAddress, type MysqlConnection, readGtids } from '@tapline/mysql';
import type { Routes } from '../publish/routes.ts';
import { parseExecuted } from '../source/executed.ts';
import type { Chunk, ChunkSource } from './loader.ts';

/** Chunks straight from the source's tables. */
export class MysqlChunkSource implements ChunkSource, AsyncDisposable {
  readonly #address: MysqlAddress;
  readonly #flavor: Flavor;
  readonly #routes: Routes;
  readonly #limits: { readonly limitRows: number; readonly limitBytes: number };
  readonly #reader: ChunkReader;
  #watermarks: MysqlConnection | undefined;

  constructor(options: {
    address: MysqlAddress;
    flavor: Flavor;
    routes: Routes;
    chunkRows: number;
    chunkBytes: number;
  }) {
    this.#address = options.address;
    this.#flavor = options.flavor;
    this.#routes = options.routes;
    this.#limits = { limitRows: options.chunkRows, limitBytes: options.chunkBytes };
    this.#reader = new ChunkReader(options.address);
  }

  async read(name: string, after: readonly string[] | undefined, signal: AbortSignal): Promise<Chunk> {
    const { table, selectList } = this.#routes.ofTable(name).envelope;
    const chunk = await this.#reader.read({ table, selectList, after, ...this.#limits }, signal);
    return { ...chunk, high: parseExecuted(this.#flavor, await this.#executed(signal)) };
  }

  /** After the read: whatever changed while it ran is in this set. */
  async #executed(signal: AbortSignal): Promise<string> {
    if (this.#watermarks?.usable !== true) this.#watermarks = await connect(this.#address, signal);
    return (await readGtids(this.#watermarks, signal)).executed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#reader[Symbol.asyncDispose]();
    await this.#watermarks?.[Symbol.asyncDispose]();
  }
}
