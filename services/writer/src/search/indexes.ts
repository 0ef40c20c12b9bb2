import { type Logger, TaplineError, Turns } from '@tapline/kernel';
import { Book } from './book.ts';
import { isObject, isRefused, refusalOf, refused } from './classify.ts';
import type { SearchClient } from './client.ts';
import type { ColumnPlan } from './columns.ts';
import type { SearchConfig } from './config.ts';
import { jsonObjectOf } from './json-object.ts';

type Columns = ReadonlyMap<string, ColumnPlan>;
type Json = Readonly<Record<string, unknown>>;

/** The field under which columns stand, where they do not stand at the top. */
export interface Container {
  readonly name: string;
  readonly nested: boolean;
}

/** An index as it was found or made. */
interface Known {
  /** The store gives it to an index when it is made: another one under the same name has another. */
  readonly uuid: string;
  readonly fields: Set<string>;
  /** The name is an alias's: which index is behind it is the operator's affair. */
  readonly alias: boolean;
  /** Columns that have their fields. */
  readonly prepared: Set<Columns>;
}

export interface IndexesOptions {
  readonly client: SearchClient;
  readonly config: SearchConfig;
  readonly log: Logger;
  /** Name of the writer. */
  readonly writer: string;
}

/** The store's default limit of fields, which indexes that we make have beyond those of the columns. */
const SPARE_FIELDS = 1000;
/** Names in one address: the store takes 4 KiB of it. */
const NAMES_AT_ONCE = 10;

/** The indexes that the sink writes to: made with the tables' mappings, extended when a table gets columns, and watched. */
export class Indexes {
  readonly #client: SearchClient;
  readonly #config: SearchConfig;
  readonly #log: Logger;
  readonly #book: Book;
  readonly #known = new Map<string, Known>();
  /** One at a time: calls side by side meet a new index together. */
  readonly #turns = new Turns();

  constructor({ client, config, log, writer }: IndexesOptions) {
    this.#client = client;
    this.#config = config;
    this.#log = log;
    this.#book = new Book({ client, name: config.bookIndex, writer });
  }

  isReady(index: string, columns: Columns): boolean {
    return !this.#config.manageIndexes || this.#known.get(index)?.prepared.has(columns) === true;
  }

