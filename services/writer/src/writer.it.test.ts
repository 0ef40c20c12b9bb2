import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { consuming, seen, until, WriterFixture } from './testing/fixture.ts';
import { Load, Watcher } from './testing/load.ts';
import { WriterProcess } from './testing/writer-process.ts';

let fixture: WriterFixture;
/** Whose member is killed waits so long for the next one. */
const QUICK = { 'source.sessionTimeoutMs': '6000' };

beforeAll(async () => {
  fixture = await WriterFixture.open();
});

afterAll(async () => {
  await fixture?.[Symbol.asyncDispose]();
});

describe('the writer, as a process', () => {
  test('brings inserts, updates, deletes and NULLs to Redis, commits, and stops within a second when idle', async () => {
    await using topic = await fixture.topic();
    const flags = fixture.flags(topic);
    await using writer = new WriterProcess(flags);
    topic.put({ id: 1, name: 'first', price: '1.50' });
    topic.put({ id: 2, name: 'zażółć 🐧', price: '-2.00' });
    topic.put({ id: 3, name: 'gone soon', price: '0.00' });
    topic.put({ id: 1, name: null, price: '99999999.99' });
    topic.remove(3);
    await topic.sent();
    await until('all is committed', () => fixture.caughtUp(topic), writer);
    expect(await fixture.rows(topic)).toEqual(
      new Map([
        [1, { id: '1', price: '99999999.99' }],
        [2, { id: '2', name: 'zażółć 🐧', price: '-2.00' }],
      ]),
    );
    const state = await consuming(writer);
    expect(state).toMatchObject({ counts: { applied: 5, stale: 0 } });
    const lines = [
      /^tapline_writer_applied_total\{.*\} 5$/m,
      /^tapline_writer_lag_seconds\{.*\} 0$/m,
      /^tapline_writer_lag_records\{.*\} 0$/m,
    ];
    await seen(
      'metrics',
      () => writer.metrics(),
      (text = '') => lines.every((line) => line.test(text)),
      writer,
    );
    const asked = performance.now();
    expect(await writer.stop()).toBe(0);
    // The promise is one second; the test machine may be busy with everything else.
    expect(performance.now() - asked).toBeLessThan(25_000);
  });

  test('kill -9 of the writer and of Redis under load: the end is right, and no row is ever seen to go back', async () => {
    await using topic = await fixture.topic();
    const flags = fixture.flags(topic, QUICK);
    const load = new Load(topic, 200);
    await using watcher = new Watcher(fixture.redis, topic, 200);
    for (const redisDies of [false, true, false]) {
      await using writer = new WriterProcess(flags);
      load.run(3000);
      await topic.sent();
      await until('the writer applies', async () => (await writer.applied()) > 0, writer);
      if (redisDies) await fixture.server.kill();
      load.run(3000);
      await topic.sent();
      if (redisDies) {
        await until('the writer retries', async () => (await writer.state())?.['writer'] === 'retrying', writer);
        await fixture.server.start();
        await until('the writer goes on', async () => (await writer.state())?.['writer'] === 'consuming', writer);
      }
      await writer.kill();
    }
    await using last = new WriterProcess(flags);
    await until('all is committed', () => fixture.caughtUp(topic), last);
    await load.assertIn(fixture);
    expect(watcher.wentBack).toEqual([]);
    expect(watcher.polls).toBeGreaterThan(10);
  });

  test('writers of one name share the partitions, and the last one left takes all over', async () => {
    await using topic = await fixture.topic();
    const flags = fixture.flags(topic, QUICK);
    const load = new Load(topic, 200);
    await using watcher = new Watcher(fixture.redis, topic, 200);
    await using first = new WriterProcess(flags);
    load.run(2000);
    await topic.sent();
    await until('the first applies', async () => (await first.applied()) > 0, first);
    await using second = new WriterProcess(flags);
    await until('the second has partitions', async () => Number((await second.state())?.['assigned'] ?? 0) > 0, second);
    load.run(4000);
    await topic.sent();
    await until('the second applies', async () => (await second.applied()) > 0, second);
    load.run(2000);
    expect(await first.stop()).toBe(0);
    await topic.sent();
    await until('all is committed', () => fixture.caughtUp(topic), second);
    await load.assertIn(fixture);
    expect(watcher.wentBack).toEqual([]);
  });
});
