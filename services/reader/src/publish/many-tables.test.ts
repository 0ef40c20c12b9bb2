import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from '@jest/globals';
import { type TableMap, WIRE_TYPE } from '@tapline/binlog';
import { compileEnvelope } from '@tapline/envelope';
import { openKafka } from '@tapline/kafka';
import { Shape } from '../shape/rules.ts';
import { type LayoutSource, tableOfLayout } from '../source/layout-table.ts';
import { Routes, type RouteTopics } from './routes.ts';
import { TopicLanes } from './topic-lanes.ts';

/** What an open table may keep; when this was written it kept 2,350. With columns or writers of its own it would keep more. */
const MOST_BYTES = 3_500;
const COLUMNS = 20;

// What tables share, as the binlog's decoder gives it.
const wire: TableMap['columns'] = Array.from({ length: COLUMNS }, (_, i) => ({
  name: `c${i}`,
  type: WIRE_TYPE.LONG,
  meta: 0,
  nullable: i > 0,
}));
const source: LayoutSource = {
  flavor: 'mysql',
  collations: new Map([[63, { name: 'binary', charset: 'binary' }]]),
  tables: [],
};

function usedBytes(): number {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  collect();
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

test('an open table keeps little: what tables have in common is there once', async () => {
  // It connects to nobody before something is sent.
  await using kafka = openKafka({ brokers: ['127.0.0.1:1'] });
  await using producer = kafka.producer();
  producer.failed.catch(() => undefined);
  const lanesOf = (topic: string): TopicLanes =>
    new TopicLanes({ topic, lanes: [producer.lane(topic, 0, { nextOffset: 0n })], next: [0n], ends: [0n] });
  const topics: RouteTopics = { open: async ({ topic }) => lanesOf(topic), openAll: async () => undefined };
  const routes = new Routes({
    source: 's',
    flavor: 'mysql',
    describe: async (layout) => tableOfLayout(layout, source),
    completed: (table) => table,
    topicNumber: () => 1,
    keys: { columnsOf: () => ['c0'], unmatched: () => [] },
    shape: Shape.compile({ rules: [] }, 0),
    rowImage: 'full',
    format: {
      originOf: async () => undefined,
      transactions: () => Promise.reject(new Error('not asked for here')),
      compile: (options) => {
        const envelope = compileEnvelope(options);
        const schemas = (): { key: string | undefined; value: string } => ({
          key: envelope.keySchema,
          value: envelope.valueSchema,
        });
        return { envelope, headers: undefined, schemas, register: async () => envelope.bind({ key: 1, value: 2 }) };
      },
    },
    topics,
  });
  const open = async (from: number, to: number): Promise<void> => {
    for (let id = from; id < to; id++) await routes.open({ id, database: 'shop', table: `t${id}`, columns: wire });
  };
  // Code and what is shared is there then.
  await open(0, 200);
  let each = 0;
  // What an earlier test of the process has left may be let go of in between, or made in the background: then once more.
  for (let from = 200; from < 10_000 && (each < 500 || each >= MOST_BYTES); from += 2000) {
    const before = usedBytes();
    await open(from, from + 2000);
    each = (usedBytes() - before) / 2000;
  }
  expect(each).toBeGreaterThan(500);
  expect(each).toBeLessThan(MOST_BYTES);
});
