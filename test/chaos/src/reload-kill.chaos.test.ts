import { expect, test } from '@jest/globals';
import { openStack, type SqlServer } from '@tapline/test-stack';
import { imageValues } from './image.ts';
import { KeptLogs } from './keep.ts';
import { chaosSeed, Random } from './random.ts';
import { Repeated, type SqlConnection } from './repeated.ts';
import {
  killedAt,
  launchUntil,
  lifeUntilKilled,
  liveUntil,
  STREAMING,
  stopCleanly,
  taplineService,
} from './services.ts';
import { TopicReader, type TopicRecord } from './topic.ts';

const LONG = process.env.TAPLINE_CHAOS === 'long';
const ROWS = LONG ? 20_000 : 3000;
const KILLS = LONG ? 40 : 6;
const TOPIC = 'reload.shop.t';
const LOADED = '"load done"';
/** However slow the machine is: what a life is to die in is the load. */
const LIFE = { working: STREAMING, onWorking: () => undefined, over: LOADED, longestMs: 60_000 };

test(`a reload killed ${KILLS} times while rows change: the topic ends as the table, no record twice`, async () => {
  const seed = chaosSeed();
  console.log(`seed ${seed}: play again with TAPLINE_CHAOS_SEED=${seed}`);
  const random = new Random(seed);
  await using stack = await openStack({ mysql: true, kafka: 1 });
  const { mysql, kafka } = stack;
  await mysql.execute(
    `CREATE DATABASE shop;
     CREATE TABLE shop.t (id INT PRIMARY KEY, v INT NOT NULL)
       PARTITION BY RANGE (id) (PARTITION p0 VALUES LESS THAN (${Math.floor(ROWS / 3)}), PARTITION p1 VALUES LESS THAN (${ROWS}), PARTITION p2 VALUES LESS THAN MAXVALUE);
     SET SESSION cte_max_recursion_depth = 1000000;
     INSERT INTO shop.t WITH RECURSIVE r (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < ${ROWS}) SELECT n, n FROM r`,
  );
  const { brokers } = kafka.address;
  const reader = await taplineService(stack, 'reader', {
    name: 'reload',
    source: { ...mysql.readerAddress, include: ['shop.*'] },
    kafka: { brokers: [...brokers], batchBytes: 16_384 },
    topics: { partitions: 3, replicationFactor: 1, config: { 'min.compaction.lag.ms': '86400000' } },
    snapshot: { chunkRows: 200 },
    progress: { intervalMs: 100 },
  });
  await using logs = new KeptLogs(reader);
  const topics = new TopicReader({ brokers });
  const held = async (): Promise<ReadonlyMap<string, string>> =>
    imageOf((await topics.readAll([TOPIC])).get(TOPIC)?.partitions ?? []);
  await launchUntil(reader, LOADED);
  await mysql.execute('ALTER TABLE shop.t DROP PARTITION p0');
  await using changes = new Repeated(mysql, [random.fork()], changeRow);
  let midChunk = 0;
  await reader.kill();
  // More where too few have died in a load: which life meets one depends on the machine.
  const isEnough = (kills: number): boolean => kills >= KILLS && (midChunk > KILLS / 3 || kills >= 4 * KILLS);
  for (let kill = 0, isLoading = true; !isEnough(kill); kill++) {
    // Rows go without an event, so that there is always something to load, and to delete.
    if (kill % 3 === 2 || !isLoading) await mysql.execute('ALTER TABLE shop.t TRUNCATE PARTITION p2');
    const life = killedAt(stack, reader, 'mid-chunk', random.int(1, ROWS / 2));
    isLoading = (await lifeUntilKilled(life, LIFE)) === 'mid-chunk';
    if (isLoading) midChunk++;
  }
  await changes.stop();
  await launchUntil(reader, STREAMING);
  const table = await rowsOf(mysql);
  await liveUntil(reader, async () => same(await held(), table), 'the topic as the table');
  await stopCleanly(reader);

  const records = (await topics.readAll([TOPIC])).get(TOPIC)?.partitions ?? [];
  expect(same(imageOf(records), table)).toBe(true);
  expect(midChunk).toBeGreaterThan(KILLS / 3);
  for (const partition of records) {
    const versions = partition.map(({ version }) => version ?? 0n);
    expect(versions.every((version, i) => i === 0 || version > (versions[i - 1] as bigint))).toBe(true);
    const lone = partition.filter(
      ({ op, key }, i) => op === 'd' && !(partition[i + 1]?.op === 't' && partition[i + 1]?.key === key),
    );
    expect(lone).toEqual([]);
  }
  logs.passed();
});

/** The newest image of every key that is not deleted. */
function imageOf(partitions: readonly (readonly TopicRecord[])[]): ReadonlyMap<string, string> {
  const held = new Map<string, string>();
  for (const { op, key = '', after = '' } of partitions.flat()) {
    if (op === 'd' || op === 't') held.delete(key);
    else held.set(key, after);
  }
  return held;
}

async function rowsOf(mysql: SqlServer): Promise<ReadonlyMap<string, string>> {
  const connection = await mysql.connect();
  try {
    const [rows] = await connection.query({ sql: 'SELECT id, v FROM shop.t', rowsAsArray: true });
    return new Map((rows as number[][]).map(([id, v]) => [String(id), String(v)]));
  } finally {
    await connection.end();
  }
}

function same(held: ReadonlyMap<string, string>, table: ReadonlyMap<string, string>): boolean {
  if (held.size !== table.size) return false;
  return [...held].every(([key, image]) => {
    const [id = ''] = /\d+/.exec(key) ?? [];
    return imageValues(image)[1] === table.get(id);
  });
}

/** A row inserted, updated or deleted. */
async function changeRow(connection: SqlConnection, random: Random): Promise<void> {
  const id = random.int(1, ROWS * 1.2);
  const v = random.int(0, 1e9);
  const statement = random.pick([
    `INSERT IGNORE INTO shop.t VALUES (${id}, ${v})`,
    `UPDATE shop.t SET v = ${v} WHERE id = ${id}`,
    `UPDATE shop.t SET v = ${v} WHERE id = ${id}`,
    `DELETE FROM shop.t WHERE id = ${id}`,
  ]);
  await connection.query(statement);
}
