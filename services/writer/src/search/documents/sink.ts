import { isAbort, orAbort, TaplineError, Turns } from '@tapline/kernel';
import type { ApplyResult, Change, Sink, SinkContext } from '@tapline/sink';
import { Outcome } from '../../outcome.ts';
import { BulkSender } from '../bulk.ts';
import { checkStore } from '../check-store.ts';
import type { SearchClient, SearchDialect } from '../client.ts';
import type { ColumnPlan } from '../columns.ts';
import type { SearchConfig } from '../config.ts';
import { Indexes } from '../indexes.ts';
import { type DocumentConfig, partsIndexOf } from './config.ts';
import { Families, type Work } from './families.ts';
import type { Part } from './family.ts';
import { type Gathered, Gatherer, type ItemChange } from './gather.ts';
import { Lookups } from './lookups.ts';
import { PartsStore, partsMappings } from './parts-store.ts';
import { type Placed, Places } from './places.ts';

export interface DocumentSinkParts {
  readonly client: SearchClient;
  readonly dialect: SearchDialect;
  readonly config: SearchConfig;
  readonly document: DocumentConfig;
  readonly context: SinkContext;
}

const NO_COLUMNS: ReadonlyMap<string, ColumnPlan> = new Map();

/**
 * A document out of rows of several tables, whose changes come in any order and through several writers. What documents are made of is kept in an index of its
 * own, each row with its version; docs/architecture/documents.md says why what is shown is right.
 */
export class DocumentSink implements Sink {
  readonly #client: SearchClient;
  readonly #config: SearchConfig;
  readonly #document: DocumentConfig;
  readonly #index: string;
  readonly #parts: PartsStore;
  readonly #indexes: Indexes;
  /** Of the index of parts, which we make and nobody else, and of which no document is ever deleted. */
  readonly #partsIndexes: Indexes;
  readonly #gatherer: Gatherer;
  readonly #places: Places;
  readonly #families: Families;
  readonly #lookups: Lookups;
  #checked = false;
  #disposed = false;
  /** One call at a time: calls side by side would get in each other’s way in documents that both change. */
  readonly #turns = new Turns();

