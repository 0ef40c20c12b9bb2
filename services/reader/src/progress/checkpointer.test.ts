import { expect, test } from '@jest/globals';
import { Checkpointer } from './checkpointer.ts';
import type { ProgressRecord } from './record.ts';

const record = (gtidSet: string, writtenMs = 0): ProgressRecord => ({
  by: 'gtid',
  gtidSet,
  file: 'b.1',
  position: 4,
  serverUuid: 'u',
  schemaVersion: 0,
  keyFormat: 'avro',
  version: 0n,
  offsets: new Map(),
  snapshot: { state: 'done', queue: [], publishing: false, published: [] },
  startAfter: '',
  xaFrom: '',
  anchors: [],
  writtenMs,
});

interface Scene {
  readonly checkpointer: Checkpointer;
  readonly saved: string[];
  readonly waiting: { acknowledge(): void; fail(error: Error): void }[];
}

function scene(): Scene {
  const saved: string[] = [];
  const waiting: Scene['waiting'] = [];
  const checkpointer = new Checkpointer({
    acknowledged: () => new Promise<void>((acknowledge, fail) => waiting.push({ acknowledge, fail })),
    save: async ({ gtidSet }) => void saved.push(gtidSet),
    intervalMs: 100,
  });
  return { checkpointer, saved, waiting };
}

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('a record is saved only when everything before it is acknowledged', async () => {
  const { checkpointer, saved, waiting } = scene();
  checkpointer.start(record('1', 100));
  await settle();
  expect(saved).toEqual([]);
  waiting[0]?.acknowledge();
  await settle();
  expect(saved).toEqual(['1']);
  expect(checkpointer.last?.gtidSet).toBe('1');
});

test('one record is under way at a time, and the interval is kept', async () => {
  const { checkpointer, waiting } = scene();
  expect(checkpointer.due(100)).toBe(true);
  checkpointer.start(record('1', 100));
  expect(checkpointer.due(1000)).toBe(false);
  waiting[0]?.acknowledge();
  await settle();
  expect(checkpointer.due(150)).toBe(false);
  expect(checkpointer.due(200)).toBe(true);
});

test('a record that must be durable now waits for the one under way, so that the newest one is the last', async () => {
  const { checkpointer, saved, waiting } = scene();
  checkpointer.start(record('1'));
  const now = checkpointer.now(record('2'));
  waiting[1]?.acknowledge();
  await settle();
  expect(saved).toEqual([]);
  waiting[0]?.acknowledge();
  await now;
  expect(saved).toEqual(['1', '2']);
});

test('a record that must be durable now waits for what is before it, and is the newest from then on', async () => {
  const { checkpointer, saved, waiting } = scene();
  const now = checkpointer.now(record('1', 1000));
  await settle();
  expect(saved).toEqual([]);
  waiting[0]?.acknowledge();
  await now;
  expect(saved).toEqual(['1']);
  expect(checkpointer.last?.gtidSet).toBe('1');
  expect(checkpointer.due(1099)).toBe(false);
  expect(checkpointer.due(1100)).toBe(true);
});

test('a failure is thrown by whoever asks next, and nothing is saved after it', async () => {
  const { checkpointer, saved, waiting } = scene();
  checkpointer.start(record('1'));
  waiting[0]?.fail(new Error('refused'));
  await settle();
  expect(() => checkpointer.due(1000)).toThrow('refused');
  await expect(checkpointer.now(record('2'))).rejects.toThrow('refused');
  await expect(checkpointer.amend((last) => last)).rejects.toThrow('refused');
  expect(saved).toEqual([]);
});

test('amending changes the newest durable record, not the place in the stream', async () => {
  const { checkpointer, saved, waiting } = scene();
  checkpointer.start(record('1'));
  const amended = checkpointer.amend((last) => ({ ...last, offsets: new Map([['t', [5n]]]) }));
  waiting[0]?.acknowledge();
  await amended;
  expect(saved).toEqual(['1', '1']);
  expect(checkpointer.last?.offsets).toEqual(new Map([['t', [5n]]]));
});

test('a record of thousands of topics is made less often, by as much as it is longer', async () => {
  const { checkpointer, waiting } = scene();
  const offsets = new Map(Array.from({ length: 5000 }, (_, i) => [`t${i}`, [0n]]));
  checkpointer.start({ ...record('1', 100), offsets });
  waiting[0]?.acknowledge();
  await settle();
  expect(checkpointer.due(299)).toBe(false);
  expect(checkpointer.due(300)).toBe(true);
});
