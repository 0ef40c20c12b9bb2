import { describe, expect, test } from '@jest/globals';
import { sleep } from '@tapline/kernel';
import { change } from '../suite/bench.ts';
import type { Decode, EngineOptions } from './engine.ts';
import { batch, engineWith, MemorySink, offsetsOf, poison, retryable, TOPIC } from './testing/memory-sink.ts';

/** Rows that tell their partition, one lane for all, small batches. */
const decode: Decode = ({ partition }, { key, offset }) =>
  change(offset, { id: String(key) }, { id: String(key), partition });
const NARROW: Partial<EngineOptions> = { decode, lanes: 1, batchChanges: 4 };

const first = [{ topic: TOPIC, partition: 0 }];

function offsetsIn({ places }: MemorySink, partition: number): number[] {
  return places.filter((place) => place.startsWith(`${partition}/`)).map((place) => Number(place.split('/')[1]));
}

function upTo(end: number): number[] {
  return Array.from({ length: end }, (_, offset) => offset);
}

async function until(holds: () => boolean): Promise<void> {
  const end = performance.now() + 100_000;
  while (!holds()) {
    if (performance.now() > end) throw new Error(`not within 20 s: ${String(holds)}`);
    await sleep(1);
  }
}

describe('a partition that goes to another member', () => {
  test('what waits of it is not given to the sink any more, and nothing of it is committed', async () => {
    let down = true;
    const sink = new MemorySink(() => (down ? retryable : 'applied'));
    const engine = engineWith(sink, NARROW);
    await engine.accept(batch(0, 20));
    await engine.accept(batch(0, 5, { partition: 1 }));
    await until(() => sink.calls > 1);
    engine.revoke(first);
    down = false;
    await engine.idle();
    expect(offsetsIn(sink, 0)).toEqual([]);
    expect(offsetsIn(sink, 1)).toEqual(upTo(5));
    expect(offsetsOf(engine)).toEqual({ 1: 5 });
    expect(engine.lag().records).toBe(0);
  });

  test('a batch whose turn comes when the partition has gone and come again is dropped: it comes anew', async () => {
    let down = true;
    const sink = new MemorySink(() => (down ? retryable : 'applied'));
    const engine = engineWith(sink, { ...NARROW, bufferBytes: 100 });
    const full = engine.accept(batch(0, 20));
    const late = engine.accept(batch(20, 20));
    await until(() => sink.calls > 1);
    await engine.assign(first);
    down = false;
    await Promise.all([full, late]);
    await engine.idle();
    // The call that was under way may have ended well, and counts for nothing.
    expect(sink.places.length).toBeLessThanOrEqual(4);
    expect(offsetsOf(engine)).toEqual({});
    sink.places.length = 0;
    await engine.accept(batch(0, 40));
    await engine.idle();
    expect(offsetsIn(sink, 0)).toEqual(upTo(40));
    expect(offsetsOf(engine)).toEqual({ 0: 40 });
  });

  test('a sink hears of the partitions before it gets their changes', async () => {
    const heard: string[] = [];
    class Hearing extends MemorySink {
      assigned(partitions: readonly { readonly partition: number }[]): Promise<void> {
        heard.push(`${partitions.map(({ partition }) => partition).join()} after ${this.calls}`);
        return Promise.resolve();
      }
    }
    const engine = engineWith(new Hearing(), NARROW);
    await engine.accept(batch(0, 4));
    await engine.idle();
    await engine.assign(first);
    expect(heard).toEqual(['0,1 after 0', '0 after 1']);
  });
});

