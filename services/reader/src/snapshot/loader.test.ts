import { describe, expect, test } from '@jest/globals';
import type { TextRow } from '@tapline/envelope';
import { loadOf, type SnapshotProgress, type TableLoad } from '../progress/snapshot-progress.ts';
import type { Executed } from '../source/executed.ts';
import type { StandingKey } from './deletes.ts';
import { type Chunk, type Leftovers, SnapshotLoader, type TableKind } from './loader.ts';

const at = (n: number): Executed & { n: number } => ({
  n,
  add() {},
  contains: () => false,
  includes: (other) => (other as Executed & { n: number }).n <= n,
  toString: () => String(n),
});
const rows = (...keys: string[]): TextRow[] => keys.map((key) => [Buffer.from(key)]);
const whole = (...keys: string[]): Partial<Chunk> => ({ rows: rows(...keys), finished: true });

/** A record of a topic: its key, and whether it is a tombstone. */
type Standing = string | { readonly gone: string };

interface Scene {
  readonly loader: SnapshotLoader;
  readonly log: string[];
  readonly reads: {
    table: string;
    after: readonly string[] | undefined;
    answer(chunk: Partial<Chunk>): void;
    fail(error: Error): void;
  }[];
  /** What is executed at the source. */
  now: number;
  readonly topics: Map<string, Standing[]>;
  readonly progress: () => SnapshotProgress;
  /** Lets everything under way come to its end, and gives the place of the stream. */
  pass(n: number): Promise<void>;
}

function scene(
  progress: SnapshotProgress,
  options: {
    readonly topics?: Readonly<Record<string, readonly Standing[]>>;
    readonly leftovers?: Leftovers;
    readonly kinds?: Readonly<Record<string, TableKind>>;
    readonly keysAtMost?: number;
  } = {},
): Scene {
  const log: string[] = [];
  const reads: Scene['reads'] = [];
  const topics = new Map(Object.entries(options.topics ?? {}).map(([name, records]) => [name, [...records]]));
  const topicOf = (table: string): Standing[] => {
    const topic = topics.get(table) ?? [];
    topics.set(table, topic);
    return topic;
  };
  let durable = progress;
  const scene = { now: 1, log, reads, topics, progress: () => durable };
  const loader: SnapshotLoader = new SnapshotLoader({
    progress,
    leftovers: options.leftovers ?? { keys: new Map(), deletes: new Map() },
    limits: { rows: 4, bytes: 1000 },
    ...(options.keysAtMost === undefined ? {} : { keysAtMost: options.keysAtMost }),
    signal: new AbortController().signal,
    source: {
      open: async (tables) => new Map(tables.map((table) => [table, options.kinds?.[table] ?? 'ready'])),
      close: () => {},
      visible: async (passed) => {
        if (passed !== '1') log.push(`sees ${passed}`);
      },
      executed: async () => at(scene.now),
      read: (table, after) =>
        new Promise((resolve, fail) => {
          const answer = (chunk: Partial<Chunk>): void =>
            resolve({ rows: [], bytes: 0, last: undefined, finished: false, ...chunk });
          reads.push({ table, after, answer, fail });
        }),
    },
    target: {
      topicOf: (table) => table,
      ends: (table) => [BigInt(topicOf(table).length)],
      keyOf: (_, row) => String(row[0]),
      publish(table, row, columns) {
        topicOf(table).push(String(row[0]));
        log.push(`${table} ${String(row[0])}${columns === undefined ? '' : ` only ${columns.join()}`}`);
        return undefined;
      },
      delete(table, key, what) {
        topicOf(table).push({ gone: String(key) });
        log.push(`${table} ${what ?? 'delete'} ${String(key)}`);
      },
      async *records(table, [to = 0n]) {
        const standing = topicOf(table).slice(0, Number(to));
        yield standing.map((record, offset): StandingKey => {
          const text = typeof record === 'string' ? record : record.gone;
          const isRow = typeof record === 'string';
          return { partition: 0, offset: BigInt(offset), key: Buffer.from(text), text, isRow };
        });
      },
      room: () => undefined,
      acknowledged: async () => undefined,
    },
    checkpoint: async (next) => {
      durable = next;
      const [first] = next.queue;
      const state = next.publishing ? 'publishing' : next.state;
      log.push(`progress ${state} ${first?.table ?? '-'} after ${first?.after?.join() ?? '-'}`);
    },
    on: { keyless: (table) => log.push(`keyless ${table}`) },
  });
  const pass = async (n: number): Promise<void> => {
    for (let i = 0; i < 5; i++) await new Promise(setImmediate);
    await loader.atBoundary(at(n));
    for (let i = 0; i < 5; i++) await new Promise(setImmediate);
  };
  return Object.assign(scene, { loader, pass });
}

const published = ({ log }: Scene): string[] => log.filter((line) => !line.startsWith('progress'));

