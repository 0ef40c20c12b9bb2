import { loadConfig, silentLogger } from '@tapline/kernel';
import { NO_TABLES, neverAborted, type Row, type SinkBench } from '@tapline/sink';
import type { MovingAddress } from '@tapline/test-stack';
import type { Cluster, Redis } from 'ioredis';
import { textOf } from '../../../naming/values.ts';
import { isCollection, REDIS_CONFIG, type RedisConfig } from '../config.ts';
import { redisSink } from '../index.ts';
import { slotOf, tagOf } from '../slot.ts';

/** A checked configuration from what a user would write under `sink`. */
export function redisConfig(given: Readonly<Record<string, unknown>>): RedisConfig {
  const declaration = { name: 'test', doc: 'Test.', fields: { sink: REDIS_CONFIG } } as const;
  return loadConfig(declaration, { value: { sink: given } }).value.sink;
}

export interface RedisBenchOptions {
  /** The store's own eyes: a connection that is not the sink's. */
  readonly redis: Redis | Cluster;
  readonly config: RedisConfig;
  /** Nothing but letters and digits: start of every key of this place. */
  readonly place: string;
  /** What the sink's connections go through; absent: they go straight to the servers. */
  readonly link?: { readonly address: MovingAddress; readonly target: number } | undefined;
}

/** The contract suite's place in a real Redis: keys `<place>:<key>`. */
export class RedisBench implements SinkBench {
  readonly #redis: Redis | Cluster;
  readonly #config: RedisConfig;
  readonly #place: string;
  readonly #link: RedisBenchOptions['link'];
  readonly partialRows: boolean;

  constructor({ redis, config, place, link }: RedisBenchOptions) {
    this.#redis = redis;
    this.#place = place;
    this.#link = link;
    this.partialRows = config.as === 'hash';
    const key = `${place}:\${key}`;
    this.#config = {
      ...config,
      key,
      versionPrefix: `${place}.v:`,
      ...(isCollection(config) ? { collection: key } : {}),
    };
  }

  open(): ReturnType<SinkBench['open']> {
    return redisSink.open(this.#config, {
      name: 'contract',
      log: silentLogger,
      signal: neverAborted(),
      tables: NO_TABLES,
    });
  }

  async read(key: Row): Promise<unknown> {
    const name = this.#name(key);
    if (isCollection(this.#config)) return await this.#part(name, partOf(key));
    if (this.#config.as !== 'hash') {
      const text = await this.#redis.get(name);
      return text === null ? undefined : text.replace(/^\{"_v":"[0-9a-f]{16}",?/, '{');
    }
    const fields = (await this.#redis.hgetallBuffer(name)) as Record<string, Buffer>;
    if (Object.keys(fields).length === 0) return undefined;
    const { _v, ...rest } = fields;
    return Object.fromEntries(Object.entries(rest).map(([column, bytes]) => [column, bytes.toString('latin1')]));
  }

  /** What the collection has of the row. */
  async #part(name: string, member: string): Promise<unknown> {
    const { as } = this.#config;
    const found = as === 'counter' ? this.#redis.hget(name, member) : this.#redis.zscore(name, member);
    return (await found) ?? undefined;
  }

  expected(row: Row): unknown {
    if (isCollection(this.#config)) return this.#config.as === 'counter' ? '3' : '2.5';
    if (this.#config.as === 'json') {
      const members = Object.entries(row).map(([column, value]) => `${JSON.stringify(column)}:${expectedJson(value)}`);
      return `{${members.join(',')}}`;
    }
    if (this.#config.as === 'string')
      return this.#config.value.replace(/\$\{row\.(\w+)\}/g, (_, column: string) => expectedText(row[column] ?? null));
    const present = Object.entries(row).filter(([, value]) => value !== null);
    return Object.fromEntries(present.map(([column, value]) => [column, expectedBytes(value)]));
  }

  async version(key: Row): Promise<bigint | undefined> {
    const name = this.#name(key);
    const tag = this.#config.mode === 'cluster' ? `{${tagOf(slotOf(name))}}:` : '';
    const mark = `${this.#config.versionPrefix}${tag}${name}`;
    const text = isCollection(this.#config)
      ? await this.#redis.hget(mark, 'v')
      : // The version key last: a row that was there before and is gone now has its version there, and that is not older.
        ((await this.#live(name)) ?? (await this.#redis.get(mark)));
    return text === null ? undefined : BigInt(`0x${text}`);
  }

  async #live(name: string): Promise<string | null> {
    if (this.#config.as === 'hash') return await this.#redis.hget(name, '_v');
    if (this.#config.as === 'json') return (await this.#redis.get(name))?.slice(7, 23) ?? null;
    return null;
  }

  async spoil(key: Row): Promise<void> {
    await this.#redis.rpush(this.#name(key), 'not a row');
  }

  async mend(key: Row): Promise<void> {
    await this.#redis.del(this.#name(key));
  }

  async refuseWrites(): Promise<AsyncDisposable> {
    const nodes = 'nodes' in this.#redis ? this.#redis.nodes('master') : [this.#redis];
    await Promise.all(nodes.map((node) => node.config('SET', 'maxmemory', '1')));
    return {
      async [Symbol.asyncDispose]() {
        await Promise.all(nodes.map((node) => node.config('SET', 'maxmemory', '0')));
      },
    };
  }

  interrupt(): Promise<AsyncDisposable> {
    const { address, target } = this.#throughLink();
    address.moveTo(undefined);
    return Promise.resolve({
      [Symbol.asyncDispose]: () => Promise.resolve(address.moveTo(target)),
    });
  }

  stall(): Promise<AsyncDisposable> {
    return Promise.resolve(this.#throughLink().address.hold());
  }

  #throughLink(): NonNullable<RedisBenchOptions['link']> {
    if (this.#link === undefined) throw new Error('this bench has no link to cut');
    return this.#link;
  }

  #name(key: Row): string {
    return `${this.#place}:${partOf(key)}`;
  }
}

function partOf(key: Row): string {
  const values = Object.values(key).map((value) => textOf(value as NonNullable<typeof value>));
  const parts = values.length === 1 ? values : values.map((part) => part.replaceAll('%', '%25').replaceAll(':', '%3A'));
  return parts.join(':');
}

/** Written apart from the sink's own code on purpose: the two must agree. */
function expectedBytes(value: Row[string] | undefined): string {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('latin1');
  return Buffer.from(expectedText(value ?? null)).toString('latin1');
}

function expectedText(value: Row[string]): string {
  if (value === null) return '';
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  if (typeof value === 'boolean') return value ? '1' : '0';
  return `${value}`;
}

function expectedJson(value: Row[string]): string {
  if (value instanceof Uint8Array) return JSON.stringify(Buffer.from(value).toString('base64'));
  return typeof value === 'bigint' ? `${value}` : JSON.stringify(value);
}
