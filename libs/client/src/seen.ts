import type { Change } from '@tapline/sink';

/** A row, as text: the same for every change of it. */
export type RowName = string;

/**
 * Which version of each row was handled last: with it, a change that comes again after a crash or a rebalance is not handled again. As exact as the
 * store: where handler and store are of one transaction, each change takes effect once; where they are not, a crash between the two repeats one.
 */
export interface SeenStore {
  /** The version last handled of each row, undefined where there is none, in the order of `rows`. */
  versions(rows: readonly RowName[], signal: AbortSignal): Promise<readonly (bigint | undefined)[]>;
  /** These were handled: called when their handlers have resolved. */
  handled(versions: ReadonlyMap<RowName, bigint>): Promise<void>;
}

/** Remembers in memory, and only the rows handled last: for tests, and against the repetitions of one life. */
export class SeenInMemory implements SeenStore {
  readonly #versions = new Map<RowName, bigint>();
  readonly #rows: number;

  constructor(rows: number = 100_000) {
    this.#rows = rows;
  }

  versions(rows: readonly RowName[]): Promise<readonly (bigint | undefined)[]> {
    return Promise.resolve(rows.map((row) => this.#versions.get(row)));
  }

  handled(versions: ReadonlyMap<RowName, bigint>): Promise<void> {
    for (const [row, version] of versions) {
      this.#versions.delete(row);
      this.#versions.set(row, version);
    }
    for (const row of this.#versions.keys()) {
      if (this.#versions.size <= this.#rows) break;
      this.#versions.delete(row);
    }
    return Promise.resolve();
  }
}

/** Topic and key columns; undefined for a row without a key, of which every change is a row of its own. */
export function rowName({ topic, key }: Change): RowName | undefined {
  if (key === null) return undefined;
  const values = Object.values(key).map((value) =>
    value instanceof Uint8Array ? Buffer.from(value).toString('base64') : String(value),
  );
  return JSON.stringify([topic, ...values]);
}