  constructor({ client, dialect, config, document, context }: DocumentSinkParts) {
    const { bulkBytes, pipeline, deletedVersionSeconds } = config;
    this.#client = client;
    this.#config = config;
    this.#document = document;
    this.#index = config.index.toLowerCase();
    this.#parts = new PartsStore(client, partsIndexOf(config.index, document));
    const looked = document.one.map(({ as }) => as);
    const mappings = JSON.stringify(partsMappings(looked, this.#definition));
    const common = { client, log: context.log, writer: context.name };
    this.#indexes = new Indexes({ ...common, config });
    this.#partsIndexes = new Indexes({
      ...common,
      config: { ...config, mappings, manageIndexes: true, onDelete: 'mark' },
    });
    const keep = new BulkSender({ client, bulkBytes, pipeline: undefined });
    this.#families = new Families({
      parts: this.#parts,
      keep,
      show: new BulkSender({ client, bulkBytes, pipeline }),
      index: this.#index,
      marked: config.onDelete === 'mark' ? `{${JSON.stringify(config.deletedField)}:true}` : undefined,
      limits: {
        lists: document.many.map(({ as }) => as),
        looked,
        maxItems: document.maxItems,
        maxBytes: document.maxBytes,
        forgetSeconds: deletedVersionSeconds,
      },
    });
    this.#places = new Places(this.#parts, keep);
    this.#lookups = new Lookups({ parts: this.#parts, keep, families: this.#families });
    this.#gatherer = new Gatherer({
      config,
      document,
      dialect,
      tables: context.tables,
      index: this.#index,
      indexes: this.#indexes,
    });
  }

  apply(changes: readonly Change[], signal: AbortSignal): Promise<ApplyResult> {
    return orAbort(
      this.#turns.take(() => this.#apply(changes, signal)),
      signal,
    );
  }

  check(signal: AbortSignal): Promise<void> {
    return checkStore(this.#client, signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#disposed) return;
    this.#disposed = true;
    await this.#client[Symbol.asyncDispose]();
  }

  async #apply(changes: readonly Change[], signal: AbortSignal): Promise<ApplyResult> {
    signal.throwIfAborted();
    if (this.#disposed)
      throw new TaplineError('INTERNAL', { message: 'apply was called on a sink that is disposed of.' });
    const outcome = new Outcome(changes.length);
    try {
      await this.#prepare(signal);
      await this.#write(await this.#gatherer.gather(changes, outcome, signal), outcome, signal);
      await this.#requireIndexes(signal);
    } catch (error) {
      if (isAbort(error, signal) || !(error instanceof TaplineError)) throw error;
      // A store that makes no index by itself says of a lost one that it is not there.
      await this.#requireIndexes(signal).catch((lost: unknown) => {
        if (lost instanceof TaplineError && lost.code === 'SINK_SEARCH_INDEX_LOST') throw lost;
      });
      // All of it may be given again: nothing counts as done that might not be.
      for (const index of changes.keys()) outcome.failed(index, error);
    }
    return outcome.result();
  }

  /** The order matters: what documents refer to is noted before they are read, and what they have lost before they are written. */
  async #write({ roots, items, looked }: Gathered, outcome: Outcome, signal: AbortSignal): Promise<void> {
    const fresh = await this.#lookups.note(looked, outcome, signal);
    const placed = await this.#places.note(items, outcome, signal);
    const works = new Works();
    for (const { family, part, change } of roots) works.add(family, part, change);
    for (const one of placed) addItem(works, one);
    await this.#families.settle(works.list(), outcome, signal);
    await this.#places.settle(placed, signal);
    await this.#lookups.spread(looked, fresh, outcome, signal);
  }

  async #prepare(signal: AbortSignal): Promise<void> {
    await this.#partsIndexes.prepare(this.#parts.index, NO_COLUMNS, signal);
    if (this.#checked) return;
    if ((await this.#parts.definition(signal)) !== this.#definition) {
      throw new TaplineError('SINK_SEARCH_DOCUMENT', {
        message: `The index ${this.#parts.index} has parts of documents of another form: sink.document, or sink.id, was changed since.`,
        place: { address: this.#client.address, path: 'sink.document' },
        remedy:
          'Stop the writer and have all documents made anew by `tapline replay WRITER --into NEW --swap` with this configuration; or give new names to the writer and to `sink.index`.',
      });
    }
    this.#checked = true;
  }

  get #definition(): string {
    const { root, many, one } = this.#document;
    return JSON.stringify({ id: this.#config.id, root, many, one });
  }

  /** @throws TaplineError SINK_SEARCH_INDEX_LOST. */
  async #requireIndexes(signal: AbortSignal): Promise<void> {
    for (const [indexes, name] of [
      [this.#indexes, this.#index],
      [this.#partsIndexes, this.#parts.index],
    ] as const) {
      const lost = await indexes.lost(indexes.identities([name]), signal);
      if (lost.has(name)) throw indexes.lostError(name);
    }
  }
}

/** What is to be done, by document, in the order in which it came up. */
class Works {
  readonly #byFamily = new Map<
    string,
    { family: string; parts: { part: Part; change: number }[]; changes: number[] }
  >();

  add(family: string, part: Part, change: number): void {
    let work = this.#byFamily.get(family);
    if (work === undefined) {
      work = { family, parts: [], changes: [] };
      this.#byFamily.set(family, work);
    }
    work.parts.push({ part, change });
    work.changes.push(change);
  }

  list(): readonly Work[] {
    return [...this.#byFamily.values()];
  }
}

/** The row goes from where it was before it comes to where it is. */
function addItem(works: Works, { as, key, version, row, parent, left, change }: Placed<ItemChange>): void {
  for (const family of left) works.add(family, { as, key, version, row: null }, change);
  if (parent !== null) works.add(parent, { as, key, version, row }, change);
}
