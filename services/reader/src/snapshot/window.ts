import type { Chunk } from './loader.ts';

/** One chunk between its SELECT and its publishing: the read under way, and the keys that the stream changed meanwhile. */
export class ChunkWindow {
  readonly table: string;
  readonly #readEnded: Promise<void>;
  #seen = false;
  /** By key: the columns that the stream has left out in each of its updates; none after a change with the whole row. */
  readonly #changed = new Map<string, readonly string[]>();
  #chunk: Chunk | undefined;
  #failure: unknown;

  constructor(table: string, reading: Promise<Chunk>) {
    this.table = table;
    this.#readEnded = reading.then(
      (chunk) => {
        this.#chunk = chunk;
      },
      (error: unknown) => {
        this.#failure = error;
      },
    );
  }

  observe(key: string, absent: readonly string[]): void {
    const before = this.#changed.get(key);
    this.#changed.set(key, before === undefined ? absent : before.filter((column) => absent.includes(column)));
  }

  /** The columns of a row of the chunk that the stream has not published: undefined for all of them, none when it has published the row. */
  missing(key: string): readonly string[] | undefined {
    return this.#changed.get(key);
  }

  /** Resolves when the read ends; undefined once `result` has told so: from then on only the stream's progress counts. */
  get pending(): Promise<void> | undefined {
    return this.#seen ? undefined : this.#readEnded;
  }

  /** The chunk, or undefined while it is being read. @throws what the read threw. */
  result(): Chunk | undefined {
    if (this.#failure !== undefined) throw this.#failure as Error;
    this.#seen = this.#chunk !== undefined;
    return this.#chunk;
  }
}
