import { TaplineError } from '@tapline/kernel';
import { type TextEntry, wholeRequest } from '../bulk.ts';
import { describe, isObject, isRefused, refusalOf, refused } from '../classify.ts';
import type { SearchAnswer, SearchClient } from '../client.ts';

type Json = Readonly<Record<string, unknown>>;

/** A page as it was read: who writes it next says so, and is refused when somebody was faster. */
export interface Page {
  readonly source: Json;
  readonly at: { readonly sequence: number; readonly term: number };
}

const PAGES_AT_ONCE = 128;

/** The mapping of the index that parts are kept in: what documents are found by, and nothing else. */
export function partsMappings(looked: readonly string[], definition: string): object {
  const each = (type: string): object => ({ properties: Object.fromEntries(looked.map((as) => [as, { type }])) });
  return {
    _meta: { document: definition },
    dynamic: false,
    properties: { family: { type: 'keyword' }, keys: each('keyword'), versions: each('long') },
  };
}

/** Reads and writes pages of the index in which parts of documents are kept. Reads by id see every write that was answered. */
export class PartsStore {
  readonly #client: SearchClient;
  readonly index: string;

  constructor(client: SearchClient, index: string) {
    this.#client = client;
    this.index = index;
  }

  /** Pages by id, of those that are there. @param only a member of the page that is enough. */
  async read(ids: readonly string[], signal: AbortSignal, only?: string): Promise<ReadonlyMap<string, Page>> {
    const pages = new Map<string, Page>();
    for (let from = 0; from < ids.length; from += PAGES_AT_ONCE) {
      const body = JSON.stringify({ ids: ids.slice(from, from + PAGES_AT_ONCE) });
      const query = only === undefined ? {} : { _source_includes: only };
      const answer = await this.#ask('POST', '_mget', { body, query }, signal);
      for (const found of listOf(answer, 'docs')) this.#keep(found, pages);
    }
    return pages;
  }

  /** A line that writes a page where `at` still is what the store has (undefined: where there is none). */
  entry(change: number, id: string, at: Page['at'] | undefined, text: string): TextEntry {
    const name = `"_index":${JSON.stringify(this.index)},"_id":${JSON.stringify(id)}`;
    const line =
      at === undefined
        ? `{"create":{${name}}}`
        : `{"index":{${name},"if_seq_no":${at.sequence},"if_primary_term":${at.term}}}`;
    return { change, index: this.index, lines: `${line}\n${text}\n`, leaving: false };
  }

  /** Searches see all that was answered before this was asked for. @throws TaplineError when a copy of a shard was not reached. */
  async refresh(signal: AbortSignal): Promise<void> {
    this.#requireWhole(await this.#ask('POST', '_refresh', {}, signal));
  }

  /** Sources of what a search finds. */
  async search(search: Json, only: string, signal: AbortSignal): Promise<readonly Json[]> {
    const body = JSON.stringify({ ...search, _source: [only] });
    const answer = await this.#ask(
      'POST',
      '_search',
      { body, query: { allow_partial_search_results: 'false' } },
      signal,
    );
    this.#requireWhole(answer);
    const hits = isObject(answer) ? answer['hits'] : undefined;
    return listOf(hits, 'hits').flatMap((hit) => (isObject(hit['_source']) ? [hit['_source']] : []));
  }

  /** What the documents of this index are made of, as its maker said. */
  async definition(signal: AbortSignal): Promise<unknown> {
    const answer = await this.#ask('GET', '_mapping', {}, signal);
    const [index] = isObject(answer) ? Object.values(answer) : [];
    const mappings = isObject(index) ? index['mappings'] : undefined;
    const meta = isObject(mappings) ? mappings['_meta'] : undefined;
    return isObject(meta) ? meta['document'] : undefined;
  }

  #keep(found: Json, pages: Map<string, Page>): void {
    const { error } = found;
    // Of one page's shard; what has no name that we know is about that shard and passes.
    if (isObject(error))
      throw wholeRequest(refused({ status: 503, ...describe(error) }, this.#client.address, this.index));
    const { _id: id, _source: source, _seq_no: sequence, _primary_term: term } = found;
    if (found['found'] !== true || !isObject(source)) return;
    pages.set(String(id), { source, at: { sequence: Number(sequence), term: Number(term) } });
  }

  #requireWhole(answer: unknown): void {
    const shards = isObject(answer) ? answer['_shards'] : undefined;
    const timedOut = isObject(answer) && answer['timed_out'] === true;
    if (isObject(shards) && shards['failed'] === 0 && !timedOut) return;
    throw new TaplineError('SINK_SEARCH_NOT_READY', {
      message: `Not every shard of ${this.index} answered: ${JSON.stringify(shards)?.slice(0, 500)}`,
      place: { address: this.#client.address },
    });
  }

  async #ask(
    method: 'GET' | 'POST',
    what: string,
    { body, query = {} }: { readonly body?: string; readonly query?: Readonly<Record<string, string>> },
    signal: AbortSignal,
  ): Promise<unknown> {
    const path = `/${encodeURIComponent(this.index)}/${what}`;
    const answer: SearchAnswer = await this.#client.send(
      { method, path, query, ...(body === undefined ? {} : { body }) },
      signal,
    );
    if (isRefused(answer)) throw wholeRequest(refused(refusalOf(answer), this.#client.address, this.index));
    return answer.body;
  }
}

function listOf(value: unknown, member: string): readonly Json[] {
  const list = isObject(value) ? value[member] : undefined;
  return Array.isArray(list) ? list.filter(isObject) : [];
}
