import { orAbort, TaplineError } from '@tapline/kernel';
import { type ApplyResult, type Change, EncodedChange, type Sink, type SinkContext } from '@tapline/sink';
import { Outcome } from '../outcome.ts';
import { appendIndexLine, type BulkEntry, BulkSender, deleteEntry, indexEntry } from './bulk.ts';
import { type BulkDraft, BulkDrafts } from './bulk-draft.ts';
import { checkStore } from './check-store.ts';
import type { SearchClient, SearchDialect } from './client.ts';
import type { SearchConfig } from './config.ts';
import { KnownTables, requireWhole, type TableDocuments } from './document.ts';
import { DocumentSink } from './documents/sink.ts';
import { Indexes } from './indexes.ts';
import { type Location, Locator, sameLocation } from './location.ts';

export interface SearchSinkParts {
  readonly client: SearchClient;
  readonly dialect: SearchDialect;
  readonly config: SearchConfig;
  readonly context: SinkContext;
}

/**
 * A row a document, in Elasticsearch or OpenSearch. The version of a change is the document's external version: the store itself refuses what is not
 * newer, also behind a delete for as long as the index remembers it (`index.gc_deletes`).
 *
 * A bulk keeps the order of its entries in each shard, so that several changes of a row may be in one.
 */
class SearchSink implements Sink {
  readonly #client: SearchClient;
  readonly #config: SearchConfig;
  readonly #locator: Locator;
  readonly #indexes: Indexes;
  readonly #bulk: BulkSender;
  readonly #tables: KnownTables;
  readonly #marked: string;
  readonly #drafts = new BulkDrafts();
  #disposed = false;

  constructor({ client, dialect, config, context }: SearchSinkParts) {
    this.#client = client;
    this.#config = config;
    this.#tables = new KnownTables(context.tables, { types: config.types, dialect });
    this.#locator = new Locator(config);
    this.#indexes = new Indexes({ client, config, log: context.log, writer: context.name });
    this.#bulk = new BulkSender({ client, bulkBytes: config.bulkBytes, pipeline: config.pipeline });
    this.#marked = `{${JSON.stringify(config.deletedField)}:true}`;
  }