  /** Makes the index if it is not there, and gives it fields for the columns. @throws TaplineError SINK_SEARCH_*. */
  async prepare(index: string, columns: Columns, signal: AbortSignal, under?: Container): Promise<void> {
    await this.#turns.take(async () => {
      if (this.isReady(index, columns)) return;
      const known = this.#known.get(index) ?? (await this.#meet(index, propertiesOf(columns, under), signal));
      this.#known.set(index, known);
      await this.#addFields(index, known, { columns, under }, signal);
      known.prepared.add(columns);
    });
  }

  /** The ids of the indexes as this writer knows them. What an alias stands for is left out. */
  identities(indexes: Iterable<string>): ReadonlyMap<string, string> {
    const identities = new Map<string, string>();
    for (const index of indexes) {
      const known = this.#known.get(index);
      if (known?.alias === false) identities.set(index, known.uuid);
    }
    return identities;
  }

  /**
   * Which of these are no more what they were: deleted, or made anew. Asked after a bulk and before its changes count as applied, so that nothing counts
   * that went into an index that vanished meanwhile, or into one that the store made of itself when the bulk came.
   */
  async lost(identities: ReadonlyMap<string, string>, signal: AbortSignal): Promise<ReadonlySet<string>> {
    const watched = [...identities.keys()];
    const lost = new Set<string>();
    for (let at = 0; at < watched.length; at += NAMES_AT_ONCE) {
      const names = watched.slice(at, at + NAMES_AT_ONCE);
      const uuids = await this.#uuids(names, signal);
      for (const name of names) if (uuids.get(name) !== identities.get(name)) lost.add(name);
    }
    return lost;
  }

  forget(index: string): void {
    this.#known.delete(index);
  }

  /** An index that this life of the writer has not written to yet. @throws TaplineError SINK_SEARCH_INDEX_LOST when an earlier life has, to another one. */
  async #meet(index: string, properties: Json, signal: AbortSignal): Promise<Known> {
    const found = await this.#find(index, signal);
    if (found?.alias === true) return found;
    const filled = await this.#book.uuidOf(index, signal);
    if (filled !== undefined && filled !== found?.uuid && this.#config.lostIndex === 'stop')
      throw this.lostError(index);
    const known = found ?? (await this.#make(index, properties, signal));
    if (filled !== known.uuid) await this.#book.note(index, known.uuid, signal);
    return known;
  }

  lostError(index: string): TaplineError {
    return new TaplineError('SINK_SEARCH_INDEX_LOST', {
      message: `The index ${index} was deleted, or made anew, after this writer had written to it: what it held is gone.`,
      place: { address: this.#client.address },
      ...(this.#config.lostIndex === 'create' ? { disposition: 'retryable' } : {}),
    });
  }

  async #uuids(names: readonly string[], signal: AbortSignal): Promise<ReadonlyMap<string, unknown>> {
    const body = await this.#ask(`/${names.map(encodeURIComponent).join(',')}/_settings/index.uuid`, signal, {
      ignore_unavailable: 'true',
      flat_settings: 'true',
    });
    return new Map(Object.entries(body ?? {}).map(([name, value]) => [name, settingsOf(value)['index.uuid']]));
  }

  async #find(index: string, signal: AbortSignal): Promise<Known | undefined> {
    const body = await this.#ask(`/${encodeURIComponent(index)}`, signal, { flat_settings: 'true' });
    if (body === undefined) return undefined;
    const [found, ...others] = Object.entries(body);
    if (found === undefined) return undefined;
    if (others.length > 0) throw this.#severalBehind(index, Object.keys(body));
    const [name, description] = found;
    const settings = settingsOf(description);
    this.#checkDeletes(index, settings);
    const mappings = isObject(description) ? description['mappings'] : undefined;
    const properties = isObject(mappings) ? mappings['properties'] : undefined;
    return {
      uuid: String(settings['index.uuid']),
      fields: new Set(fieldNames(isObject(properties) ? properties : {})),
      alias: name !== index,
      prepared: new Set(),
    };
  }

  #severalBehind(alias: string, names: readonly string[]): TaplineError {
    return new TaplineError('SINK_SEARCH_ALIAS', {
      message: `The alias ${alias} stands for ${names.length} indexes (${names.slice(0, 5).join(', ')}).`,
      place: { address: this.#client.address, path: 'sink.index' },
    });
  }

  /** An index that somebody else made forgets deleted versions by its own rule: default 60 s. */
  #checkDeletes(index: string, settings: Json): void {
    const kept = settings['index.gc_deletes'];
    if (this.#config.onDelete === 'mark' || kept === this.#gcDeletes) return;
    this.#log.warn('the index remembers versions of deleted documents by a time of its own', {
      index,
      gcDeletes: kept ?? 'the store’s default',
      deletedVersionSeconds: this.#config.deletedVersionSeconds,
    });
  }

  get #gcDeletes(): string {
    return `${this.#config.deletedVersionSeconds}s`;
  }

  async #make(index: string, fields: Json, signal: AbortSignal): Promise<Known> {
    const own = jsonObjectOf(this.#config.mappings).value;
    const properties = { ...fields, ...(isObject(own['properties']) ? own['properties'] : {}) };
    const settings: Record<string, unknown> = {
      'index.gc_deletes': this.#gcDeletes,
      'index.mapping.total_fields.limit': SPARE_FIELDS + 2 * Object.keys(properties).length,
    };
    for (const [name, value] of Object.entries(jsonObjectOf(this.#config.settings).value))
      settings[name.startsWith('index.') ? name : `index.${name}`] = value;
    // A text of a column that is not known stays a text, whatever the first one looks like.
    const mappings = { date_detection: false, ...own, properties };
    const answer = await this.#client.send(
      { method: 'PUT', path: `/${encodeURIComponent(index)}`, body: JSON.stringify({ settings, mappings }) },
      signal,
    );
    // Another writer may have been faster.
    const refusal = isRefused(answer) ? refusalOf(answer) : undefined;
    if (refusal !== undefined && refusal.type !== 'resource_already_exists_exception') {
      throw asSettings(refused(refusal, this.#client.address, index));
    }
    if (refusal === undefined) this.#log.info('index made', { index, fields: Object.keys(properties).length });
    const known = await this.#find(index, signal);
    if (known !== undefined) return known;
    throw new TaplineError('SINK_SEARCH_NOT_READY', { message: `The index ${index} was made and is not there.` });
  }

  async #addFields(
    index: string,
    known: Known,
    { columns, under }: { readonly columns: Columns; readonly under: Container | undefined },
    signal: AbortSignal,
  ): Promise<void> {
    const nameOf = (column: string): string => (under === undefined ? column : `${under.name}.${column}`);
    const missing = [...columns].filter(([column]) => !known.fields.has(nameOf(column)));
    if (missing.length === 0) return;
    const properties = propertiesOf(new Map(missing), under);
    const answer = await this.#client.send(
      { method: 'PUT', path: `/${encodeURIComponent(index)}/_mapping`, body: JSON.stringify({ properties }) },
      signal,
    );
    if (isRefused(answer)) throw asSettings(refused(refusalOf(answer), this.#client.address, index));
    const names = missing.map(([column]) => nameOf(column));
    for (const name of names) known.fields.add(name);
    this.#log.info('fields added to index', { index, fields: names });
  }

  /** undefined: there is no such thing. */
  async #ask(path: string, signal: AbortSignal, query: Readonly<Record<string, string>>): Promise<Json | undefined> {
    const answer = await this.#client.send({ method: 'GET', path, query }, signal);
    if (answer.status === 404) return undefined;
    if (isRefused(answer)) throw asSettings(refused(refusalOf(answer), this.#client.address));
    return isObject(answer.body) ? answer.body : {};
  }
}

function propertiesOf(columns: Columns, under?: Container): Json {
  const properties = Object.fromEntries([...columns].map(([name, { mapping }]) => [name, mapping]));
  if (under === undefined) return properties;
  return { [under.name]: under.nested ? { type: 'nested', properties } : { properties } };
}

/** Of the top, and of what stands under containers. */
function fieldNames(properties: Json): string[] {
  return Object.entries(properties).flatMap(([name, field]) => {
    const inside = isObject(field) ? field['properties'] : undefined;
    return [name, ...(isObject(inside) ? Object.keys(inside).map((one) => `${name}.${one}`) : [])];
  });
}

function settingsOf(description: unknown): Json {
  const settings = isObject(description) ? description['settings'] : undefined;
  return isObject(settings) ? settings : {};
}

/** No document is to blame when an index is described wrongly: waiting does not mend it, and leaving out a row neither. */
function asSettings(error: TaplineError): TaplineError {
  if (error.disposition !== 'poison') return error;
  const { message, place, cause } = error;
  return new TaplineError('SINK_SEARCH_INDEX_REFUSED', { message, place, cause });
}
