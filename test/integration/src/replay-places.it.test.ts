import { describe, expect, test } from '@jest/globals';
import { openKafka } from '@tapline/kafka';
import { silentLogger, sleep } from '@tapline/kernel';
import { testServers } from '@tapline/test-stack';
import { Replay, type ReplayOptions, type ReplayPlan, command as writer } from '@tapline/writer';
import { Scene } from './scene.ts';

type WriterConfig = Parameters<typeof Replay.open>[0];

/** What a replay of these topics would do. Its sink is not opened for that. */
async function planned(
  brokers: readonly string[],
  topics: readonly string[],
  options: Partial<ReplayOptions>,
): Promise<ReplayPlan> {
  const flags = new Map([
    ['name', `plan-${topics[0]?.slice(0, 60)}`],
    ['source.brokers', brokers.join(',')],
    ['source.topics', topics.join(',')],
    ['sink.type', 'redis'],
  ]);
  await using replay = await Replay.open(writer.load({ env: {}, flags }).value as WriterConfig, undefined, {
    log: silentLogger,
    signal: new AbortController().signal,
    ...options,
  });
  return replay.plan;
}

/** Of the transaction that inserted this row. */
async function gtidOf(scene: Scene, topic: string, id: number): Promise<string> {
  interface Change {
    readonly after: { readonly id: number };
    readonly source: { readonly gtid: string };
  }
  const changes = (await scene.topics.avro(topic)).map(({ value }) => value as Change);
  return changes.find(({ after }) => after.id === id)?.source.gtid ?? '';
}

describe.each([
  ['mysql', 'SELECT @@GLOBAL.gtid_executed'],
  ['mariadb', 'SELECT @@GLOBAL.gtid_binlog_pos'],
] as const)('places in the topics of %s', (server, gtidSql) => {
  test('a replay begins at a time, in front of a transaction, at offsets, or says why it cannot', async () => {
    const servers = await testServers(server, 'kafka');
    const { brokers } = servers.kafka;
    await using scene = await Scene.open({ mysql: servers[server], brokers });
    await using kafka = openKafka({ brokers });
    await scene.sql.run('CREATE TABLE t (id INT PRIMARY KEY, name VARCHAR(20))', "INSERT INTO t VALUES (0, 'loaded')");
    const reader = await scene.reader();
    const topic = scene.topic('t');
    const published = async (records: number): Promise<readonly bigint[]> => {
      await scene.records(reader, 't', records);
      return kafka.reader.endOffsets(topic);
    };
    const noted = async (): Promise<void> => {
      const end = async (): Promise<bigint> => (await kafka.reader.endOffsets(`${scene.source}.progress`))[0] ?? 0n;
      const before = await end();
      await reader.until('progress is noted', async () => (await end()) > before + 1n);
    };
    const insert = async (from: number, to: number): Promise<void> => {
      for (let id = from; id <= to; id++) await scene.sql.run(`INSERT INTO t VALUES (${id}, 'n')`);
    };
    await published(1);
    await insert(1, 10);
    const early = await published(11);
    await noted();
    const state = await scene.sql.value(gtidSql);
    await insert(11, 11);
    await published(12);
    // Not what the server has executed by now: others commit in it meanwhile.
    const own = await gtidOf(scene, topic, 11);
    const gtid = server === 'mysql' ? `${state},${own}` : own;
    await insert(12, 20);
    const middle = await published(21);
    await sleep(20);
    const ms = Date.now();
    await insert(21, 30);
    const end = await published(31);
    await noted();

    const starts = (plan: ReplayPlan): bigint[] => plan.ranges.map(({ from }) => from);
    const all = await planned(brokers, [topic], {});
    expect([starts(all), all.ranges.map(({ to }) => to), all.recordsAtMost]).toEqual([[0n, 0n], end, 31]);
    expect(starts(await planned(brokers, [topic], { from: new Date(ms).toISOString() }))).toEqual(middle);
    expect(starts(await planned(brokers, [topic], { from: '1ms' }))).toEqual(end);
    expect(starts(await planned(brokers, [topic], { from: '9h' }))).toEqual([0n, 0n]);
    const behind = starts(await planned(brokers, [topic], { from: gtid }));
    for (const [partition, from] of behind.entries()) expect(from).toBeLessThanOrEqual(middle[partition] as bigint);
    const sum = (offsets: readonly bigint[]): number => offsets.reduce((total, offset) => total + Number(offset), 0);
    // In front of record 12, the one of the transaction; not at the very start, as progress was noted on the way.
    expect(sum(behind)).toBeLessThanOrEqual(sum(early));
    expect(sum(behind)).toBeGreaterThan(0);
    const named = await planned(brokers, [topic], { from: `${topic}:1:3`, tables: ['t'] });
    expect(named.ranges).toMatchObject([{ partition: 1, from: 3n, to: end[1] }]);

    const refused = async (options: Partial<ReplayOptions>, topics: readonly string[] = [topic]): Promise<unknown> =>
      planned(brokers, topics, options).then(
        () => undefined,
        (error: { code: string }) => error.code,
      );
    expect(await refused({ from: `${topic}:0:99999` })).toBe('REPLAY_PLACE');
    expect(await refused({ from: `${topic}:9:0` })).toBe('REPLAY_PLACE');
    expect(await refused({ from: 'other:0:0' })).toBe('REPLAY_PLACE');
    expect(await refused({ from: server === 'mysql' ? `${gtid.slice(0, 36)}:999999999` : '0-1-999999999' })).toBe(
      'REPLAY_PLACE',
    );
    expect(await refused({ tables: ['orders'] })).toBe('REPLAY_TABLE');
    expect(await refused({}, [`${topic}.none`])).toBe('TOPIC_MISSING');
    expect(await refused({ into: '1', from: '1h' })).toBe('CONFIG_INVALID');
    expect(await refused({ swap: true })).toBe('CONFIG_INVALID');
    await reader.stop();
    await scene.topics.drop(`${scene.source}.progress`);
    expect(await refused({ from: gtid })).toBe('REPLAY_PLACE');
    await expect(planned(['127.0.0.1:1'], [topic], {})).rejects.toMatchObject({ code: 'KAFKA_UNREACHABLE' });
  });
});