describe('rows', () => {
  test('a chunk is published between two progress records, once the stream is past its high watermark', async () => {
    const s = scene(loadOf(['a']));
    await s.pass(1);
    s.now = 5;
    s.reads[0]?.answer({ rows: rows('1', '2'), last: ['2'] });
    await s.pass(4);
    expect(s.log).toEqual([]);
    await s.pass(5);
    expect(s.log).toEqual(['progress publishing a after -', 'a 1', 'a 2', 'progress running a after 2', 'sees 5']);
    expect(s.reads[1]).toMatchObject({ table: 'a', after: ['2'] });
  });

  test('a row whose key the stream changed while the chunk was read is not published: it could undo that change', async () => {
    const s = scene(loadOf(['a']));
    await s.pass(1);
    s.loader.observe('a', '2');
    s.reads[0]?.answer(whole('1', '2', '3'));
    s.loader.observe('a', '3');
    await s.pass(1);
    expect(s.log).toEqual(['progress publishing a after -', 'a 1', 'progress done - after -']);
    expect(s.loader.done).toBe(true);
  });

  test('a changed key counts only for the chunk that was being read', async () => {
    const s = scene(loadOf(['a']));
    await s.pass(1);
    s.loader.observe('a', '9');
    s.reads[0]?.answer({ rows: rows('1'), last: ['1'] });
    await s.pass(1);
    s.reads[1]?.answer(whole('9'));
    await s.pass(1);
    expect(s.log).toContain('a 9');
  });

  test('small tables are read one after the other and published together; one that is large ends the group', async () => {
    const s = scene(loadOf(['a', 'b', 'c', 'd']));
    await s.pass(1);
    expect(['a', 'b', 'c', 'd', 'e'].map((table) => s.loader.watches(table))).toEqual([true, true, true, true, false]);
    s.reads[0]?.answer(whole('1'));
    await s.pass(1);
    s.loader.observe('b', '1');
    s.reads[1]?.answer(whole('1', '2', '3'));
    await s.pass(1);
    expect(s.log).toEqual(['progress publishing a after -', 'a 1', 'b 2', 'b 3', 'progress running c after -']);
    expect(s.reads.map(({ table }) => table)).toEqual(['a', 'b', 'c']);
  });

  test('empty tables cost no progress record', async () => {
    const s = scene(loadOf(['a', 'b']));
    await s.pass(1);
    s.reads[0]?.answer(whole());
    await s.pass(1);
    s.reads[1]?.answer(whole());
    await s.pass(1);
    expect(s.log).toEqual([]);
    expect(s.loader.done).toBe(true);
  });

  test('of a row that the stream has published in parts, the chunk gives what no part had', async () => {
    const s = scene(loadOf(['d.t']));
    await s.pass(1);
    s.loader.observe('d.t', '1', ['a', 'b']);
    s.loader.observe('d.t', '1', ['b', 'c']);
    s.loader.observe('d.t', '2', ['a']);
    s.loader.observe('d.t', '2');
    s.loader.observe('d.t', '2', ['b']);
    s.reads[0]?.answer(whole('1', '2', '3'));
    await s.pass(2);
    expect(published(s)).toEqual(['d.t 1 only b', 'd.t 3']);
  });

  test('a failed read is thrown at the next boundary', async () => {
    const s = scene(loadOf(['a']));
    await s.pass(1);
    s.reads[0]?.fail(new Error('gone'));
    await expect(s.pass(1)).rejects.toThrow('gone');
  });

  test('a table without a key is told of and left out', async () => {
    const s = scene(loadOf(['a', 'b']), { kinds: { a: 'keyless' } });
    await s.pass(1);
    s.reads[0]?.answer(whole('1'));
    await s.pass(1);
    expect(s.log.filter((line) => /keyless|b/.test(line))).toEqual([
      'keyless a',
      'progress publishing b after -',
      'b 1',
    ]);
    expect(s.loader.done).toBe(true);
  });

  test('no tables: done from the start', () => {
    expect(scene(loadOf([])).loader.done).toBe(true);
  });
});

