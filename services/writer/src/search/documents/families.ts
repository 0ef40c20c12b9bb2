import { TaplineError } from '@tapline/kernel';
import { Outcome } from '../../outcome.ts';
import { type BulkSender, bulkOf, deleteEntry, indexEntry, type TextEntry } from '../bulk.ts';
import { pauseOfConflict } from './conflict.ts';
import { Family, type FamilyLimits, type Looked, type Part } from './family.ts';
import type { Page, PartsStore } from './parts-store.ts';

/** What is to be done to one document. */
export interface Work {
  readonly family: string;
  readonly parts: readonly { readonly part: Part; readonly change: number }[];
  /** Changes that are not done before the document is right, also where they have no part in it. */
  readonly changes: readonly number[];
}

export interface FamiliesOptions {
  readonly parts: PartsStore;
  /** To the index of parts. */
  readonly keep: BulkSender;
  /** To the index of documents. */
  readonly show: BulkSender;
  readonly index: string;
  readonly limits: FamilyLimits;
  /** What stands in place of a document that is no more; undefined: nothing does. */
  readonly marked: string | undefined;
}

/** Documents that are held in memory at once. */
const FAMILIES_AT_ONCE = 64;

export function familyPage(id: string): string {
  return `f:${id}`;
}

export function lookedPage(as: string, key: string): string {
  return `o:${as}:${key}`;
}

/** A page of a looked-up row. Written with its version as the external one. */
export function lookedText(version: bigint, row: string | null): string {
  return JSON.stringify({ version: String(version), row });
}

export function lookedOf(page: Page | undefined): Looked {
  if (page === undefined) return { version: 0n, row: null };
  const { version, row } = page.source;
  return { version: BigInt(String(version)), row: typeof row === 'string' ? row : null };
}

interface Opened {
  readonly work: Work;
  readonly family: Family;
  readonly at: Page['at'] | undefined;
}

interface Keeping {
  readonly kept: readonly Opened[];
  readonly beaten: readonly Opened[];
}

/**
 * Brings documents into the state that their parts say.
 *
 * The order in it is what makes it right: a document is kept with the rows that it looked up, *then* these are read once more, and only when none is newer the
 * document is shown. Who changes a looked-up row writes its page first and looks for documents then (`Lookups`). So one of the two sees the other.
 */
export class Families {
  readonly #options: FamiliesOptions;

  constructor(options: FamiliesOptions) {
    this.#options = options;
  }

  /** Each document at most once. Verdicts go to the changes. */
  async settle(works: readonly Work[], outcome: Outcome, signal: AbortSignal): Promise<void> {
    for (let from = 0; from < works.length; from += FAMILIES_AT_ONCE)
      await this.#settleSome(works.slice(from, from + FAMILIES_AT_ONCE), outcome, signal);
  }

