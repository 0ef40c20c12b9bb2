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
  /** The document is leaving this place: that it is not there, or newer there, is as good as done. */
  readonly leaving: boolean;
  readonly byteLength: number;
}

/** Entries, and the lines of all of them in their order. */
export interface Bulk {
  readonly entries: readonly BulkEntry[];
  readonly bytes: Buffer;
}

/** An entry whose lines are a text. */
export interface TextEntry extends Omit<BulkEntry, 'byteLength'> {
  readonly lines: string;
}

export function bulkOf(entries: readonly TextEntry[]): Bulk {
  return {
    entries: entries.map(({ lines, ...entry }) => ({ ...entry, byteLength: Buffer.byteLength(lines) })),
    bytes: Buffer.from(entries.map(({ lines }) => lines).join('')),
  };
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

  /**
   * Stops at a request that fails as a whole: what it held and what is behind it gets that error.
   *
   * @returns whether the store took all requests whole. Otherwise somebody may still read the bytes.
   */
  async send({ entries, bytes }: Bulk, outcome: Outcome, signal: AbortSignal): Promise<boolean> {
    let whole = true;
    for (let from = 0, start = 0; from < entries.length; ) {
      const { to, byteLength } = this.#endOfRequest(entries, from);
      const end = start + byteLength;
      const request = {
        entries: from === 0 && to === entries.length ? entries : entries.slice(from, to),
        bytes: bytes.subarray(start, end),
      };
      const answered = await this.#request(request, outcome, signal);
      if (answered instanceof TaplineError) {
        for (const entry of entries.slice(from)) outcome.failed(entry.change, answered);
        return false;
      }
      whole &&= answered;
      from = to;
      start = end;
    }
    return whole;
  }

  #endOfRequest(entries: readonly BulkEntry[], from: number): { readonly to: number; readonly byteLength: number } {
    let bytes = 0;
    for (let to = from; to < entries.length; to++) {
      const { byteLength } = entries[to] as BulkEntry;
      if (bytes + byteLength > this.#bulkBytes && to > from) return { to, byteLength: bytes };
      bytes += byteLength;
    }
    return { to: entries.length, byteLength: bytes };
  }

  /** Whether the store took it whole; an error is of the request as a whole. */
  async #request(bulk: Bulk, outcome: Outcome, signal: AbortSignal): Promise<boolean | TaplineError> {
    let answer: SearchAnswer;
    try {
      answer = await this.#client.send(
        { method: 'POST', path: '/_bulk', query: this.#query, body: bulk.bytes, lines: true },
        signal,
      );
    } catch (error) {
      if (isAbort(error, signal) || !(error instanceof TaplineError)) throw error;
      return error;
    }
    if (answer.status === 413) return this.#halve(bulk, answer, outcome, signal);
    if (isRefused(answer)) return wholeRequest(refused(refusalOf(answer), this.#client.address));
    this.#judge(bulk.entries, answer, outcome);
    return true;
  }

  /** A proxy or the store takes no request of this size: its halves may pass; one document that does not never will. */
  async #halve({ entries, bytes }: Bulk, answer: SearchAnswer, outcome: Outcome, signal: AbortSignal): Promise<false> {
    if (entries.length === 1) {
      outcome.failed((entries[0] as BulkEntry).change, refused(refusalOf(answer), this.#client.address));
      return false;
    }
    const middle = entries.length >> 1;
    const [first, second] = [entries.slice(0, middle), entries.slice(middle)];
    const start = first.reduce((sum, { byteLength }) => sum + byteLength, 0);
    await this.send({ entries: first, bytes: bytes.subarray(0, start) }, outcome, signal);
    await this.send({ entries: second, bytes: bytes.subarray(start) }, outcome, signal);
    return false;
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

/** Names of single documents' faults mean something else for a whole request: no document is to blame. */
export function wholeRequest(error: TaplineError): TaplineError {
  if (error.disposition !== 'poison') return error;
  const { message, place, cause } = error;
  return new TaplineError('SINK_SEARCH_FAILED', { message, place, cause });
}
