import { isAbort, TaplineError } from '@tapline/kernel';
import type { Outcome } from '../outcome.ts';
import { isObject, isRefused, isStale, describe as reasonOf, refusalOf, refused } from './classify.ts';
import type { SearchAnswer, SearchClient } from './client.ts';
import type { JsonBytes } from './json-bytes.ts';
import type { Location } from './location.ts';

/** One line of a bulk (two with a document): what is to be done to one document. */
export interface BulkEntry {
  /** Of the change in the call. */
  readonly change: number;
  readonly index: string;
  readonly bytes: Buffer;
  /** The document is leaving this place: that it is not there, or newer there, is as good as done. */
  readonly leaving: boolean;
}

/** A version is written as it is: as a JavaScript number it would lose its last digits. */
export function indexEntry(at: Location, version: bigint, document: string): string {
  return `{"index":{${nameOf(at)},"version":${version},"version_type":"external"}}\n${document}\n`;
}

/** The first line of `indexEntry`, to which the document is appended. */
export function appendIndexLine(out: JsonBytes, { index, id, routing }: Location, version: bigint): void {
  out.json('{"index":{"_index":"');
  out.json(index);
  out.json('","_id":');
  out.quoted(id);
  if (routing !== undefined) {
    out.json(',"routing":');
    out.quoted(routing);
  }
  out.json(',"version":');
  out.version(version);
  out.json(',"version_type":"external"}}\n');
}

export function deleteEntry(at: Location, version: bigint): string {
  return `{"delete":{${nameOf(at)},"version":${version},"version_type":"external"}}\n`;
}

function nameOf({ index, id, routing }: Location): string {
  const name = `"_index":"${index}","_id":${JSON.stringify(id)}`;
  return routing === undefined ? name : `${name},"routing":${JSON.stringify(routing)}`;
}

export interface BulkOptions {
  readonly client: SearchClient;
  readonly bulkBytes: number;
  readonly pipeline: string | undefined;
}

/** What of the answer is read: nothing but the statuses and what is wrong. */
const FILTER = 'errors,items.*.status,items.*.error.type,items.*.error.reason,items.*.error.caused_by';

/** Sends entries in order, in requests of limited size, and gives each its verdict. */
export class BulkSender {
  readonly #client: SearchClient;
  readonly #bulkBytes: number;
  readonly #query: Readonly<Record<string, string>>;

  constructor({ client, bulkBytes, pipeline }: BulkOptions) {
    this.#client = client;
    this.#bulkBytes = bulkBytes;
    this.#query = { filter_path: FILTER, ...(pipeline === undefined ? {} : { pipeline }) };
  }

  /** Stops at a request that fails as a whole: what it held and what is behind it gets that error. */
  async send(entries: readonly BulkEntry[], outcome: Outcome, signal: AbortSignal): Promise<void> {
    for (let from = 0; from < entries.length; ) {
      const to = this.#endOfRequest(entries, from);
      const error = await this.#request(entries.slice(from, to), outcome, signal);
      if (error !== undefined) {
        for (const entry of entries.slice(from)) outcome.failed(entry.change, error);
        return;
      }
      from = to;
    }
  }

  #endOfRequest(entries: readonly BulkEntry[], from: number): number {
    let bytes = 0;
    for (let at = from; at < entries.length; at++) {
      bytes += (entries[at] as BulkEntry).bytes.length;
      if (bytes > this.#bulkBytes && at > from) return at;
    }
    return entries.length;
  }

  async #request(
    entries: readonly BulkEntry[],
    outcome: Outcome,
    signal: AbortSignal,
  ): Promise<TaplineError | undefined> {
    const body = asOne(entries);
    let answer: SearchAnswer;
    try {
      answer = await this.#client.send(
        { method: 'POST', path: '/_bulk', query: this.#query, body, lines: true },
        signal,
      );
    } catch (error) {
      if (isAbort(error, signal) || !(error instanceof TaplineError)) throw error;
      return error;
    }
    if (answer.status === 413) return this.#halve(entries, answer, outcome, signal);
    if (isRefused(answer)) return wholeRequest(refused(refusalOf(answer), this.#client.address));
    this.#judge(entries, answer, outcome);
    return undefined;
  }

  /** A proxy or the store takes no request of this size: its halves may pass; one document that does not never will. */
  async #halve(
    entries: readonly BulkEntry[],
    answer: SearchAnswer,
    outcome: Outcome,
    signal: AbortSignal,
  ): Promise<TaplineError | undefined> {
    if (entries.length === 1) {
      outcome.failed((entries[0] as BulkEntry).change, refused(refusalOf(answer), this.#client.address));
      return undefined;
    }
    const middle = entries.length >> 1;
    await this.send(entries.slice(0, middle), outcome, signal);
    await this.send(entries.slice(middle), outcome, signal);
    return undefined;
  }

  #judge(entries: readonly BulkEntry[], { status, body }: SearchAnswer, outcome: Outcome): void {
    const items = isObject(body) ? body['items'] : undefined;
    if (!isObject(body) || !Array.isArray(items) || items.length !== entries.length) {
      throw new TaplineError('SINK_SEARCH_FAILED', {
        message: `The answer to a bulk of ${entries.length} entries is none: status ${status}, ${Array.isArray(items) ? items.length : 'no'} items.`,
        place: { address: this.#client.address },
      });
    }
    if (body['errors'] === false) return;
    for (const [at, entry] of entries.entries()) this.#judgeItem(entry, items[at], outcome);
  }

  #judgeItem({ change, index, leaving }: BulkEntry, item: unknown, outcome: Outcome): void {
    const [result] = isObject(item) ? Object.values(item) : [];
    const error = isObject(result) ? result['error'] : undefined;
    if (!isObject(result) || !isObject(error)) return;
    const refusal = { status: Number(result['status']), ...reasonOf(error) };
    if (!isStale(refusal)) outcome.failed(change, refused(refusal, this.#client.address, index));
    else if (!leaving) outcome.set(change, 'stale');
  }
}

/** The bytes of all entries: as they lie where they lie together. */
function asOne(entries: readonly BulkEntry[]): Buffer {
  const [{ bytes: first }] = entries as readonly [BulkEntry];
  let end = first.byteOffset;
  for (const { bytes } of entries) {
    if (bytes.byteOffset !== end || bytes.buffer !== first.buffer)
      return Buffer.concat(entries.map((entry) => entry.bytes));
    end += bytes.length;
  }
  return Buffer.from(first.buffer, first.byteOffset, end - first.byteOffset);
}

/** Names of single documents' faults mean something else for a whole request: no document is to blame. */
export function wholeRequest(error: TaplineError): TaplineError {
  if (error.disposition !== 'poison') return error;
  const { message, place, cause } = error;
  return new TaplineError('SINK_SEARCH_FAILED', { message, place, cause });
}
