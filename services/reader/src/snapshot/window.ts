import type { Chunk } from './loader.ts';

/** One chunk between its SELECT and its publishing: the read under way, and the keys that the stream changed meanwhile. */
export class ChunkWindow {
  readonly table: string;
  readonly #readEnded: Promise<void>;
  #seen = false;
  readonly #changed = new Set<string>();
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

  observe(key: string): void {
    this.#changed.add(key);
  }

  changed(key: string): boolean {
    return this.#changed.has(key);
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
