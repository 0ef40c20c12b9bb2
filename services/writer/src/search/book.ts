import { isObject, isRefused, refusalOf, refused } from './classify.ts';
import type { SearchClient } from './client.ts';

export interface BookOptions {
  readonly client: SearchClient;
  /** Name of the index that the book is. Empty: nothing is kept. */
  readonly name: string;
  readonly writer: string;
}

/** Small, and wanted where a node may go. */
const SETTINGS = { 'index.number_of_shards': 1, 'index.auto_expand_replicas': '0-1' };
const MAPPINGS = { dynamic: false, properties: { writer: { type: 'keyword' }, index: { type: 'keyword' } } };

/**
 * Which indexes a writer fills, by the ids that the store gave them: kept in the store, over restarts. Offsets are committed in Kafka, and an index that is
 * deleted or made anew while the writer is down would else be filled from there on, without the rows before.
 */
export class Book {
  readonly #client: SearchClient;
  readonly #name: string;
  readonly #writer: string;
  #made = false;

  constructor({ client, name, writer }: BookOptions) {
    this.#client = client;
    this.#name = name;
    this.#writer = writer;
  }

  /** The id that the index had when this writer first wrote to it; undefined: it never did. */
  async uuidOf(index: string, signal: AbortSignal): Promise<string | undefined> {
    if (this.#name === '') return undefined;
    const answer = await this.#client.send({ method: 'GET', path: this.#page(index) }, signal);
    if (answer.status === 404) return undefined;
    if (isRefused(answer)) throw refused(refusalOf(answer), this.#client.address, this.#name);
    const source = isObject(answer.body) ? answer.body['_source'] : undefined;
    const uuid = isObject(source) ? source['uuid'] : undefined;
    return typeof uuid === 'string' ? uuid : undefined;
  }

  async note(index: string, uuid: string, signal: AbortSignal): Promise<void> {
    if (this.#name === '') return;
    await this.#make(signal);
    const body = JSON.stringify({ writer: this.#writer, index, uuid });
    const answer = await this.#client.send({ method: 'PUT', path: this.#page(index), body }, signal);
    if (isRefused(answer)) throw refused(refusalOf(answer), this.#client.address, this.#name);
  }

  async #make(signal: AbortSignal): Promise<void> {
    if (this.#made) return;
    const path = `/${encodeURIComponent(this.#name)}`;
    const head = await this.#client.send({ method: 'HEAD', path }, signal);
    if (head.status === 404) {
      const body = JSON.stringify({ settings: SETTINGS, mappings: MAPPINGS });
      const answer = await this.#client.send({ method: 'PUT', path, body }, signal);
      const refusal = isRefused(answer) ? refusalOf(answer) : undefined;
      // Another writer may have been faster.
      if (refusal !== undefined && refusal.type !== 'resource_already_exists_exception')
        throw refused(refusal, this.#client.address, this.#name);
    }
    this.#made = true;
  }

  #page(index: string): string {
    return `/${encodeURIComponent(this.#name)}/_doc/${encodeURIComponent(`${this.#writer}:${index}`)}`;
  }
}
