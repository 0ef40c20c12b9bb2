import { expect, jest, test } from '@jest/globals';
import type { TopicSpec } from '@tapline/kafka';
import { type Logger, silentLogger, sleep } from '@tapline/kernel';
import { Shape } from '../shape/rules.ts';
import { TopicMaker } from './topic-maker.ts';
import { ensureTopics } from './topic-opener.ts';

const signal = new AbortController().signal;
const log: Logger = silentLogger;

const specs = (count: number): TopicSpec[] =>
  Array.from({ length: count }, (_, i) => ({ topic: `s.shop.t${i}`, partitions: 1, replicationFactor: 1 }));

/** What was made, a list a call. */
function topics(existing: readonly string[] = []): {
  made: string[][];
  ensure(specs: readonly TopicSpec[]): Promise<void>;
  existing(names: readonly string[]): Promise<string[]>;
} {
  const made: string[][] = [];
  return {
    made,
    ensure: async (wanted) => void made.push(wanted.map(({ topic }) => topic)),
    existing: async (names) => names.filter((name) => existing.includes(name)),
  };
}

type Ensured = Parameters<typeof ensureTopics>;

async function ensure(tables: number, existing: readonly string[]): Promise<{ later: number; made: string[][] }> {
  const kafka = { topics: topics(existing) };
  const config = {
    name: 's',
    topics: { partitions: 1, replicationFactor: 1, config: {} },
    source: { rowImage: 'full' },
  };
  const source = {
    tables: Array.from({ length: tables }, (_, i) => ({
      database: 'shop',
      name: `t${i}`,
      columns: [],
      uniqueKeys: [],
    })),
    keys: { columnsOf: () => ['id'], unmatched: () => [] },
    shape: Shape.compile({ rules: [] }, 0),
  };
  const later = await ensureTopics(config as unknown as Ensured[0], source, kafka, signal);
  return { later: later.length, made: kafka.topics.made };
}

test('a few missing topics are waited for', async () => {
  const { later, made } = await ensure(500, []);
  expect([later, made.flat().length]).toEqual([0, 500]);
});

test('many missing topics are not waited for; those that are there are checked', async () => {
  expect(await ensure(502, ['s.shop.t7'])).toEqual({ later: 501, made: [['s.shop.t7']] });
  const restart = await ensure(
    502,
    specs(502).map(({ topic }) => topic),
  );
  expect([restart.later, restart.made.flat().length]).toEqual([0, 502]);
});

test('topics are made little by little, each once', async () => {
  const kafka = topics();
  await using maker = new TopicMaker(specs(250), { topics: kafka, log, signal });
  for (let turns = 0; kafka.made.length < 3 && turns < 1000; turns++) await new Promise(setImmediate);
  expect(kafka.made.map(({ length }) => length)).toEqual([100, 100, 50]);
  expect(new Set(kafka.made.flat()).size).toBe(250);
  expect(maker).toBeDefined();
});

test('a topic that cannot be made is told; one that is left at the end of the session is not', async () => {
  const failing = { ensure: () => Promise.reject(new Error('refused')) };
  await using maker = new TopicMaker(specs(1), { topics: failing, log, signal });
  await expect(maker.failed).rejects.toThrow('refused');
  const kafka = topics();
  let underWay = true;
  const slow = {
    ensure: async (wanted: readonly TopicSpec[], until: AbortSignal = signal): Promise<void> => {
      await kafka.ensure(wanted);
      try {
        await sleep(60_000, until);
      } finally {
        await new Promise(setImmediate);
        underWay = false;
      }
    },
  };
  const left = new TopicMaker(specs(300), { topics: slow, log, signal });
  const told = jest.fn();
  left.failed.catch(told);
  await left[Symbol.asyncDispose]();
  expect(underWay).toBe(false);
  await new Promise(setImmediate);
  expect(kafka.made.length).toBe(1);
  expect(told).not.toHaveBeenCalled();
});
