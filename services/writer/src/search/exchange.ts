import { TaplineError } from '@tapline/kernel';
import type { Exchange } from '@tapline/sink';
import { isObject, isRefused, refusalOf, refused } from './classify.ts';
import type { SearchAnswer, SearchClient, SearchRequest } from './client.ts';
import type { SearchConfig } from './config.ts';

type Json = Readonly<Record<string, unknown>>;

/** What may stand behind the dash of an index's name. */
const NAME = /^[a-z0-9][a-z0-9_.+-]{0,63}$/;
/** What an alias has besides its index, by the names of the action `add`. */
const ALIAS_PROPERTIES = ['filter', 'index_routing', 'search_routing', 'is_hidden'] as const;

/** The configuration with which indexes are filled beside the live ones: `orders-NAME` beside `orders`. @throws TaplineError CONFIG_INVALID, REPLAY_INTO. */
export function besideSearch<C extends SearchConfig>(config: C, name: string): C {
  if (!NAME.test(name)) {
    throw new TaplineError('CONFIG_INVALID', {
      message: `--into ${name}: what is put behind the name of an index may have small letters, digits, and . _ + -.`,
    });
  }
  if (config.document !== undefined || /\$\{(?!(?:source|db|table|topic)\})/.test(config.index)) {
    throw new TaplineError('REPLAY_INTO', {
      message: `The indexes of this writer (${config.index}) depend on rows${config.document === undefined ? '' : ' of several tables'}: they cannot be exchanged by aliases.`,
      remedy: 'Fill new indexes by a writer with another `name` and `index`, and lead readers to them by hand.',
    });
  }
  return { ...config, index: `${config.index}-${name}` };
}

/**
 * Indexes beside the live ones, each of which is behind an alias. One request takes all aliases from the old indexes and gives them to the new ones, which the store does in one
 * step (Elasticsearch and OpenSearch, "Aliases API").
 */
export class SearchExchange implements Exchange {
  readonly #client: SearchClient;
  readonly #config: SearchConfig;
  readonly #name: string;

  constructor(client: SearchClient, config: SearchConfig, name: string) {
    this.#client = client;
    this.#config = config;
    this.#name = name;
  }

  get text(): string {
    const { index } = this.#config;
    return `the alias ${index} is taken from its index and given to ${index}-${this.#name}, in one request; the old index stays`;
  }

  async prepare(begun: boolean, signal: AbortSignal): Promise<'open' | 'exchanged'> {
    const made = await this.#made(signal);
    if (!begun && made.length > 0) {
      throw new TaplineError('REPLAY_INTO', {
        message: `There is an index ${made[0]} already.`,
        place: { address: this.#client.address },
        remedy: 'Give another name with `--into`, or delete the index.',
      });
    }
    let exchanged = made.length > 0;
    for (const index of made) {
      const behind = await this.#behind(this.#liveOf(index), signal);
      if (behind?.index !== index) exchanged = false;
    }
    if (!exchanged && !this.#config.index.includes('${')) await this.#behind(this.#config.index, signal);
    return exchanged ? 'exchanged' : 'open';
  }

  async exchange(signal: AbortSignal): Promise<readonly string[]> {
    const made = await this.#made(signal);
    const actions: Json[] = [];
    const told: string[] = [];
    for (const index of made) {
      const alias = this.#liveOf(index);
      const behind = await this.#behind(alias, signal);
      if (behind?.index === index) continue;
      if (behind !== undefined) actions.push({ remove: { index: behind.index, alias } });
      actions.push({ add: { ...behind?.properties, index, alias } });
      told.push(`${alias} is ${index} now${behind === undefined ? '' : `; ${behind.index} is as it was`}`);
      // What is written shows in searches only after a refresh, and searches must never find less.
      await this.#must({ method: 'POST', path: `/${encodeURIComponent(index)}/_refresh` }, signal, index);
    }
    if (actions.length > 0)
      await this.#must({ method: 'POST', path: '/_aliases', body: JSON.stringify({ actions }) }, signal);
    return told.length > 0 ? told : ['nothing was written, and so nothing is exchanged'];
  }

  /** Nothing is left to be taken away: that the alias is on the new index says what there is to say. */
  settled(): Promise<void> {
    return Promise.resolve();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client[Symbol.asyncDispose]();
  }

  /** The new indexes that there are. */
  async #made(signal: AbortSignal): Promise<readonly string[]> {
    const pattern = `${this.#config.index}-${this.#name}`.replaceAll(/\$\{[^}]*\}/g, '*').toLowerCase();
    const body = await this.#must(
      {
        method: 'GET',
        path: `/${encodeURIComponent(pattern)}/_settings/index.uuid`,
        query: { ignore_unavailable: 'true' },
      },
      signal,
      pattern,
    );
    return Object.keys(body).toSorted();
  }

  #liveOf(index: string): string {
    return index.slice(0, -(this.#name.length + 1));
  }

  /** The index behind an alias; undefined where there is nothing of this name. @throws TaplineError REPLAY_INTO: it is an index itself, or an alias of several. */
  async #behind(alias: string, signal: AbortSignal): Promise<{ index: string; properties: Json } | undefined> {
    const answer = await this.#client.send({ method: 'GET', path: `/${encodeURIComponent(alias)}/_alias` }, signal);
    if (answer.status === 404) return undefined;
    const found = Object.entries(this.#body(answer, alias));
    const [index, description] = found[0] ?? [];
    if (index === undefined) return undefined;
    if (index === alias || found.length > 1) throw this.#noAlias(alias, index === alias);
    const aliases = isObject(description) ? description['aliases'] : undefined;
    const properties = isObject(aliases) ? aliases[alias] : undefined;
    const known = isObject(properties) ? Object.entries(properties) : [];
    return { index, properties: Object.fromEntries(known.filter(([key]) => PROPERTIES.has(key))) };
  }

  #noAlias(alias: string, isIndex: boolean): TaplineError {
    const place = { address: this.#client.address, path: 'sink.index' };
    if (!isIndex)
      return new TaplineError('REPLAY_INTO', { message: `The alias ${alias} stands for several indexes.`, place });
    return new TaplineError('REPLAY_INTO', {
      message: `${alias} is an index and no alias: only an alias can be given to another index in one step.`,
      place,
      remedy: `Once: stop the writer, run this command without --swap, then POST /_aliases {"actions": [{"remove_index": {"index": "${alias}"}}, {"add": {"index": "${alias}-${this.#name}", "alias": "${alias}"}}]}, which deletes the old index in the same step, and start the writer. From then on --swap does it.`,
    });
  }

  async #must(request: SearchRequest, signal: AbortSignal, index?: string): Promise<Json> {
    return this.#body(await this.#client.send(request, signal), index);
  }

  #body(answer: SearchAnswer, index?: string): Json {
    if (isRefused(answer)) throw refused(refusalOf(answer), this.#client.address, index);
    return isObject(answer.body) ? answer.body : {};
  }
}

const PROPERTIES: ReadonlySet<string> = new Set(ALIAS_PROPERTIES);
