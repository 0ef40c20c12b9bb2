import type { Change } from '@tapline/envelope';
import type { ConsumedBatch, KafkaRecord } from '@tapline/kafka';
import { createMetrics, silentLogger, sleep, TaplineError } from '@tapline/kernel';
import type { ApplyResult, Places, Sink, Verdict } from '../../contract.ts';
import { change } from '../../suite/bench.ts';
import { Engine, type EngineOptions } from '../engine.ts';

export const TOPIC = 'suite.shop.item';

/** A store in memory: `verdict` decides about each change, and what was applied is remembered in order. */
export class MemorySink implements Sink {
  readonly applied: Change[] = [];
  /** `<partition>/<offset>` of what was applied. */
  readonly places: string[] = [];
  calls = 0;
  /** Calls open at once, at most. */
  most = 0;
  #open = 0;
  readonly #verdict: (one: Change, call: number) => Verdict | TaplineError;

  constructor(verdict: (one: Change, call: number) => Verdict | TaplineError = () => 'applied') {
    this.#verdict = verdict;
  }

  async apply(changes: readonly Change[], _: AbortSignal, places?: Places): Promise<ApplyResult> {
    const call = ++this.calls;
    this.most = Math.max(this.most, ++this.#open);
    await sleep(1);
    this.#open--;
    const errors = new Map<number, TaplineError>();
    const verdicts = changes.map((one, index): Verdict => {
      const verdict = this.#verdict(one, call);
      if (typeof verdict !== 'string') errors.set(index, verdict);
      else if (verdict === 'wait') errors.set(index, retryable);
      else {
        this.applied.push(one);
        const place = places?.at(index);
        this.places.push(`${place?.partition}/${place?.offset}`);
      }
      return typeof verdict === 'string' ? verdict : verdict.disposition === 'poison' ? 'poison' : 'retry';
    });
    return { verdicts, errors };
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }
}

export const retryable = new TaplineError('SINK_REDIS_UNREACHABLE', { message: 'down' });
export const poison = new TaplineError('SINK_REDIS_WRONG_TYPE', { message: 'a list' });
export const fatal = new TaplineError('SINK_REDIS_ACCESS', { message: 'no entry' });

export function engineWith(sink: Sink, more: Partial<EngineOptions> = {}): Engine {
  const engine = new Engine({
    sink,
    decode: (_, { key, offset }) => change(offset, { id: String(key) }, { id: String(key), at: Number(offset) }),
    order: 'key',
    parking: undefined,
    lanes: 4,
    batchChanges: 3,
    batchBytes: 1000,
    bufferBytes: 100_000,
    log: silentLogger,
    metrics: createMetrics('test'),
    ...more,
  });
  void engine.assign([0, 1].map((partition) => ({ topic: TOPIC, partition })));
  return engine;
}

export function batch(from: number, count: number, more: Partial<ConsumedBatch> = {}): ConsumedBatch {
  const records = Array.from({ length: count }, (_, index): KafkaRecord => {
    const offset = from + index;
    const key = Buffer.from(`key ${offset % 5}`);
    return { offset: BigInt(offset), timestampMs: 0, key, value: Buffer.alloc(10), headers: Buffer.from([0]) };
  });
  const nextOffset = BigInt(from + count);
  return { topic: TOPIC, partition: 0, records, nextOffset, highWatermark: nextOffset, ...more };
}

export function offsetsOf(engine: Engine): Record<number, number> {
  return Object.fromEntries(engine.uncommitted().map(({ partition, offset }) => [partition, Number(offset)]));
}
