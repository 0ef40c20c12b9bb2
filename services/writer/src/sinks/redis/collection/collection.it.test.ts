import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { silentLogger } from '@tapline/kernel';
import { type Change, change, NO_TABLES, neverAborted, type Row, type Sink } from '@tapline/sink';
import { seededNumbers, testServers } from '@tapline/test-stack';
import { Redis } from 'ioredis';
import { redisSink } from '../index.ts';
import { redisConfig } from '../testing/bench.ts';

const signal = neverAborted();
let redis: Redis;
let address: string;
let places = 0;

beforeAll(async () => {
  const servers = await testServers('redis');
  ({ address } = servers.redis);
  redis = new Redis({ port: servers.redis.port });
});

afterAll(() => redis?.disconnect());

/** A sink whose keys all begin with a place of their own, which is written `@` in the configuration. */
async function open(given: Readonly<Record<string, string>>): Promise<{ place: string; sink: Sink }> {
  const place = `part${process.pid}n${++places}`;
  const own = Object.entries({ key: '@:${key}', ...given }).map(([key, text]) => [key, text.replaceAll('@', place)]);
  const config = redisConfig({ address, versionPrefix: `${place}.v:`, ...Object.fromEntries(own) });
  redisSink.check?.(config);
  const context = { name: 'collections', log: silentLogger, signal, tables: NO_TABLES };
  return { place, sink: await redisSink.open(config, context) };
}

const apply = async (sink: Sink, ...changes: readonly Change[]): Promise<readonly string[]> =>
  (await sink.apply(changes, signal)).verdicts;

/** The same numbers each time. */
function randoms(seed: number): (below: number) => number {
  const next = seededNumbers(seed);
  return (below) => next() % below;
}

const CHANNELS = ['web', 'app', 'store'];
const AMOUNTS = ['1', '0', '-7', '9007199254740991', null];

/** Rows that come, move from channel to channel with other amounts, go and come again. */
function history(random: (below: number) => number, steps: number): readonly Change[] {
  return Array.from({ length: steps }, (_, step) => {
    const id = random(12);
    if (random(4) === 0) return change(step + 1, { id });
    const row = { id, channel: CHANNELS[random(3)] ?? '', amount: AMOUNTS[random(5)] ?? null };
    return change(step + 1, { id }, row);
  });
}

/** What the channels come to, counted from the rows as they are after these changes. */
function counted(changes: readonly Change[]): Readonly<Record<string, string>> {
  const rows = new Map(changes.map(({ key, after }) => [key?.['id'], after]));
  const sums = new Map<string, bigint>();
  for (const row of rows.values()) {
    if (row === null || row['amount'] === null) continue;
    const channel = String(row['channel']);
    sums.set(channel, (sums.get(channel) ?? 0n) + BigInt(String(row['amount'])));
  }
  return Object.fromEntries([...sums].flatMap(([channel, sum]) => (sum === 0n ? [] : [[channel, String(sum)]])));
}

describe('counters', () => {
  test('are exact after every change, and after replays from anywhere', async () => {
    const { place, sink } = await open({
      as: 'counter',
      collection: '@',
      member: '${row.channel}',
      amount: '${row.amount}',
    });
    await using _ = sink;
    const random = randoms(7);
    const changes = history(random, 400);
    for (let done = 0; done < changes.length; ) {
      const next = Math.min(changes.length, done + 1 + random(25));
      // Some of what was applied before comes again in front of what is new, as after a restart, or a replay beside the stream.
      await apply(sink, ...changes.slice(random(done + 1), next));
      done = next;
      expect({ ...(await redis.hgetall(place)) }).toEqual(counted(changes.slice(0, done)));
    }
    const again = await apply(sink, ...changes);
    expect(new Set(again)).toEqual(new Set(['stale']));
    expect({ ...(await redis.hgetall(place)) }).toEqual(counted(changes));
  });

  test('a counter a channel goes when it comes to nothing', async () => {
    const { place, sink } = await open({ as: 'counter', collection: '@:${row.channel}' });
    await using _ = sink;
    const row = (id: number, channel: string): Row => ({ id, channel });
    await apply(sink, change(1, { id: 1 }, row(1, 'web')), change(2, { id: 2 }, row(2, 'web')));
    await apply(sink, change(3, { id: 1 }, row(1, 'app')), change(4, { id: 2 }, row(2, 'web')));
    expect(await redis.mget(`${place}:web`, `${place}:app`)).toEqual(['1', '1']);
    await apply(sink, change(5, { id: 2 }));
    expect(await redis.mget(`${place}:web`, `${place}:app`)).toEqual([null, '1']);
  });

  test('what is no whole number is poison, and the rows beside it count', async () => {
    const { place, sink } = await open({ as: 'counter', collection: '@', amount: '${row.amount}' });
    await using _ = sink;
    const amounts = ['5', '1.5', '9007199254740993', 'many', '-2'];
    const changes = amounts.map((amount, id) => change(id + 1, { id }, { id, amount }));
    const { verdicts, errors } = await sink.apply(changes, signal);
    expect(verdicts).toEqual(['applied', 'poison', 'poison', 'poison', 'applied']);
    expect([...errors.values()].map(({ code }) => code)).toEqual(Array(3).fill('SINK_REDIS_NUMBER'));
    expect(await redis.get(place)).toBe('3');
  });

  test('a row whose version was remembered for a while and came back is remembered for good', async () => {
    const { place, sink } = await open({ as: 'counter', collection: '@' });
    await using _ = sink;
    await apply(sink, change(1, { id: 1 }, { id: 1 }), change(2, { id: 1 }));
    expect(await redis.ttl(`${place}.v:${place}:1`)).toBeGreaterThan(0);
    await apply(sink, change(3, { id: 1 }, { id: 1 }));
    expect(await redis.ttl(`${place}.v:${place}:1`)).toBe(-1);
    expect(await redis.get(place)).toBe('1');
  });
});

