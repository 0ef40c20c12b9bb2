import { Outcome } from '../../outcome.ts';
import { type BulkSender, bulkOf, indexEntry } from '../bulk.ts';
import { type Families, lookedOf, lookedText, type Work } from './families.ts';
import type { PartsStore } from './parts-store.ts';

/** The newest change of a row that documents look up. */
export interface LookedChange {
  /** Name of the row's page. */
  readonly page: string;
  readonly as: string;
  readonly key: string;
  readonly version: bigint;
  readonly row: string | null;
  /** Of the change in the call. */
  readonly change: number;
}

export interface LookupsOptions {
  readonly parts: PartsStore;
  readonly keep: BulkSender;
  readonly families: Families;
}

/** Rows that one search asks for, each with a condition of its own; the store’s limit of conditions is 1,024. */
const ROWS_AT_ONCE = 200;
const DOCUMENTS_AT_ONCE = 500;

/**
 * Rows that documents look up: a page a row, and the way from a row to the documents that have it.
 *
 * The page is written, *then* the index is refreshed and searched for documents with an older version of the row. A document that was kept before the refresh
 * is found; one that was kept later has its writer look at the row's page after it, where it meets the new version (`Families`).
 */
export class Lookups {
  readonly #options: LookupsOptions;

  constructor(options: LookupsOptions) {
    this.#options = options;
  }

  /** Each row at most once. @returns those that were new. */
  async note(rows: readonly LookedChange[], outcome: Outcome, signal: AbortSignal): Promise<ReadonlySet<LookedChange>> {
    const { parts, keep } = this.#options;
    const entries = rows.map(({ page, version, row }, index) => {
      const at = { index: parts.index, id: page, routing: undefined };
      return {
        change: index,
        index: parts.index,
        lines: indexEntry(at, version, lookedText(version, row)),
        leaving: false,
      };
    });
    const noted = new Outcome(rows.length);
    await keep.send(bulkOf(entries), noted, signal);
    const { verdicts, errors } = noted.result();
    for (const [index, { change }] of rows.entries()) {
      const error = errors.get(index);
      if (error !== undefined) outcome.failed(change, error);
      else if (verdicts[index] === 'stale') outcome.stale(change);
    }
    return new Set(rows.filter((_, index) => verdicts[index] === 'applied'));
  }

  /**
   * Brings the rows to all documents that refer to them and have an older version. Of a row that was not new also to those that have this version: who noted it
   * may have died when it had kept a document and not shown it.
   */
  async spread(
    rows: readonly LookedChange[],
    fresh: ReadonlySet<LookedChange>,
    outcome: Outcome,
    signal: AbortSignal,
  ): Promise<void> {
    if (rows.length === 0) return;
    await this.#options.parts.refresh(signal);
    for (let from = 0; from < rows.length; from += ROWS_AT_ONCE) {
      const some = rows.slice(from, from + ROWS_AT_ONCE);
      const pages = await this.#options.parts.read(
        some.map(({ page }) => page),
        signal,
        'version',
      );
      const should = some.map((row) => {
        const version = String(lookedOf(pages.get(row.page)).version);
        const older = fresh.has(row) ? { lt: version } : { lte: version };
        const filter = [{ term: { [`keys.${row.as}`]: row.key } }, { range: { [`versions.${row.as}`]: older } }];
        return { bool: { filter } };
      });
      await this.#settleFound(
        { bool: { filter: [{ bool: { should, minimum_should_match: 1 } }] } },
        some.map(({ change }) => change),
        outcome,
        signal,
      );
    }
  }

  async #settleFound(query: object, changes: readonly number[], outcome: Outcome, signal: AbortSignal): Promise<void> {
    const { parts, families } = this.#options;
    let last: readonly string[] | undefined;
    do {
      const search = {
        size: DOCUMENTS_AT_ONCE,
        sort: [{ family: 'asc' }],
        track_total_hits: false,
        query,
        ...(last === undefined ? {} : { search_after: last }),
      };
      const found = await parts.search(search, 'family', signal);
      const works: Work[] = found.map(({ family }) => ({ family: String(family), parts: [], changes }));
      await families.settle(works, outcome, signal);
      const end = works.at(-1)?.family;
      last = found.length < DOCUMENTS_AT_ONCE || end === undefined ? undefined : [end];
    } while (last !== undefined);
  }
}