  async #settleSome(works: readonly Work[], outcome: Outcome, signal: AbortSignal): Promise<void> {
    const begun = performance.now();
    const told = new Set<number>();
    let open = works;
    for (let tries = 1; open.length > 0; tries++) {
      const opened = await this.#open(open, signal);
      for (const one of opened) this.#take(one, told, outcome);
      await this.#look(opened, signal);
      const { kept, beaten } = await this.#keep(opened, outcome, signal);
      const behind = await this.#behind(kept, signal);
      await this.#show(
        kept.filter((one) => !behind.has(one)),
        outcome,
        signal,
      );
      open = [...beaten, ...behind].map(({ work }) => work);
      if (open.length === 0 && this.#isLate(begun)) open = works;
      if (open.length > 0) await pauseOfConflict(tries, signal);
    }
    for (const { parts } of works) for (const { change } of parts) if (!told.has(change)) outcome.stale(change);
  }

  async #open(works: readonly Work[], signal: AbortSignal): Promise<readonly Opened[]> {
    const pages = await this.#options.parts.read(
      works.map(({ family }) => familyPage(family)),
      signal,
    );
    return works.map((work) => {
      const page = pages.get(familyPage(work.family));
      return { work, family: new Family(work.family, page?.source, this.#options.limits), at: page?.at };
    });
  }

  #take({ work, family }: Opened, told: Set<number>, outcome: Outcome): void {
    const nowSeconds = Math.floor(Date.now() / 1000);
    for (const { part, change } of work.parts) {
      const taken = family.take(part, nowSeconds);
      if (taken !== 'stale') told.add(change);
      if (taken === 'full') outcome.failed(change, this.#full(family, part));
    }
  }

  /** Puts the looked-up rows as they are now into the documents. */
  async #look(opened: readonly Opened[], signal: AbortSignal): Promise<void> {
    const ids = pagesOf(opened);
    if (ids.length === 0) return;
    const pages = await this.#options.parts.read(ids, signal);
    for (const { family } of opened) {
      for (const [as, { to }] of [...family.references()]) family.look(as, to, lookedOf(pages.get(lookedPage(as, to))));
    }
  }

  /** `kept`: those that the store has as they are here; only these may be shown. `beaten`: those that somebody else changed meanwhile. */
  async #keep(opened: readonly Opened[], outcome: Outcome, signal: AbortSignal): Promise<Keeping> {
    const { parts, keep } = this.#options;
    const changed = opened.filter(({ family }) => family.changed);
    const now = Date.now();
    const entries = changed.map(({ family, at }, index) =>
      parts.entry(index, familyPage(family.id), at, family.text(now)),
    );
    const keeping = new Outcome(changed.length);
    await keep.send(bulkOf(entries), keeping, signal);
    const { verdicts, errors } = keeping.result();
    for (const [index, error] of errors) blame(changed[index] as Opened, error, outcome);
    const refused = new Set(changed.filter((_, index) => verdicts[index] !== 'applied'));
    return {
      kept: opened.filter((one) => !refused.has(one)),
      beaten: changed.filter((_, index) => verdicts[index] === 'stale'),
    };
  }

  /** Those of which a looked-up row became newer while they were written. Of those that were not written it is known: it was read behind them. */
  async #behind(kept: readonly Opened[], signal: AbortSignal): Promise<ReadonlySet<Opened>> {
    const written = kept.filter(({ family }) => family.changed);
    const ids = pagesOf(written);
    if (ids.length === 0) return new Set();
    const pages = await this.#options.parts.read(ids, signal, 'version');
    const isBehind = ({ family }: Opened): boolean =>
      [...family.references()].some(
        ([as, { to, version }]) => lookedOf(pages.get(lookedPage(as, to))).version > version,
      );
    return new Set(written.filter(isBehind));
  }

  /** The serial is the external version, so that of two writers the one that kept the newer text wins, in whatever order they come. */
  async #show(opened: readonly Opened[], outcome: Outcome, signal: AbortSignal): Promise<void> {
    const { index, show, marked } = this.#options;
    const entries: TextEntry[] = [];
    for (const [at, { family }] of opened.entries()) {
      if (!family.known) continue;
      const location = { index, id: family.id, routing: undefined };
      const document = family.document() ?? marked;
      const version = BigInt(family.serial);
      const lines = document === undefined ? deleteEntry(location, version) : indexEntry(location, version, document);
      // That the store has this one already, or a newer one, is as good as done.
      entries.push({ change: at, index, lines, leaving: true });
    }
    if (entries.length === 0) return;
    const shown = new Outcome(opened.length);
    await show.send(bulkOf(entries), shown, signal);
    for (const [at, error] of shown.result().errors) blame(opened[at] as Opened, error, outcome);
  }

  /**
   * Whether this took so long that the store may have forgotten a deletion that somebody made meanwhile, and taken an older document after it: then all is looked
   * at once more. A process that was stopped in between is the case.
   */
  #isLate(begun: number): boolean {
    return performance.now() - begun > this.#options.limits.forgetSeconds * 500;
  }

  #full(family: Family, { as }: Part): TaplineError {
    const { maxItems, maxBytes } = this.#options.limits;
    const what = as === undefined ? 'its row' : `one more row in ${as}`;
    return new TaplineError('SINK_SEARCH_DOCUMENT_FULL', {
      message: `The document ${family.id} takes not ${what}: it would have more than ${maxItems} rows in a list, or more than ${maxBytes} bytes.`,
      place: { path: 'sink.document' },
    });
  }
}

function pagesOf(opened: readonly Opened[]): readonly string[] {
  const ids = new Set<string>();
  for (const { family } of opened) for (const [as, { to }] of family.references()) ids.add(lookedPage(as, to));
  return [...ids];
}

function blame({ work }: Opened, error: TaplineError, outcome: Outcome): void {
  for (const change of work.changes) outcome.failed(change, error);
}