  async apply(changes: readonly Change[], signal: AbortSignal): Promise<ApplyResult> {
    signal.throwIfAborted();
    if (this.#disposed)
      throw new TaplineError('INTERNAL', { message: 'apply was called on a sink that is disposed of.' });
    const outcome = new Outcome(changes.length);
    const draft = this.#drafts.take();
    await this.#write(changes, draft, outcome, signal);
    const { entries } = draft;
    if (entries.length > 0) {
      const identities = this.#indexes.identities(new Set(entries.map(({ index }) => index)));
      if (await orAbort(this.#bulk.send(draft, outcome, signal), signal)) this.#drafts.give(draft);
      await this.#watch(entries, identities, outcome, signal);
    } else this.#drafts.give(draft);
    return outcome.result();
  }

  check(signal: AbortSignal): Promise<void> {
    return checkStore(this.#client, signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#disposed) return;
    this.#disposed = true;
    await this.#client[Symbol.asyncDispose]();
  }

  /** Writes what is to be sent. Behind a change for which the store does not answer nothing is made: each would wait for as long. */
  async #write(changes: readonly Change[], draft: BulkDraft, outcome: Outcome, signal: AbortSignal): Promise<void> {
    for (let index = 0; index < changes.length; index++) {
      const change = changes[index] as Change;
      try {
        while (!this.#add(change, index, draft)) {
          draft.drop();
          await this.#prepare(change, signal);
        }
        draft.keep();
      } catch (error) {
        draft.drop();
        signal.throwIfAborted();
        if (!(error instanceof TaplineError)) throw error;
        const until = error.disposition === 'poison' ? index + 1 : changes.length;
        for (let failed = index; failed < until; failed++) outcome.failed(failed, error);
        if (until === changes.length) break;
      }
    }
  }

  /** Adds what is to be sent for a change. False: something must be known of the table or the index first. Then, as with an error, what was added is to be dropped. */
  #add(change: Change, index: number, draft: BulkDraft): boolean {
    const documents = this.#tables.get(change.topic);
    if (documents === undefined) return false;
    const { from, to } = this.#way(change);
    if (!this.#isReady(from, documents) || !this.#isReady(to, documents)) return false;
    const { lines, rows } = draft;
    // A document that moves is taken away before it is written.
    if (from !== undefined) {
      lines.json(this.#removal(from, change));
      draft.add(index, from.index, to !== undefined);
    }
    if (to !== undefined) {
      appendIndexLine(lines, to, change.version);
      if (!documents.append(change, rows, lines)) return false;
      lines.json('\n');
      draft.add(index, to.index, false);
    }
    return true;
  }

  /** Where a row's document is to be, and where it is to be taken away. */
  #way(change: Change): { readonly from: Location | undefined; readonly to: Location | undefined } {
    const { moves } = this.#locator;
    if (hasRow(change)) {
      requireWhole(change);
      const to = this.#locator.at(change, moves ? change.after : null);
      return { from: this.#movedFrom(change, to), to };
    }
    // The delete event in front of a tombstone has the row, and has removed it.
    const isGone = moves && change.before === null;
    return { from: isGone ? undefined : this.#locator.at(change, moves ? change.before : null), to: undefined };
  }

  #isReady(at: Location | undefined, { columns }: TableDocuments): boolean {
    return at === undefined || this.#indexes.isReady(at.index, columns);
  }

  /** Asks for what is not known of the table, and makes the indexes ready for it. */
  async #prepare(change: Change, signal: AbortSignal): Promise<void> {
    const documents = await this.#tables.of(change, signal);
    const { from, to } = this.#way(change);
    if (to !== undefined && !documents.knows(change)) await documents.learn(change, true, signal);
    for (const at of [to, from]) if (at !== undefined) await this.#indexes.prepare(at.index, documents.columns, signal);
  }

  #removal(at: Location, { version }: Change): string {
    return this.#config.onDelete === 'mark' ? indexEntry(at, version, this.#marked) : deleteEntry(at, version);
  }

  /** Where the row was, when that is elsewhere. */
  #movedFrom(change: Change, now: Location): Location | undefined {
    if (!this.#locator.moves || change.op !== 'u') return undefined;
    if (change.before === null) {
      throw new TaplineError('SINK_SEARCH_PLACE', {
        message: `sink.index or sink.routing use columns of the row, and an update in topic ${change.topic} does not say what they were.`,
        place: { topic: change.topic, path: 'sink.index' },
      });
    }
    const was = this.#locator.at(change, change.before);
    return sameLocation(was, now) ? undefined : was;
  }

  /** Fails the changes whose index is no more. @throws TaplineError SINK_SEARCH_INDEX_LOST, fatal unless configured otherwise. */
  async #watch(
    entries: readonly BulkEntry[],
    identities: ReadonlyMap<string, string>,
    outcome: Outcome,
    signal: AbortSignal,
  ): Promise<void> {
    try {
      for (const index of await this.#indexes.lost(identities, signal)) {
        const error = this.#indexes.lostError(index);
        this.#indexes.forget(index);
        for (const entry of entries) if (entry.index === index) outcome.failed(entry.change, error);
      }
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof TaplineError)) throw error;
      for (const entry of entries) outcome.failed(entry.change, error);
    }
  }
}

function hasRow(change: Change): boolean {
  return change.op !== 'd' && (change instanceof EncodedChange ? change.hasAfter : change.after !== null);
}

/** Asks the store whether it is there before the sink is used. @throws TaplineError SINK_SEARCH_*. */
export async function openSearchSink(parts: SearchSinkParts): Promise<Sink> {
  const { document } = parts.config;
  const sink = document === undefined ? new SearchSink(parts) : new DocumentSink({ ...parts, document });
  try {
    await sink.check(parts.context.signal);
    return sink;
  } catch (error) {
    await sink[Symbol.asyncDispose]();
    throw error;
  }
}
