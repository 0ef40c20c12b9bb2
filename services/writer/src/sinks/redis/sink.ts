import { orAbort, TaplineError } from '@tapline/kernel';
import type { ApplyResult, Change, Sink } from '@tapline/sink';
import { compileTemplate, type Template } from '../../naming/template.ts';
import { Outcome } from '../../outcome.ts';
import type { Call } from './call.ts';
import { classify, isNoScript, replyError } from './classify.ts';
import type { RedisClient } from './client.ts';
import { CollectionEncoder } from './collection/encode.ts';
import { collectionScript } from './collection/script.ts';
import { isCollection, type RedisConfig } from './config.ts';
import { CallEncoder } from './encode.ts';
import { guardScript } from './script.ts';
import { slotOf, tagOf } from './slot.ts';

/** A call is sent at this size even when it has few rows: a script holds up the server's only thread while it runs. */
const CALL_BYTES = 512 * 1024;

/** What the script answers when not every row was applied: rows counted from 1. */
type Partial = readonly [stopped: number, why: string, stale: readonly number[], refused: readonly (number | string)[]];

interface Given {
  readonly changes: readonly Change[];
  /** Name of each change's row. */
  readonly keys: readonly string[];
  readonly outcome: Outcome;
}

/**
 * Rows in Redis. A call's changes go out as a pipeline of script calls of up to `batchRows` rows, each one atomic step that compares every row's
 * version and writes it. The connection keeps their order, so that several changes of a key may be under way at once; where a cluster
 * moves a slot and order is lost, the versions still keep the newest.
 */
export class RedisSink implements Sink {
  readonly #client: RedisClient;
  readonly #config: RedisConfig;
  readonly #key: Template;
  readonly #encoder: CallEncoder | CollectionEncoder;
  #disposed = false;

  constructor(client: RedisClient, config: RedisConfig) {
    this.#client = client;
    this.#config = config;
    this.#key = compileTemplate(config.key, { path: 'sink.key', row: false, nullText: '' });
    const value = compileTemplate(config.value, { path: 'sink.value', row: true, nullText: config.nullText });
    this.#encoder = isCollection(config)
      ? new CollectionEncoder(config, collectionScript(config))
      : new CallEncoder(config, guardScript(config), value);
  }

  async apply(changes: readonly Change[], signal: AbortSignal): Promise<ApplyResult> {
    signal.throwIfAborted();
    if (this.#disposed)
      throw new TaplineError('INTERNAL', { message: 'apply was called on a sink that is disposed of.' });
    const outcome = new Outcome(changes.length);
    const calls = this.#client.clustered ? this.#callsBySlot(changes, outcome) : this.#calls(changes, outcome);
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

  #calls(changes: readonly Change[], outcome: Outcome): Call[] {
    const keys = changes.map((change) => this.#key(change));
    return this.#encode({ changes, keys, outcome }, changes.keys(), this.#config.versionPrefix);
  }

  /** In a cluster the keys of a call must be of one slot, the version keys too: their prefix has a tag of that slot. */
  #callsBySlot(changes: readonly Change[], outcome: Outcome): Call[] {
    const keys = changes.map((change) => this.#key(change));
    const bySlot = new Map<number, number[]>();
    for (const [index, key] of keys.entries()) {
      const slot = slotOf(key);
      const indexes = bySlot.get(slot);
      if (indexes === undefined) bySlot.set(slot, [index]);
      else indexes.push(index);
    }
    const given = { changes, keys, outcome };
    return [...bySlot].flatMap(([slot, indexes]) =>
      this.#encode(given, indexes, `${this.#config.versionPrefix}{${tagOf(slot)}}:`),
    );
  }

  #encode({ changes, keys, outcome }: Given, indexes: Iterable<number>, prefix: string): Call[] {
    const calls: Call[] = [];
    const encoder = this.#encoder;
    const { call } = encoder;
    encoder.begin(prefix);
    for (const index of indexes) {
      if (call.rows === this.#config.batchRows || call.byteLength > CALL_BYTES) {
        calls.push(call.end());
        encoder.begin(prefix);
      }
      const refused = encoder.add(index, keys[index] as string, changes[index] as Change);
      if (refused !== undefined) outcome.failed(index, refused);
    }
    if (call.rows > 0) calls.push(call.end());
    return calls;
  }

  async #run(call: Call, outcome: Outcome): Promise<void> {
    try {
      const answer = await this.#send(call);
      call.release();
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
