import type { Executed } from '../source/executed.ts';
import type { ChunkGroup } from './loader.ts';

/** Chunks of some tables between the moment before their first SELECT and their publishing: the read under way, and the keys that the stream changed meanwhile. */
export class ChunkWindow {
  /** By table and key: the columns that the stream has left out in each of its updates; none after a change with the whole row. */
  readonly #changed: ReadonlyMap<string, Map<string, readonly string[]>>;
  readonly #readEnded: Promise<void>;
  #seen = false;
  #group: ChunkGroup | undefined;
  #failure: { readonly error: unknown } | undefined;

  constructor(tables: readonly string[], reading: Promise<ChunkGroup>) {
    this.#changed = new Map(tables.map((table) => [table, new Map()]));
    this.#readEnded = reading.then(
      (group) => {
        this.#group = group;
      },
      (error: unknown) => {
        this.#failure = { error };
      },
    );
  }

  watches(table: string): boolean {
    return this.#changed.has(table);
  }

  observe(table: string, key: string, absent: readonly string[]): void {
    const keys = this.#changed.get(table);
    const before = keys?.get(key);
    keys?.set(key, before === undefined ? absent : before.filter((column) => absent.includes(column)));
  }

  /** The columns of a row of the chunk that the stream has not published: undefined for all of them, none when it has published the row. */
  missing(table: string, key: string): readonly string[] | undefined {
    return this.#changed.get(table)?.get(key);
  }

  /** Resolves when the read ends; undefined once `take` has told so: from then on only the stream's progress counts. */
  get pending(): Promise<void> | undefined {
    return this.#seen ? undefined : this.#readEnded;
  }

  /** What was read, once the stream has passed everything that raced with the read. @throws what the read threw. */
  take(executed: Executed): ChunkGroup | undefined {
    if (this.#failure !== undefined) throw this.#failure.error;
    this.#seen = this.#group !== undefined;
    return this.#group !== undefined && executed.includes(this.#group.high) ? this.#group : undefined;
  }
}
