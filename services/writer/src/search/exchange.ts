import { TaplineError } from '@tapline/kernel';
import type { Exchange } from '@tapline/sink';
import { isObject, isRefused, refusalOf, refused } from './classify.ts';
import type { SearchAnswer, SearchClient, SearchRequest } from './client.ts';
import type { SearchConfig } from './config.ts';
import { partsIndexOf } from './documents/config.ts';

type Json = Readonly<Record<string, unknown>>;

/** What may stand behind the dash of an index's name. */
const NAME = /^[a-z0-9][a-z0-9_.+-]{0,63}$/;
/** What an alias has besides its index, by the names of the action `add`. */
const ALIAS_PROPERTIES = ['filter', 'index_routing', 'search_routing', 'is_hidden'] as const;

/** The configuration with which indexes are filled beside the live ones: `orders-NAME` beside `orders`, with parts of documents of their own. @throws TaplineError CONFIG_INVALID, REPLAY_INTO. */
export function besideSearch<C extends SearchConfig>(config: C, name: string): C {
  if (!NAME.test(name)) {
    throw new TaplineError('CONFIG_INVALID', {
      message: `--into ${name}: what is put behind the name of an index may have small letters, digits, and . _ + -.`,
    });
  }
  if (/\$\{(?!(?:source|db|table|topic)\})/.test(config.index)) {
    throw new TaplineError('REPLAY_INTO', {
      message: `The indexes of this writer (${config.index}) depend on rows: they cannot be exchanged by aliases.`,
      remedy: 'Fill new indexes by a writer with another `name` and `index`, and lead readers to them by hand.',
    });
  }
  const { index, document } = config;
  const second = { ...config, index: `${index}-${name}` };
  if (document === undefined) return second;
  return { ...second, document: { ...document, partsIndex: `${partsIndexOf(index, document)}-${name}` } };
}

/**
 * Indexes beside the live ones, each of which is behind an alias. One request takes all aliases from the old indexes and gives them to the new ones, which the store does in one
 * step (Elasticsearch and OpenSearch, "Aliases API"). Of documents of several tables the index of their parts is exchanged along with theirs: each document goes on from its own parts.
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
    return this.#lives
      .map((alias) => `the alias ${alias} is taken from its index and given to ${alias}-${this.#name}`)
      .join(', ')
      .concat(', in one request; the old index stays');
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
    if (!exchanged) for (const live of this.#lives) if (!live.includes('${')) await this.#behind(live, signal);
    return exchanged ? 'exchanged' : 'open';
  }

  async exchange(signal: AbortSignal): Promise<readonly string[]> {
    const made = await this.#made(signal);
    if (this.#config.document !== undefined && made.length === 1) {
      throw new TaplineError('REPLAY_INTO', {
        message: `There is ${made[0]} alone: of all that was replayed there is no document yet.`,
        place: { address: this.#client.address, path: 'sink.document.root' },
      });
    }
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
    const patterns = this.#lives.map((live) => `${live}-${this.#name}`.replaceAll(/\$\{[^}]*\}/g, '*').toLowerCase());
    const body = await this.#must(
      {
        method: 'GET',
        path: `/${patterns.map(encodeURIComponent).join(',')}/_settings/index.uuid`,
        query: { ignore_unavailable: 'true' },
      },
      signal,
      patterns[0],
    );
    return Object.keys(body).toSorted();
  }

  /** The names under which indexes are live, with what stands for parts of rows in them. */
  get #lives(): readonly string[] {
    const { index, document } = this.#config;
    return document === undefined ? [index] : [index.toLowerCase(), partsIndexOf(index, document)];
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
    if (index === alias || found.length > 1) throw await this.#noAlias(alias, index === alias, signal);
    const aliases = isObject(description) ? description['aliases'] : undefined;
    const properties = isObject(aliases) ? aliases[alias] : undefined;
    const known = isObject(properties) ? Object.entries(properties) : [];
    return { index, properties: Object.fromEntries(known.filter(([key]) => PROPERTIES.has(key))) };
  }

  async #noAlias(alias: string, isIndex: boolean, signal: AbortSignal): Promise<TaplineError> {
    const place = { address: this.#client.address, path: 'sink.index' };
    if (!isIndex)
      return new TaplineError('REPLAY_INTO', { message: `The alias ${alias} stands for several indexes.`, place });
    return new TaplineError('REPLAY_INTO', {
      message: `${alias} is an index and no alias: only an alias can be given to another index in one step.`,
      place,
      remedy: `Once: stop the writer, run this command without --swap, then POST /_aliases ${JSON.stringify({ actions: await this.#actionsByHand(alias, signal) })}, which deletes the old index in the same step, and start the writer. From then on --swap does it.`,
    });
  }

  /** What gives the name of an index to the new one, with the names of all that must be exchanged along with it. */
  async #actionsByHand(alias: string, signal: AbortSignal): Promise<readonly Json[]> {
    const actions: Json[] = [];
    for (const live of this.#config.document === undefined ? [alias] : this.#lives) {
      const answer = await this.#client.send({ method: 'GET', path: `/${encodeURIComponent(live)}/_alias` }, signal);
      const [index] = answer.status === 404 ? [] : Object.keys(this.#body(answer, live));
      if (index === live) actions.push({ remove_index: { index } });
      else if (index !== undefined) actions.push({ remove: { index, alias: live } });
      actions.push({ add: { index: `${live}-${this.#name}`, alias: live } });
    }
    return actions;
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
