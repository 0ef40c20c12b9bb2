import { describe, expect, test } from '@jest/globals';
import { encodeClaim, encodeHeaders } from '@tapline/kafka';
import { sleep, TaplineError } from '@tapline/kernel';
import { change } from '../suite/bench.ts';
import type { EngineOptions, Parking } from './engine.ts';
import { batch, engineWith, fatal, MemorySink, offsetsOf, poison, retryable, TOPIC } from './testing/memory-sink.ts';

describe('the engine', () => {
  test('keeps the order of every key and gives the offset after the last record', async () => {
    const sink = new MemorySink();
    const engine = engineWith(sink);
    await engine.accept(batch(100, 50));
    await engine.accept(batch(7, 20, { partition: 1 }));
    await engine.idle();
    expect(offsetsOf(engine)).toEqual({ 0: 150, 1: 27 });
    const perKey = new Map<string, number[]>();
    for (const { key, version } of sink.applied.filter(({ version }) => version >= 100n)) {
      const id = String(key?.['id']);
      perKey.set(id, [...(perKey.get(id) ?? []), Number(version)]);
    }
    expect(perKey.size).toBe(5);
    for (const versions of perKey.values()) expect(versions).toEqual(versions.toSorted((a, b) => a - b));
    engine.committed(engine.uncommitted());
    expect(offsetsOf(engine)).toEqual({});
  });

  test('does not commit past a change that waits, says so, and goes on when the store is back', async () => {
    let down = true;
    const sink = new MemorySink((one) => (down && one.version === 4n ? retryable : 'applied'));
    const engine = engineWith(sink);
    await engine.accept(batch(0, 30));
    while (engine.describe()['writer'] !== 'retrying' || sink.applied.length < 20) await sleep(1);
    expect(offsetsOf(engine)).toEqual({ 0: 4 });
    expect(engine.ready).toBe(false);
    expect(engine.describe()).toMatchObject({ error: { code: 'SINK_REDIS_UNREACHABLE' }, retrying: { changes: 1 } });
    down = false;
    await engine.idle();
    expect(engine.describe()['writer']).toBe('consuming');
    expect(offsetsOf(engine)).toEqual({ 0: 30 });
  });

  test('stops at a change that can never be applied, and commits only what is below it', async () => {
    const engine = engineWith(new MemorySink((one) => (one.version === 12n ? poison : 'applied')));
    await engine.accept(batch(0, 30));
    await expect(engine.stopped).rejects.toMatchObject({
      code: 'SINK_REDIS_WRONG_TYPE',
      place: { topic: TOPIC, partition: 0, offset: '12' },
    });
    await engine.drain();
    expect(offsetsOf(engine)).toEqual({ 0: 12 });
    expect(engine.describe()).toMatchObject({ writer: 'stopped', error: { code: 'SINK_REDIS_WRONG_TYPE' } });
    await engine.accept(batch(30, 30));
    expect(offsetsOf(engine)).toEqual({ 0: 12 });
  });

  test('stops at a record that is no change, after what came before it', async () => {
    const decode: EngineOptions['decode'] = (_, { offset }) => {
      if (offset === 5n) throw new TaplineError('ENVELOPE_UNREADABLE', { message: 'not Avro' });
      return change(offset, { id: 1 }, { id: 1 });
    };
    const sink = new MemorySink();
    const engine = engineWith(sink, { decode });
    await engine.accept(batch(0, 10));
    await expect(engine.stopped).rejects.toMatchObject({ code: 'ENVELOPE_UNREADABLE', place: { offset: '5' } });
    await engine.drain();
    expect(sink.applied).toHaveLength(5);
    expect(offsetsOf(engine)).toEqual({ 0: 5 });
  });

  test('parks what can never be applied, whole, and goes on behind it', async () => {
    const parked: string[] = [];
    const parking: Parking = {
      park({ partition }, record, { error, attempts }) {
        parked.push(
          `${partition}/${record.offset} ${String(record.key)} ${record.value?.length} ${error.code} ${attempts}`,
        );
        return Promise.resolve();
      },
    };
    const decode: EngineOptions['decode'] = (_, { offset, key }) => {
      if (offset === 5n) throw new TaplineError('ENVELOPE_UNREADABLE', { message: 'not Avro' });
      return change(offset, { id: String(key) }, { id: String(key) });
    };
    const sink = new MemorySink((one) => (one.version === 12n ? poison : 'applied'));
    const engine = engineWith(sink, { parking, decode });
    await engine.accept(batch(0, 30));
    await engine.idle();
    expect(parked.toSorted()).toEqual(['0/12 key 2 10 SINK_REDIS_WRONG_TYPE 1', '0/5 key 0 10 ENVELOPE_UNREADABLE 1']);
    expect(offsetsOf(engine)).toEqual({ 0: 30 });
    expect(engine.describe()).toMatchObject({ writer: 'consuming', counts: { applied: 28, deadLetters: 2 } });
  });

  test('stops when the sink fails for good', async () => {
    const sink = new MemorySink();
    sink.apply = () => Promise.reject(fatal);
    const engine = engineWith(sink);
    await engine.accept(batch(0, 10));
    await expect(engine.stopped).rejects.toBe(fatal);
    expect(offsetsOf(engine)).toEqual({});
  });

  test('stops when the sink says nothing of a change, which then does not count', async () => {
    const sink = new MemorySink();
    const apply = sink.apply.bind(sink);
    sink.apply = async (...call) => {
      const { verdicts, errors } = await apply(...call);
      return { verdicts: verdicts.slice(1), errors };
    };
    const engine = engineWith(sink);
    await engine.accept(batch(0, 10));
    await expect(engine.stopped).rejects.toMatchObject({ code: 'INTERNAL' });
    expect(offsetsOf(engine)).toEqual({});
  });

  test('what a filter leaves out is done', async () => {
    const sink = new MemorySink();
    const engine = engineWith(sink, {
      decode: (_, { offset }) => (offset % 2n === 0n ? change(offset, { id: 1 }, { id: 1 }) : undefined),
    });
    await engine.accept(batch(0, 10));
    await engine.idle();
    expect(sink.applied).toHaveLength(5);
    expect(offsetsOf(engine)).toEqual({ 0: 10 });
    expect(engine.describe()).toMatchObject({ counts: { applied: 5, filtered: 5 } });
  });

  test('takes no more than its budget until the sink has settled some', async () => {
    let open = false;
    const sink = new MemorySink(() => (open ? 'applied' : retryable));
    const engine = engineWith(sink, { bufferBytes: 100 });
    await engine.accept(batch(0, 1));
    const full = engine.accept(batch(1, 20));
    const state = await Promise.race([full.then(() => 'accepted'), sleep(100).then(() => 'waits')]);
    expect(state).toBe('waits');
    open = true;
    await full;
    await engine.idle();
    expect(offsetsOf(engine)).toEqual({ 0: 21 });
  });

  test('a value that was put aside is fetched only when there is room for all of it', async () => {
    const claim = { topic: 'suite.claims', partition: 0, first: 0n, pieces: 1, bytes: 1000, crc32c: 0 };
    const headers = encodeHeaders({ v: Buffer.alloc(8), claim: encodeClaim(claim) });
    let inHand = 0;
    let most = 0;
    const decode: EngineOptions['decode'] = async (_, { offset }) => {
      most = Math.max(most, ++inHand);
      return change(offset, { id: offset }, { id: offset });
    };
    const sink = new MemorySink(() => {
      inHand--;
      return 'applied';
    });
    const engine = engineWith(sink, { decode, bufferBytes: 1000 });
    const plain = batch(0, 10);
    await engine.accept({ ...plain, records: plain.records.map((record) => ({ ...record, headers })) });
    await engine.idle();
    expect(most).toBe(1);
    expect(offsetsOf(engine)).toEqual({ 0: 10 });
    expect(engine.describe()).toMatchObject({ counts: { applied: 10, claims: 10 } });
  });

  test('drains what it has, but does not wait for a sink that is away', async () => {
    const engine = engineWith(new MemorySink());
    await engine.accept(batch(0, 30));
    await engine.drain();
    expect(offsetsOf(engine)).toEqual({ 0: 30 });

    const away = engineWith(new MemorySink(() => retryable));
    await away.accept(batch(0, 30));
    while (away.describe()['writer'] !== 'retrying') await sleep(1);
    await away.drain();
    expect(offsetsOf(away)).toEqual({});
  });

  test('a schema registry that is away is waited for', async () => {
    let asked = 0;
    const decode: EngineOptions['decode'] = async (_, { offset }) => {
      if (++asked < 3) throw new TaplineError('SINK_REDIS_UNREACHABLE', { message: 'registry down' });
      return change(offset, { id: 1 }, { id: 1 });
    };
    const engine = engineWith(new MemorySink(), { decode });
    await engine.accept(batch(0, 1));
    await engine.idle();
    expect(offsetsOf(engine)).toEqual({ 0: 1 });
    expect(engine.describe()['writer']).toBe('consuming');
  });

  test('records that come again after a rebalance are taken again, those within a session are not', async () => {
    const sink = new MemorySink();
    const engine = engineWith(sink);
    await engine.accept(batch(0, 10));
    await engine.accept(batch(5, 10));
    await engine.idle();
    expect(sink.applied).toHaveLength(15);
    await engine.assign([{ topic: TOPIC, partition: 0 }]);
    await engine.accept(batch(0, 15));
    await engine.idle();
    expect(sink.applied).toHaveLength(30);
  });
});
