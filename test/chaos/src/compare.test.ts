import { expect, test } from '@jest/globals';
import { type CompareOptions, type Comparison, compare } from './compare.ts';
import { imageValues, rowImage, textValue } from './image.ts';
import { OracleBuilder } from './oracle.ts';
import { Random } from './random.ts';
import type { TopicContents, TopicRecord } from './topic.ts';

type Record = { -readonly [K in keyof TopicRecord]: TopicRecord[K] };
type Partitions = Record[][];
const PARTITIONS = 3;
/** Transactions: the stream starts at the first; the load reads from the second on and publishes at the third. */
const [START, READ, LOAD, END] = [40, 55, 60, 120];
const layout = {
  columns: [
    { name: 'id', type: 'INT' },
    { name: 'text', type: 'TEXT' },
  ],
  primaryKey: ['id'],
};
const keyless = { columns: layout.columns, primaryKey: [] };
const COLUMNS = 'id,text';
const partitionOf = (key: string): number => Number(imageValues(key)[0]) % PARTITIONS;

/** A history over a table with a key and one without. */
function history(random: Random): OracleBuilder {
  const oracle = new OracleBuilder((table) => (table === 'd.log' ? 'append' : 'primary'));
  const rows = new Map<number, string>();
  const lines: string[] = [];
  for (let id = 101; id <= 105; id++)
    oracle.add({
      gtid: 'u:0',
      table: 'd.keyed',
      layout,
      op: 'c',
      after: rowImage([String(id), textValue('never changed')]),
    });
  for (let n = 0; n < END; n++) {
    for (let i = random.int(1, 3); i > 0; i--) {
      changeKeyed(oracle, `u:${n}`, rows, random);
      const shared = { gtid: `u:${n}`, table: 'd.log', layout: keyless };
      const before = lines.at(-1);
      if (before !== undefined && random.chance(0.2)) {
        lines.pop();
        oracle.add({ ...shared, op: 'd', before });
      } else {
        lines.push(rowImage(['7', textValue(`line ${random.int(0, 3)}`)]));
        oracle.add({ ...shared, op: 'c', after: lines.at(-1) as string });
      }
    }
  }
  return oracle;
}

function changeKeyed(oracle: OracleBuilder, gtid: string, rows: Map<number, string>, random: Random): void {
  const id = random.int(1, 12);
  const other = random.int(1, 12);
  const before = rows.get(id);
  const to = before === undefined || rows.has(other) ? id : other;
  const after = rowImage([String(to), textValue(`v${random.int(0, 1e9)}`)]);
  const shared = { gtid, table: 'd.keyed', layout };
  rows.delete(id);
  if (before !== undefined && random.chance(0.3)) {
    oracle.add({ ...shared, op: 'd', before });
    return;
  }
  rows.set(to, after);
  oracle.add(before === undefined ? { ...shared, op: 'c', after } : { ...shared, op: 'u', before, after });
}

/** What a faultless reader makes of a table: the stream from START, and at LOAD the rows that nothing changed since READ. */
function publish(oracle: OracleBuilder, name: string): Partitions {
  const partitions: Partitions = Array.from({ length: PARTITIONS }, () => []);
  const put = (key: string | undefined, record: Omit<Record, 'offset' | 'keyPartition' | 'key'>): void => {
    const partition = key === undefined ? 1 : partitionOf(key);
    const list = partitions[partition] as Record[];
    list.push({ ...record, key, keyPartition: key === undefined ? undefined : partition, offset: String(list.length) });
  };
  const rows = new Map<string, { key: string | undefined; after: string }>();
  const changed = new Set<string | undefined>();
  let loaded = false;
  for (const { index, key, ...change } of oracle.tables.get(name)?.records ?? []) {
    const place = oracle.transactions.get(change.gtid) as number;
    if (place >= LOAD && !loaded) {
      loaded = true;
      let version = BigInt(index) * 1000n - 999n;
      for (const row of rows.values())
        if (row.key !== undefined && !changed.has(row.key))
          put(row.key, { op: 'r', columns: COLUMNS, after: row.after, version: version++ });
    }
    if (place >= READ) changed.add(key);
    if (change.op !== 'c')
      rows.delete(key ?? [...rows].findLast(([, { after }]) => after === change.before)?.[0] ?? '');
    if (change.after !== undefined) rows.set(key ?? String(index), { key, after: change.after });
    if (place < START) continue;
    const version = BigInt(index) * 1000n;
    put(key, { ...change, version });
    if (change.op === 'd' && key !== undefined) put(key, { op: 't', columns: undefined, version });
  }
  return partitions;
}