describe('after a restart', () => {
  test('in the middle of publishing, the rows that stand in a topic are left out, those of that table only', async () => {
    const queue: TableLoad[] = [{ table: 'a', after: ['2'], from: [0n] }, { table: 'b', from: [0n] }, { table: 'c' }];
    const progress: SnapshotProgress = { state: 'running', queue, publishing: false, published: [] };
    const keys = new Map([['a', new Set(['3'])]]);
    const s = scene(progress, { leftovers: { keys, deletes: new Map() } });
    await s.pass(1);
    expect(s.reads[0]).toMatchObject({ table: 'a', after: ['2'] });
    s.reads[0]?.answer(whole('3', '4'));
    await s.pass(1);
    s.reads[1]?.answer(whole('3'));
    await s.pass(1);
    expect(published(s)).toEqual(['a 4', 'b 3']);
  });

  test('of a record that does not say where the load began, it begins anew: nobody could tell what stands in the topic since', async () => {
    const queue = [{ table: 'a', after: ['2'] }];
    const progress: SnapshotProgress = { state: 'running', queue, publishing: false, published: [] };
    const keys = new Map([['a', new Set(['1'])]]);
    const s = scene(progress, { topics: { a: ['1', '2'] }, leftovers: { keys, deletes: new Map() } });
    await s.pass(1);
    expect(s.reads[0]).toMatchObject({ table: 'a', after: undefined });
    s.reads[0]?.answer(whole('1'));
    await s.pass(1);
    await s.pass(1);
    expect(published(s)).toEqual(['a 1', 'a delete 2']);
  });

  test('a delete that stands in the topic without its tombstone gets it first', async () => {
    const queue: TableLoad[] = [{ table: 'a', from: [3n], deletes: { done: 0, passes: 1 } }];
    const progress: SnapshotProgress = { state: 'running', queue, publishing: false, published: [] };
    const deletes = new Map([['a', [Buffer.from('1')]]]);
    const topics = { a: ['1', '2', '3', '3', '1'] };
    const s = scene(progress, { topics, leftovers: { keys: new Map([['a', new Set(['1'])]]), deletes } });
    await s.pass(1);
    await s.pass(1);
    await s.pass(1);
    expect(s.log).toEqual([
      'progress publishing a after -',
      'a tombstone 1',
      'a delete 2',
      'progress running a after -',
    ]);
    expect(s.loader.done).toBe(true);
  });
});

describe('deletes', () => {
  test('what stands in the topic and is met neither in the table nor in the stream is deleted', async () => {
    const s = scene(loadOf(['a']), { topics: { a: ['1', '2', '3', '4', { gone: '4' }, '5'] } });
    await s.pass(1);
    s.loader.observe('a', '3');
    s.topics.get('a')?.push('3');
    s.reads[0]?.answer(whole('1', '3'));
    await s.pass(1);
    await s.pass(1);
    await s.pass(1);
    expect(published(s)).toEqual(['a 1', 'a delete 2', 'a delete 5']);
    expect(s.loader.done).toBe(true);
  });

  test('a key that the stream brings back while the topic is searched is not deleted', async () => {
    const s = scene(loadOf(['a']), { topics: { a: ['1', '2'] } });
    await s.pass(1);
    s.reads[0]?.answer(whole());
    await s.pass(1);
    expect(s.loader.watches('a')).toBe(true);
    s.loader.observe('a', '2');
    await s.pass(1);
    await s.pass(1);
    expect(published(s)).toEqual(['a delete 1']);
  });

  test('of a table that is gone, every key is deleted', async () => {
    const s = scene(loadOf(['a']), { topics: { a: ['1', '2'] }, kinds: { a: 'gone' } });
    await s.pass(1);
    s.reads[0]?.answer(whole());
    for (let i = 0; i < 3; i++) await s.pass(1);
    expect(published(s)).toEqual(['a delete 1', 'a delete 2']);
  });

  test('more keys than memory is meant for are looked at in several passes', async () => {
    const all = Array.from({ length: 50 }, (_, i) => `key ${i}`);
    const s = scene(loadOf(['a']), { topics: { a: all }, keysAtMost: 20 });
    await s.pass(1);
    s.reads[0]?.answer(whole('key 7'));
    for (let i = 0; i < 60 && !s.loader.done; i++) await s.pass(1);
    const deleted = published(s).filter((line) => line.startsWith('a delete'));
    expect(deleted.toSorted()).toEqual(
      all
        .filter((key) => key !== 'key 7')
        .map((key) => `a delete ${key}`)
        .toSorted(),
    );
    expect(s.loader.done).toBe(true);
  });
});

describe('tables that are added', () => {
  test('are loaded after those that wait, and again from the start when they were loaded before', async () => {
    const s = scene(loadOf(['a']));
    await s.pass(1);
    s.reads[0]?.answer(whole('1'));
    await s.pass(1);
    expect(s.loader.done).toBe(true);
    s.loader.add(['b', 'a']);
    expect(s.loader.progress.queue.map(({ table }) => table)).toEqual(['b', 'a']);
    await s.pass(1);
    s.reads[1]?.answer(whole('2'));
    await s.pass(1);
    s.reads[2]?.answer(whole());
    await s.pass(1);
    await s.pass(1);
    await s.pass(1);
    expect(published(s)).toEqual(['a 1', 'b 2', 'a delete 1']);
  });

  test('while they are loaded, begin again when the chunk at hand is done; every progress record says so', async () => {
    const s = scene(loadOf(['a']));
    await s.pass(1);
    s.loader.add(['a']);
    expect(s.loader.progress.queue).toEqual([{ table: 'a' }]);
    s.reads[0]?.answer(whole('1'));
    await s.pass(1);
    expect(s.progress()).toMatchObject({ state: 'running', queue: [{ table: 'a' }] });
    expect(s.reads[1]).toMatchObject({ table: 'a', after: undefined });
    s.reads[1]?.answer(whole());
    await s.pass(1);
    await s.pass(1);
    await s.pass(1);
    expect(published(s)).toEqual(['a 1', 'a delete 1']);
    expect(s.loader.done).toBe(true);
  });
});
