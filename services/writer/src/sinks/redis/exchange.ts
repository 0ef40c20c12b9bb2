import { orAbort, TaplineError } from '@tapline/kernel';
import type { Exchange } from '@tapline/sink';
import type { Redis } from 'ioredis';
import { besideRedis } from './beside.ts';
import { classify } from './classify.ts';
import { nodeOf } from './client.ts';
import type { RedisConfig } from './config.ts';

/** Whatever a template may give. */
function patternOf(template: string): string {
  const literal = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
  return template
    .split(/\$\{[^}]*\}/)
    .map(literal)
    .join('.*');
}

/** Says of a database that a replay fills it; it goes along when databases are exchanged. */
const MARK = '_tapline:replay';
const SCAN_KEYS = 1000;

/**
 * Another database of the same server, and SWAPDB, which exchanges two of them at once for everybody who is connected. Keys alone cannot be exchanged so:
 * Redis renames one at a time, and a script over millions of them would stop the server.
 */
export class RedisExchange implements Exchange {
  readonly #config: RedisConfig;
  readonly #second: number;
  readonly #live: Redis;
  readonly #beside: Redis;

  private constructor(config: RedisConfig, second: number) {
    this.#config = config;
    this.#second = second;
    this.#live = nodeOf(config);
    this.#beside = nodeOf(besideRedis(config, String(second)));
    for (const redis of [this.#live, this.#beside]) redis.on('error', () => undefined);
  }

  /** @throws TaplineError SINK_REDIS_*. */
  static async open(config: RedisConfig, second: number, signal: AbortSignal): Promise<RedisExchange> {
    const exchange = new RedisExchange(config, second);
    try {
      await exchange.#do(() => Promise.all([exchange.#live.connect(), exchange.#beside.connect()]), signal);
      return exchange;
    } catch (error) {
      await exchange[Symbol.asyncDispose]();
      throw error;
    }
  }

  get text(): string {
    return `databases ${this.#config.database} and ${this.#second} are exchanged as wholes (SWAPDB); the old rows are in ${this.#second} then`;
  }

  async prepare(begun: boolean, signal: AbortSignal): Promise<'open' | 'exchanged'> {
    const owner = this.#config.versionPrefix;
    const marks = await this.#do(() => Promise.all([this.#live.get(MARK), this.#beside.get(MARK)]), signal);
    if (begun && marks[0] === owner) return 'exchanged';
    await this.#refuseStrangers(signal);
    if (begun && marks[1] === owner) return 'open';
    if ((await this.#do(() => this.#beside.dbsize(), signal)) > 0) {
      throw new TaplineError('REPLAY_INTO', {
        message: `Database ${this.#second} is not empty.`,
        place: { address: this.#config.address },
        remedy: `Give another one with \`--into\`, or empty it: redis-cli -n ${this.#second} FLUSHDB.`,
      });
    }
    await this.#do(() => Promise.all([this.#live.del(MARK), this.#beside.set(MARK, owner)]), signal);
    return 'open';
  }

  async exchange(signal: AbortSignal): Promise<readonly string[]> {
    const { database, versionPrefix } = this.#config;
    const mark = await this.#do(() => this.#beside.get(MARK), signal);
    // An answer that was lost: what is in the live database by now must not be put aside again.
    if (mark === versionPrefix) await this.#do(() => this.#live.swapdb(database, this.#second), signal);
    return [
      `database ${database} has the new rows; the old ones are in ${this.#second} until you empty it: redis-cli -n ${this.#second} FLUSHDB`,
    ];
  }

  async settled(signal: AbortSignal): Promise<void> {
    await this.#do(() => Promise.all([this.#live.del(MARK), this.#beside.del(MARK)]), signal);
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#live.disconnect();
    this.#beside.disconnect();
    return Promise.resolve();
  }

  /** Everything in the live database goes away with the old rows: it must be this writer's alone. */
  async #refuseStrangers(signal: AbortSignal): Promise<void> {
    const { key, collection, versionPrefix, database, address } = this.#config;
    const own = new RegExp(`^(?:${patternOf(key)}|${patternOf(collection)})$`, 's');
    let cursor = '0';
    do {
      const [next, names] = await this.#do(() => this.#live.scan(cursor, 'COUNT', SCAN_KEYS), signal);
      const other = names.find((name) => name !== MARK && !own.test(name) && !name.startsWith(versionPrefix));
      if (other !== undefined) {
        throw new TaplineError('REPLAY_INTO', {
          message: `Database ${database} has keys that are not this writer’s, such as ${JSON.stringify(other)}: they would be exchanged too.`,
          place: { address },
          remedy: 'Give the writer a database of its own (`sink.database`).',
        });
      }
      cursor = next;
    } while (cursor !== '0');
  }

  async #do<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
    try {
      return await orAbort(work(), signal);
    } catch (error) {
      signal.throwIfAborted();
      throw classify(error, this.#config.address);
    }
  }
}