describe('sets', () => {
  test('a row moves from set to set, and goes', async () => {
    const { place, sink } = await open({ as: 'set', collection: '@:${row.channel}', member: 'n${key}' });
    await using _ = sink;
    const rows = [1, 2].map((id) => change(id, { id }, { id, channel: 'web' }));
    await apply(sink, ...rows, change(3, { id: 1 }, { id: 1, channel: 'app' }), change(4, { id: 2 }));
    expect(await apply(sink, ...rows)).toEqual(['stale', 'stale']);
    expect(await redis.smembers(`${place}:web`)).toEqual([]);
    expect(await redis.smembers(`${place}:app`)).toEqual(['n1']);
  });

  test('a sorted set has the newest score; a row without one is not in it', async () => {
    const { place, sink } = await open({ as: 'sortedSet', collection: '@', score: '${row.points}' });
    await using _ = sink;
    const score = (version: number, id: number, points: string | null): Change =>
      change(version, { id }, { id, points });
    await apply(sink, score(1, 1, '10'), score(2, 2, '-2.5'), score(3, 3, '7'), score(4, 1, '12'), score(5, 3, null));
    expect(await redis.zrange(place, 0, -1, 'WITHSCORES')).toEqual(['2', '-2.5', '1', '12']);
    expect(await apply(sink, score(3, 3, '7'), score(6, 3, '1e3'))).toEqual(['stale', 'applied']);
    expect(await redis.zscore(place, '3')).toBe('1000');
  });
});

describe('invalidation', () => {
  test('every change deletes what an application cached, once', async () => {
    const { place, sink } = await open({ as: 'invalidate' });
    await using _ = sink;
    const row = { id: 1, name: 'a' };
    const fill = (): Promise<unknown> => redis.hset(`${place}:1`, 'anything', 'cached');
    const cached = async (): Promise<boolean> => (await redis.exists(`${place}:1`)) === 1;
    const steps = [change(1, { id: 1 }, row), change(2, { id: 1 }, { ...row, name: 'b' }), change(3, { id: 1 })];
    for (const step of steps) {
      await fill();
      expect(await apply(sink, step)).toEqual(['applied']);
      expect(await cached()).toBe(false);
    }
    await fill();
    expect(await apply(sink, ...steps)).toEqual(['stale', 'stale', 'stale']);
    expect(await cached()).toBe(true);
  });
});

test.each([
  [{ as: 'counter' }, 'sink.collection'],
  [{ as: 'sortedSet', collection: 'x' }, 'sink.score'],
  [{ as: 'set', collection: 'x', score: '1' }, 'sink.score'],
  [{ as: 'hash', member: 'x' }, 'sink.member'],
  [{ as: 'set', collection: 'x', mode: 'cluster' }, 'sink.mode'],
  [{ as: 'counter', collection: '${row.x' }, 'sink.collection'],
  [{ as: 'invalidate', onDelete: 'expire' }, 'sink.onDelete'],
])('%j is refused', (given, path) => {
  expect(() => redisSink.check?.(redisConfig(given))).toThrow(
    expect.objectContaining({ code: 'CONFIG_INVALID', message: expect.stringContaining(path) }),
  );
});