describe('a partition whose changes the sink does not take now', () => {
  test('lets the others go on, takes no more than it has, and goes on in its order', async () => {
    let down = true;
    const sink = new MemorySink(({ after }) => (down && after?.['partition'] === 0 ? retryable : 'applied'));
    const engine = engineWith(sink, { ...NARROW, bufferBytes: 500 });
    const stuck = engine.accept(batch(0, 45));
    for (let from = 0; from < 200; from += 20) await engine.accept(batch(from, 20, { partition: 1 }));
    await until(() => offsetsIn(sink, 1).length === 200);
    const more = engine.accept(batch(45, 10));
    await sleep(20);
    expect(offsetsIn(sink, 0)).toEqual([]);
    expect(engine.describe()).toMatchObject({ writer: 'retrying', error: { code: 'SINK_REDIS_UNREACHABLE' } });
    expect(offsetsOf(engine)).toEqual({ 1: 200 });
    down = false;
    await Promise.all([stuck, more]);
    await engine.idle();
    expect(offsetsIn(sink, 0)).toEqual(upTo(55));
    expect(offsetsOf(engine)).toEqual({ 0: 55, 1: 200 });
    expect(engine.describe()['writer']).toBe('consuming');
  });

  test('one key that fails holds up only its partition, in every lane', async () => {
    let down = true;
    const sink = new MemorySink(({ key, after }) =>
      down && after?.['partition'] === 0 && key?.['id'] === 'key 3' ? retryable : 'applied',
    );
    const engine = engineWith(sink, { ...NARROW, lanes: 3 });
    await engine.accept(batch(0, 50));
    await engine.accept(batch(0, 50, { partition: 1 }));
    await until(() => offsetsIn(sink, 1).length === 50);
    expect(offsetsOf(engine)).toEqual({ 0: 3, 1: 50 });
    down = false;
    await engine.idle();
    const ofKey = offsetsIn(sink, 0).filter((offset) => offset % 5 === 3);
    expect(ofKey).toEqual(ofKey.toSorted((a, b) => a - b));
    expect(offsetsOf(engine)).toEqual({ 0: 50, 1: 50 });
  });

  test('when all fails the lane waits as a whole, and goes on where it was', async () => {
    let down = true;
    const sink = new MemorySink(() => (down ? retryable : 'applied'));
    const engine = engineWith(sink, { ...NARROW, batchChanges: 100 });
    await engine.accept(batch(0, 30));
    await engine.accept(batch(0, 30, { partition: 1 }));
    await until(() => sink.calls > 3);
    down = false;
    await engine.idle();
    expect([offsetsIn(sink, 0), offsetsIn(sink, 1)]).toEqual([upTo(30), upTo(30)]);
    expect(engine.describe()['writer']).toBe('consuming');
  });

  test('is as any other when it stops the writer', async () => {
    const sink = new MemorySink(({ after, version }, call) =>
      after?.['partition'] === 0 ? (call > 3 && version === 0n ? poison : retryable) : 'applied',
    );
    const engine = engineWith(sink, NARROW);
    await engine.accept(batch(0, 4));
    await engine.accept(batch(0, 4, { partition: 1 }));
    await expect(engine.stopped).rejects.toMatchObject({ place: { partition: 0, offset: '0' } });
    await engine.idle();
  });
});

describe('the order by partition', () => {
  test('is one call at a time, with the offsets of each partition in their order, also when some are tried again', async () => {
    let failures = 0;
    const sink = new MemorySink(({ version }) => (version % 7n === 3n && ++failures % 3 !== 0 ? retryable : 'applied'));
    const engine = engineWith(sink, { decode, order: 'partition', batchChanges: 1 });
    await engine.accept(batch(0, 12));
    await engine.accept(batch(0, 12, { partition: 1 }));
    await engine.idle();
    expect(sink.most).toBe(1);
    expect([offsetsIn(sink, 0), offsetsIn(sink, 1)]).toEqual([upTo(12), upTo(12)]);
  });
});

describe('changes that wait for those of other partitions', () => {
  test.each(['key', 'partition'] as const)(
    'let these pass, behind them in the queue as they are (order by %s)',
    async (order) => {
      let first = 0;
      const sink = new MemorySink(({ after, version }) => {
        if (after?.['partition'] !== 0 || version < 3n) return 'applied';
        if (first < 24) first = offsetsIn(sink, 1).length;
        return first < 24 ? 'wait' : 'applied';
      });
      const engine = engineWith(sink, { decode, order, lanes: 1, batchChanges: 4 });
      await engine.accept(batch(0, 12));
      await engine.accept(batch(0, 24, { partition: 1 }));
      await until(() => offsetsIn(sink, 1).length === 24);
      expect(offsetsIn(sink, 0)).toEqual(upTo(3));
      await engine.idle();
      expect([offsetsIn(sink, 0), offsetsIn(sink, 1)]).toEqual([upTo(12), upTo(24)]);
      expect(offsetsOf(engine)).toEqual({ 0: 12, 1: 24 });
    },
  );
});

describe('several changes in one record', () => {
  test('count as one offset, which is committed when all of them are settled', async () => {
    let down = true;
    const sink = new MemorySink(({ key }) => (down && key?.['id'] === 2 ? retryable : 'applied'));
    const engine = engineWith(sink, {
      decode: (_, { offset }) => (offset === 1n ? [] : [1, 2, 3].map((id) => change(offset, { id }, { id }))),
    });
    await engine.accept(batch(0, 3));
    await until(() => sink.applied.length >= 4);
    expect(offsetsOf(engine)).toEqual({});
    down = false;
    await engine.idle();
    expect(sink.applied).toHaveLength(6);
    expect(offsetsOf(engine)).toEqual({ 0: 3 });
  });
});