function judge(
  seed: number,
  spoil: (keyed: Partitions, appended: Partitions, random: Random) => void,
  options: CompareOptions = {},
): Comparison {
  const random = new Random(seed);
  const oracle = history(random);
  const keyed = publish(oracle, 'd.keyed');
  const appended = publish(oracle, 'd.log');
  spoil(keyed, appended, random);
  const topic = (name: string, partitions: Partitions): [string, TopicContents] => [
    name,
    { topic: `s.${name}`, partitions },
  ];
  return compare(oracle, new Map([topic('d.keyed', keyed), topic('d.log', appended)]), options);
}

/** A partition and a place in it where `fits` holds. */
function find(
  partitions: Partitions,
  random: Random,
  fits: (record: Record, next: Record | undefined, at: number, list: Record[]) => boolean,
): { list: Record[]; at: number; record: Record } {
  const places = partitions.flatMap((list) =>
    list.flatMap((record, at) => (fits(record, list[at + 1], at, list) ? [{ list, at, record }] : [])),
  );
  return random.pick(places);
}

const isChange = ({ op }: Record): boolean => op === 'c' || op === 'u' || op === 'd';

const SEEDS = Array.from({ length: 25 }, (_, i) => i + 1);

test.each(SEEDS)('what a faultless reader publishes is accepted (seed %i)', (seed) => {
  const result = judge(seed, () => {});
  expect(result.differences).toEqual([]);
  expect(Math.min(result.changes, result.snapshotRows, result.tombstones)).toBeGreaterThan(0);
});

