import { orAbort, TaplineError } from '@tapline/kernel';
import type { ApplyResult, Change, Sink } from '@tapline/sink';
import { compileTemplate, type Template } from '../../naming/template.ts';
import { Outcome } from '../../outcome.ts';
import { classify, isNoScript, replyError } from './classify.ts';
import type { RedisClient } from './client.ts';
import type { RedisConfig } from './config.ts';
import { type Call, CallEncoder } from './encode.ts';
import { guardScript } from './script.ts';
import { slotOf, tagOf } from './slot.ts';

/** A call is sent at this size even when it has few rows: a script holds up the server's only thread while it runs. */
const CALL_BYTES = 512 * 1024;

/** What the script answers when not every row was applied: rows counted from 1. */
type Partial = readonly [stopped: number, why: string, stale: readonly number[], refused: readonly (number | string)[]];

/**
 * Rows in Redis. A call's changes go out as a pipeline of script calls of up to `batchRows` rows, each one atomic step that compares every row's
 * version and writes it. The connection keeps their order, so that several changes of a key may be under way at once; where a cluster
 * moves a slot and order is lost, the versions still keep the newest.
 */
export class RedisSink implements Sink {
  readonly #client: RedisClient;
  readonly #config: RedisConfig;
  readonly #key: Template;
  readonly #encoder: CallEncoder;
  #disposed = false;

  constructor(client: RedisClient, config: RedisConfig) {
    this.#client = client;
    this.#config = config;
    this.#key = compileTemplate(config.key, { path: 'sink.key', row: false, nullText: '' });
    const value = compileTemplate(config.value, { path: 'sink.value', row: true, nullText: config.nullText });
    this.#encoder = new CallEncoder(config, guardScript(config), value);
  }

  async apply(changes: readonly Change[], signal: AbortSignal): Promise<ApplyResult> {
    signal.throwIfAborted();
    if (this.#disposed)
      throw new TaplineError('INTERNAL', { message: 'apply was called on a sink that is disposed of.' });
    const outcome = new Outcome(changes.length);
    const calls = this.#client.clustered ? this.#callsBySlot(changes) : this.#calls(changes);
    await orAbort(Promise.all(calls.map((call) => this.#run(call, outcome))), signal);
    return outcome.result();
  }

  async check(signal: AbortSignal): Promise<void> {
    try {
      await orAbort(this.#client.ping(), signal);
    } catch (error) {
      signal.throwIfAborted();
      throw classify(error, this.#client.address);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#disposed = true;
    await this.#client[Symbol.asyncDispose]();
  }

  #calls(changes: readonly Change[]): Call[] {
    const keys = changes.map((change) => this.#key(change));
    const calls: Call[] = [];
    this.#encode(changes, keys, changes.keys(), this.#config.versionPrefix, calls);
    return calls;
  }

  /** In a cluster the keys of a call must be of one slot, the version keys too: their prefix has a tag of that slot. */
  #callsBySlot(changes: readonly Change[]): Call[] {
    const keys = changes.map((change) => this.#key(change));
    const bySlot = new Map<number, number[]>();
    for (const [index, key] of keys.entries()) {
      const slot = slotOf(key);
      const indexes = bySlot.get(slot);
      if (indexes === undefined) bySlot.set(slot, [index]);
      else indexes.push(index);
    }
    const calls: Call[] = [];
    for (const [slot, indexes] of bySlot) {
      this.#encode(changes, keys, indexes, `${this.#config.versionPrefix}{${tagOf(slot)}}:`, calls);
    }
    return calls;
  }

  #encode(
    changes: readonly Change[],
    keys: readonly string[],
    indexes: Iterable<number>,
    prefix: string,
    calls: Call[],
  ): void {
    const encoder = this.#encoder;
    encoder.begin(prefix);
    for (const index of indexes) {
      if (encoder.rows === this.#config.batchRows || encoder.byteLength > CALL_BYTES) {
        calls.push(encoder.end());
        encoder.begin(prefix);
      }
      encoder.add(index, keys[index] as string, changes[index] as Change);
    }
    if (encoder.rows > 0) calls.push(encoder.end());
  }

  async #run(call: Call, outcome: Outcome): Promise<void> {
    try {
      const answer = await this.#send(call);
      if (answer !== 0) this.#partial(call, answer as Partial, outcome);
    } catch (error) {
      this.#failed(classify(error, this.#client.address), call, 0, outcome);
    }
  }

  async #send(call: Call): Promise<unknown> {
    try {
      return await this.#client.send('evalsha', call.key, call.bytes);
    } catch (error) {
      if (!isNoScript(error)) throw error;
      return this.#client.send('eval', call.key, call.withText());
    }
  }

  #partial(call: Call, [stopped, why, stale, refused]: Partial, outcome: Outcome): void {
    for (const row of stale) outcome.set(call.indexes[row - 1] as number, 'stale');
    for (let at = 0; at < refused.length; at += 2) {
      const index = call.indexes[(refused[at] as number) - 1] as number;
      outcome.failed(index, replyError(refused[at + 1] as string, this.#client.address));
    }
    if (stopped === 0) return;
    const error = replyError(why, this.#client.address);
    if (error.code === 'SINK_REDIS_READ_ONLY') this.#client.reconnect();
    this.#failed(error, call, stopped - 1, outcome);
  }

  #failed(error: TaplineError, call: Call, from: number, outcome: Outcome): void {
    for (const index of call.indexes.slice(from)) outcome.failed(index, error);
  }
}
