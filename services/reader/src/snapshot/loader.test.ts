import { expect, test } from '@jest/globals';
import type { TextRow } from '@tapline/envelope';
import type { SnapshotProgress } from '../progress/record.ts';
import type { Executed } from '../source/executed.ts';
import { type Chunk, SnapshotLoader } from './loader.ts';

const at = (n: number): Executed & { n: number } => ({
  n,
  add() {},
  contains: () => false,
  includes: (other) => (other as Executed & { n: number }).n <= n,
  toString: () => String(n),
});
const row = (key: string): TextRow => [Buffer.from(key)];
const fresh: SnapshotProgress = { state: 'running', finished: [], publishing: false, published: [] };

interface Scene {
  readonly loader: SnapshotLoader;
  readonly log: string[];
  readonly reads: {
    table: string;
    after: readonly string[] | undefined;
    answer(chunk: Chunk): void;
    fail(error: Error): void;
  }[];
}

function scene(
  tables: string[],
  progress: SnapshotProgress = fresh,
  publishedKeys: ReadonlySet<string> = new Set(),
): Scene {
  const log: string[] = [];
  const reads: Scene['reads'] = [];
  const loader = new SnapshotLoader({
    tables,
    progress,
    publishedKeys,
    signal: new AbortController().signal,
    source: {
      read: (table, after) =>
        new Promise((answer, fail) => {
          reads.push({ table, after, answer, fail });
        }),
    },
    target: {
      keyOf: (_, r) => String(r[0]),
      publish(table, r, columns) {
        log.push(`${table} ${String(r[0])}${columns === undefined ? '' : ` only ${columns.join()}`}`);
        return undefined;
      },
      room: () => undefined,
    },
    checkpoint: async (p) => {
      log.push(`progress ${p.publishing ? 'publishing' : p.state} ${p.table ?? '-'} after ${p.after?.join() ?? '-'}`);
    },
  });
  return { loader, log, reads };
}

test('a chunk is published between two progress records, once the stream is past its high watermark', async () => {
  const { loader, log, reads } = scene(['a']);
  await loader.atBoundary(at(1));
  reads[0]?.answer({ rows: [row('1'), row('2')], last: ['2'], finished: false, high: at(5) });
  await loader.wake;
  await loader.atBoundary(at(4));
  expect(log).toEqual([]);
  await loader.atBoundary(at(5));
  expect(log).toEqual(['progress publishing a after -', 'a 1', 'a 2', 'progress running a after 2']);
  expect(reads[1]).toMatchObject({ table: 'a', after: ['2'] });
});

test('a row whose key the stream changed while the chunk was read is not published: it could undo that change', async () => {
  const { loader, log, reads } = scene(['a']);
  await loader.atBoundary(at(1));
  loader.observe('2');
  reads[0]?.answer({ rows: [row('1'), row('2'), row('3')], last: ['3'], finished: true, high: at(1) });
  await loader.wake;
  loader.observe('3');
  await loader.atBoundary(at(1));
  expect(log).toEqual(['progress publishing a after -', 'a 1', 'progress done - after -']);
  expect(loader.done).toBe(true);
});

test('a changed key counts only for the chunk that was being read', async () => {
  const { loader, log, reads } = scene(['a']);
  await loader.atBoundary(at(1));
  loader.observe('9');
  reads[0]?.answer({ rows: [row('1')], last: ['1'], finished: false, high: at(1) });
  await loader.wake;
  await loader.atBoundary(at(1));
  reads[1]?.answer({ rows: [row('9')], last: ['9'], finished: true, high: at(2) });
  await loader.wake;
  await loader.atBoundary(at(2));
  expect(log).toContain('a 9');
});

test('a restart in the middle of publishing leaves out the rows that stand in the topic, of that chunk only', async () => {
  const progress: SnapshotProgress = { ...fresh, table: 'a', after: ['2'], finished: ['z'], publishing: true };
  const { loader, log, reads } = scene(['z', 'a', 'b'], progress, new Set(['3']));
  await loader.atBoundary(at(1));
  expect(reads[0]).toMatchObject({ table: 'a', after: ['2'] });
  reads[0]?.answer({ rows: [row('3'), row('4')], last: ['4'], finished: true, high: at(1) });
  await loader.wake;
  await loader.atBoundary(at(1));
  expect(reads[1]).toMatchObject({ table: 'b', after: undefined });
  reads[1]?.answer({ rows: [row('3')], last: ['3'], finished: true, high: at(1) });
  await loader.wake;
  await loader.atBoundary(at(1));
  expect(log.filter((line) => !line.startsWith('progress'))).toEqual(['a 4', 'b 3']);
  expect(log.at(-1)).toBe('progress done - after -');
});

test('a failed read is thrown at the next boundary', async () => {
  const { loader, reads } = scene(['a']);
  await loader.atBoundary(at(1));
  reads[0]?.fail(new Error('gone'));
  await loader.wake;
  await expect(loader.atBoundary(at(1))).rejects.toThrow('gone');
});

test('no tables: done from the start', () => {
  expect(scene([]).loader.done).toBe(true);
});

test('of a row that the stream has published in parts, the chunk gives what no part had', async () => {
  const { loader, log, reads } = scene(['d.t']);
  await loader.atBoundary(at(1));
  loader.observe('1', ['a', 'b']);
  loader.observe('1', ['b', 'c']);
  loader.observe('2', ['a']);
  loader.observe('2');
  loader.observe('2', ['b']);
  reads[0]?.answer({ rows: [row('1'), row('2'), row('3')], last: undefined, finished: true, high: at(2) });
  await loader.wake;
  await loader.atBoundary(at(2));
  expect(log.filter((line) => line.startsWith('d.t'))).toEqual(['d.t 1 only b', 'd.t 3']);
});
