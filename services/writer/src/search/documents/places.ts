import { Outcome } from '../../outcome.ts';
import { type BulkSender, bulkOf } from '../bulk.ts';
import { pauseOfConflict } from './conflict.ts';
import type { Page, PartsStore } from './parts-store.ts';

/** What the newest change of a row in a list says: the document that it belongs to from this version on (null: none). */
export interface Move {
  /** Name of the row's page. */
  readonly page: string;
  readonly version: bigint;
  readonly parent: string | null;
  /** Of the change in the call. */
  readonly change: number;
}

/** Where a row is to be, and where it must not be any more. */
export type Placed<M extends Move> = M & { readonly left: readonly string[] };

interface Place {
  readonly version: bigint;
  readonly parent: string | null;
  /** Documents that the row was in earlier, as far as nobody has made sure that it has left them. */
  readonly left: readonly string[];
}

/** Above this the page is written once more to forget the documents that were left. */
const MANY_LEFT = 8;

/**
 * Where each row of a list is: a page a row, written before the documents are. Changes alone do not say that: a tombstone has no row, compaction takes away the
 * change that moved it, and a loaded row has no image of before. With the place noted first, whoever comes next, whatever was lost between, knows all the
 * documents from which the row has to go.
 */
export class Places {
  readonly #parts: PartsStore;
  readonly #bulk: BulkSender;

  constructor(parts: PartsStore, bulk: BulkSender) {
    this.#parts = parts;
    this.#bulk = bulk;
  }

  /** Notes the moves; each page at most once. What came too late is not among the answers. */
  async note<M extends Move>(
    moves: readonly M[],
    outcome: Outcome,
    signal: AbortSignal,
  ): Promise<readonly Placed<M>[]> {
    const placed: Placed<M>[] = [];
    let open = moves;
    for (let tries = 1; open.length > 0; tries++) {
      const again: M[] = [];
      const pages = await this.#parts.read(
        open.map(({ page }) => page),
        signal,
      );
      const writes: { readonly placed: Placed<M>; readonly at: Page['at'] | undefined }[] = [];
      for (const move of open) {
        const page = pages.get(move.page);
        const held = page === undefined ? undefined : placeOf(page);
        if (held !== undefined && held.version > move.version) outcome.stale(move.change);
        else if (held?.version === move.version) placed.push({ ...move, parent: held.parent, left: held.left });
        else writes.push({ placed: { ...move, left: leftBy(held, move.parent) }, at: page?.at });
      }
      const written = new Outcome(writes.length);
      const entries = writes.map(({ placed: one, at }, index) => this.#parts.entry(index, one.page, at, textOf(one)));
      await this.#bulk.send(bulkOf(entries), written, signal);
      const { verdicts, errors } = written.result();
      for (const [index, { placed: one }] of writes.entries()) {
        const error = errors.get(index);
        if (error !== undefined) outcome.failed(one.change, error);
        else if (verdicts[index] === 'stale') again.push(one);
        else placed.push(one);
      }
      open = again;
      if (open.length > 0) await pauseOfConflict(tries, signal);
    }
    return placed;
  }

  /** For when the rows are where they are to be: pages that name many documents forget them. */
  async settle(placed: readonly Placed<Move>[], signal: AbortSignal): Promise<void> {
    const long = placed.filter(({ left }) => left.length > MANY_LEFT);
    if (long.length === 0) return;
    const pages = await this.#parts.read(
      long.map(({ page }) => page),
      signal,
    );
    const entries = long.flatMap(({ page, version, parent }, index) => {
      const held = pages.get(page);
      if (held === undefined || placeOf(held).version !== version) return [];
      return [this.#parts.entry(index, page, held.at, textOf({ version, parent, left: [] }))];
    });
    // Whatever comes of it: with the long list the page is right too.
    await this.#bulk.send(bulkOf(entries), new Outcome(long.length), signal);
  }
}

function leftBy(held: Place | undefined, parent: string | null): readonly string[] {
  if (held === undefined) return [];
  const left = new Set(held.left);
  if (held.parent !== null) left.add(held.parent);
  if (parent !== null) left.delete(parent);
  return [...left];
}

function textOf({ version, parent, left }: Place): string {
  return JSON.stringify({ version: String(version), parent, left });
}

function placeOf({ source: { version, parent, left } }: Page): Place {
  return {
    version: BigInt(String(version)),
    parent: typeof parent === 'string' ? parent : null,
    left: Array.isArray(left) ? left.map(String) : [],
  };
}