type Spoil = Parameters<typeof judge>[1];
const FAULTS: Readonly<{ [name: string]: readonly [Spoil, RegExp] }> = {
  'a lost change': [
    (keyed, _, random) => {
      const { list, at } = find(keyed, random, (r) => r.op === 'u');
      list.splice(at, 1);
    },
    /lost: u key/,
  ],
  'a doubled change': [
    (keyed, _, random) => {
      const { list, at, record } = find(keyed, random, isChange);
      list.splice(at, 0, { ...record });
    },
    /doubled/,
  ],
  'a change that comes again later': [
    (keyed, _, random) => {
      const { list, record } = find(keyed, random, (r, _next, at, all) => isChange(r) && at < all.length - 3);
      list.push({ ...record, version: (list.at(-1)?.version ?? 0n) + 1n });
    },
    /doubled/,
  ],
  'two changes swapped': [
    (keyed, _, random) => {
      const { list, at } = find(keyed, random, (r, next) => r.op === 'u' && next?.op === 'u');
      const [a, b] = [list[at] as Record, list[at + 1] as Record];
      list.splice(at, 2, { ...b, version: a.version }, { ...a, version: b.version });
    },
    /out of order/,
  ],
  'a wrong value': [
    (keyed, _, random) => {
      const { record } = find(keyed, random, (r) => r.op === 'u');
      record.after = rowImage(['5', textValue('other')]);
    },
    /wrong values/,
  ],
  'a wrong value before': [
    (keyed, _, random) => {
      const { record } = find(keyed, random, (r) => r.op === 'd');
      record.before = rowImage(['5', textValue('other')]);
    },
    /wrong values/,
  ],
  'a change under another GTID': [
    (keyed, _, random) => {
      const { record } = find(keyed, random, (r) => r.op === 'c' && r.gtid !== 'u:119' && r.gtid !== `u:${START}`);
      record.gtid = 'u:119';
    },
    /wrong values|not in the binlog|lost/,
  ],
  'a change that the binlog does not have': [
    (keyed, _, random) => {
      find(keyed, random, isChange).record.gtid = 'u:777';
    },
    /no transaction of the binlog/,
  ],
  'a missing tombstone': [
    (keyed, _, random) => {
      const { list, at } = find(keyed, random, (r) => r.op === 't');
      list.splice(at, 1);
    },
    /lost: tombstone/,
  ],
  'a tombstone out of nothing': [
    (keyed, _, random) => {
      const { list, at, record } = find(keyed, random, (r) => r.op === 'u');
      list.splice(at + 1, 0, {
        offset: 'x',
        op: 't',
        key: record.key,
        columns: undefined,
        keyPartition: record.keyPartition,
        version: record.version,
      });
    },
    /not in the binlog: tombstone|doubled: tombstone/,
  ],
  'a change with the columns of another time': [
    (keyed, _, random) => {
      find(keyed, random, isChange).record.columns = 'id';
    },
    /the columns are id, the table had id,text/,
  ],
  'a key in the wrong partition': [
    (keyed) => {
      const moved = (keyed[0] as Record[]).splice(-1);
      (keyed[1] as Record[]).push(...moved);
    },
    /belongs into partition/,
  ],
  'a version that goes back': [
    (keyed, _, random) => {
      const { record } = find(keyed, random, (r, _next, at) => isChange(r) && at > 2);
      record.version = 1n;
    },
    /version 1 after/,
  ],
  'no version': [
    (keyed, _, random) => {
      find(keyed, random, isChange).record.version = undefined;
    },
    /no version header/,
  ],
  'versions of two topics against the binlog': [
    (keyed) => {
      for (const record of keyed.flat()) record.version = (record.version ?? 0n) + 2500n;
    },
    /is not above/,
  ],
  'a row of the first load published twice': [
    (keyed, _, random) => {
      const { list, at, record } = find(keyed, random, (r) => r.op === 'r');
      list.splice(at + 1, 0, { ...record, version: (record.version ?? 0n) + 1n });
    },
    /published twice|version/,
  ],
  'a row of the first load that undoes a change': [
    (keyed, _, random) => {
      const { list, record } = find(keyed, random, (r) => r.op === 'u' && r.before !== undefined);
      list.push({ ...record, op: 'r', after: record.before as string, version: (list.at(-1)?.version ?? 0n) + 1n });
    },
    /row of the first load.*(shows|published twice)/,
  ],
  'a row of the first load that brings a deleted row back': [
    (keyed, _, random) => {
      const { list, at, record } = find(
        keyed,
        random,
        (r, next, _at, all) => r.op === 'd' && next?.op === 't' && all.length > 3,
      );
      list.splice(at + 2, 0, {
        ...record,
        op: 'r',
        after: record.before as string,
        version: (record.version ?? 0n) + 1n,
      });
    },
    /but at this place the row is not there/,
  ],
  'a row that the first load leaves out': [
    (keyed, _, random) => {
      const { list, at } = find(keyed, random, (r) => r.after?.includes('never changed') === true);
      list.splice(at, 1);
    },
    /never published/,
  ],
  'a lost change without a key': [
    (_, appended, random) => {
      const { list, at } = find(appended, random, (r) => r.op === 'c' && r.gtid !== `u:${START}`);
      list.splice(at, 1);
    },
    /lost c/,
  ],
  'a doubled change without a key': [
    (_, appended, random) => {
      const { list, at, record } = find(appended, random, isChange);
      list.splice(at, 0, { ...record });
    },
    /doubled, or not in the binlog|version/,
  ],
  'changes without a key swapped': [
    (_, appended) => {
      appended[1]?.push(...(appended[1] ?? []).splice(-8, 1));
    },
    /out of binlog order/,
  ],
  'a row of a first load without a key': [
    (_, appended, random) => {
      const { list, at, record } = find(appended, random, isChange);
      list.splice(at, 0, { ...record, op: 'r', version: (record.version ?? 0n) - 1n });
    },
    /the table has no key/,
  ],
};

test.each(Object.entries(FAULTS))('%s is found', (_, [spoil, words]) => {
  for (const seed of SEEDS) expect(judge(seed, spoil).differences.join('\n')).toMatch(words);
});

test('beside a replica, which finds rows without a key by a scan, only whole transactions have an order', () => {
  const swap =
    (sameTransaction: boolean) =>
    (_: Partitions, appended: Partitions, random: Random): void => {
      const { list, at, record } = find(appended, random, (r, next) => {
        if (next === undefined || !isChange(r) || !isChange(next)) return false;
        return (r.gtid === next.gtid) === sameTransaction && textOf(r) !== textOf(next);
      });
      const next = list[at + 1] as Record;
      list.splice(at, 2, { ...next, version: record.version }, { ...record, version: next.version });
    };
  for (const seed of SEEDS) {
    expect(judge(seed, swap(true)).differences).not.toEqual([]);
    expect(judge(seed, swap(true), { appliedByReplica: true }).differences).toEqual([]);
    expect(judge(seed, swap(false), { appliedByReplica: true }).differences.join('\n')).toMatch(/out of binlog order/);
  }
});

const textOf = ({ op, before, after }: Record): string => `${op} ${before} ${after}`;

test('a table whose topic is missing is reported', () => {
  const oracle = history(new Random(1));
  expect(compare(oracle, new Map()).differences).toEqual([
    'd.keyed: there is no topic for it',
    'd.log: there is no topic for it',
  ]);
});
