import { compareSnapshot } from './compare-snapshot.ts';
import { explainSequences, type Step } from './explain.ts';
import { imageValues } from './image.ts';
import type { ExpectedRecord, ExpectedTable, Oracle } from './oracle.ts';
import type { TopicContents, TopicRecord } from './topic.ts';

/** What one comparison looked at, so that a test can be sure that there was something. */
export interface Comparison {
  /** Readable, the first of each kind; empty when all is as it must be. */
  readonly differences: readonly string[];
  readonly changes: number;
  readonly snapshotRows: number;
  readonly tombstones: number;
}

/** A table's topic, with what the oracle expects of it from the stream's first transaction on. */
export interface TableScope {
  readonly expected: ExpectedTable;
  readonly contents: TopicContents;
  /** Index of the first expected record that the stream had to publish: the load holds what was before. */
  readonly firstIndex: number;
}

export interface CompareOptions {
  /**
   * The oracle is the binlog of a server that has applied the changes as a replica. Rows of a table without a key are found there by a scan (HASH_SCAN), and logged
   * in the order in which they are found, so that only whole transactions have an order.
   */
  readonly appliedByReplica?: boolean;
}

const MAX_DIFFERENCES = 20;

/**
 * Compares whole topics with the oracle: every topic-partition holds each change exactly once and in binlog order, each key is in the
 * partition that murmur2 gives it, deletes are followed by their tombstone, versions grow, and the rows of the first load fit in.
 *
 * The stream starts at some transaction, the same for all tables: the first that any topic holds a change of. Everything from there
 * on must be there; everything before must be in the first load.
 */
export function compare(
  oracle: Oracle,
  topics: ReadonlyMap<string, TopicContents>,
  { appliedByReplica = false }: CompareOptions = {},
): Comparison {
  const differences: string[] = [];
  const report = (difference: string): void => {
    if (differences.length < MAX_DIFFERENCES) differences.push(difference);
  };
  const first = firstTransaction(oracle, topics, report);
  const counts = { changes: 0, snapshotRows: 0, tombstones: 0 };
  const versions: { index: number; version: bigint; at: string }[] = [];
  for (const [name, expected] of oracle.tables) {
    const contents = topics.get(name);
    if (contents === undefined) {
      report(`${name}: there is no topic for it`);
      continue;
    }
    count(counts, contents);
    const firstIndex = firstExpected(oracle, expected, first);
    const scope = { expected, contents, firstIndex };
    checkRecords(scope, report);
    const isKeyed = expected.keyColumns.length > 0;
    const matched = isKeyed ? checkKeyed(scope, report) : checkAppended(scope, appliedByReplica, report);
    if (matched === undefined) continue;
    for (const { record, expected: wanted, partition } of matched) {
      const at = `${contents.topic}[${partition}]@${record.offset}`;
      if (record.version !== undefined && (isKeyed || !appliedByReplica))
        versions.push({ index: wanted.index, version: record.version, at });
      if (record.columns !== wanted.columns)
        report(`${at}: the columns are ${record.columns}, the table had ${wanted.columns}`);
    }
    compareSnapshot(scope, matched, report);
  }
  checkVersionOrder(versions, report);
  return { differences, ...counts };
}

/** A published change beside the expected one that it was found to be. */
export interface Match {
  readonly partition: number;
  /** Place of the record in its partition's list. */
  readonly place: number;
  readonly record: TopicRecord;
  readonly expected: ExpectedRecord;
}

type Report = (difference: string) => void;

function firstTransaction(oracle: Oracle, topics: ReadonlyMap<string, TopicContents>, report: Report): number {
  let first = Number.POSITIVE_INFINITY;
  for (const [name, contents] of topics) {
    if (!oracle.tables.has(name)) {
      if (contents.partitions.flat().length > 0) report(`${contents.topic}: no change of the binlog belongs there`);
      continue;
    }
    for (const [partition, records] of contents.partitions.entries()) {
      for (const record of records) {
        if (record.op === 't' || record.op === 'r') continue;
        const place = oracle.transactions.get(record.gtid ?? '');
        if (place === undefined)
          report(
            `${contents.topic}[${partition}]@${record.offset}: no transaction of the binlog has its GTID ${record.gtid ?? '(none)'}`,
          );
        else first = Math.min(first, place);
      }
    }
  }
  return first;
}

function firstExpected(oracle: Oracle, table: ExpectedTable, firstTransactionPlace: number): number {
  const record = table.records.find(({ gtid }) => (oracle.transactions.get(gtid) as number) >= firstTransactionPlace);
  return record?.index ?? Number.POSITIVE_INFINITY;
}

function count(counts: { changes: number; snapshotRows: number; tombstones: number }, contents: TopicContents): void {
  for (const { op } of contents.partitions.flat()) {
    if (op === 't') counts.tombstones++;
    else if (op === 'r') counts.snapshotRows++;
    else counts.changes++;
  }
}

/** What can be said of each record by itself and of its neighbours: partition, version. */
function checkRecords({ expected, contents }: TableScope, report: Report): void {
  const { topic } = contents;
  for (const [partition, records] of contents.partitions.entries()) {
    let last = -1n;
    for (const record of records) {
      const at = `${topic}[${partition}]@${record.offset}`;
      if ((record.key === undefined) !== (expected.keyColumns.length === 0))
        report(`${at}: ${record.key === undefined ? 'has no key' : 'has a key, the table has none'}`);
      if (record.keyPartition !== undefined && record.keyPartition !== partition)
        report(`${at}: key ${record.key} belongs into partition ${record.keyPartition}`);
      if (record.version === undefined) report(`${at}: no version header`);
      // A tombstone is part of its delete and may have its version.
      else if (record.version < last || (record.version === last && record.op !== 't'))
        report(`${at}: version ${record.version} after ${last}`);
      last = record.version ?? last;
    }
  }
}

/** Versions have the order of the binlog over all topics, not only within a partition. */
function checkVersionOrder(versions: { index: number; version: bigint; at: string }[], report: Report): void {
  versions.sort((a, b) => a.index - b.index);
  for (const [i, { version, at }] of versions.entries()) {
    const before = versions[i - 1];
    if (before !== undefined && before.version >= version)
      report(
        `${at}: version ${version} is not above ${before.version} of ${before.at}, the change before it in the binlog`,
      );
  }
}

/** Each partition is one sequence, given by its keys. @returns the matches, or undefined when something differs. */
function checkKeyed({ expected, contents, firstIndex }: TableScope, report: Report): Match[] | undefined {
  const partitionOf = new Map<string, number>();
  for (const [partition, records] of contents.partitions.entries())
    for (const { key } of records) if (key !== undefined) partitionOf.set(key, partition);
  const wanted: Step<ExpectedRecord>[][] = contents.partitions.map(() => []);
  const matches: Match[] = [];
  let equal = true;
  for (const record of expected.records) {
    if (record.index < firstIndex) continue;
    const partition = partitionOf.get(record.key as string);
    if (partition === undefined) {
      report(`${contents.topic}: nothing of key ${record.key}; lost ${describe(record)}`);
      equal = false;
      continue;
    }
    wanted[partition]?.push({ text: changeText(record), describe: () => describe(record), expected: record });
    if (record.op === 'd')
      wanted[partition]?.push({ text: `t ${record.key}`, describe: () => `tombstone of ${record.key}` });
  }
  for (const [partition, records] of contents.partitions.entries()) {
    const found = streamSteps(records);
    const steps = wanted[partition] ?? [];
    if (!sameSteps(steps, found)) {
      equal = false;
      for (const line of explainSequences(steps, found)) report(`${contents.topic}[${partition}] ${line}`);
    } else
      for (const [i, step] of found.entries()) {
        const match = steps[i]?.expected;
        if (match !== undefined) matches.push({ partition, place: step.place, record: step.record, expected: match });
      }
  }
  return equal ? matches : undefined;
}

/**
 * Without keys the oracle cannot know the partition: all partitions together hold each change once, and each partition holds its
 * share in binlog order, or in that of whole transactions.
 */
function checkAppended(
  { expected, contents, firstIndex }: TableScope,
  transactionsOnly: boolean,
  report: Report,
): Match[] | undefined {
  const waiting = new Map<string, ExpectedRecord[]>();
  const wanted = expected.records.filter(({ index }) => index >= firstIndex);
  for (const record of wanted.toReversed()) {
    const text = changeText(record);
    const queue = waiting.get(text);
    if (queue === undefined) waiting.set(text, [record]);
    else queue.push(record);
  }
  const matches: Match[] = [];
  let equal = true;
  for (const [partition, records] of contents.partitions.entries()) {
    let last = -1;
    let lastGtid = '';
    for (const step of streamSteps(records)) {
      const match = waiting.get(step.text)?.pop();
      const at = `${contents.topic}[${partition}]@${step.record.offset}`;
      if (match === undefined) report(`${at}: doubled, or not in the binlog: ${step.describe()}`);
      else if (match.index < last && !(transactionsOnly && match.gtid === lastGtid))
        report(`${at}: out of binlog order: ${step.describe()}`);
      else {
        last = Math.max(last, match.index);
        lastGtid = match.gtid;
        matches.push({ partition, place: step.place, record: step.record, expected: match });
        continue;
      }
      equal = false;
    }
  }
  for (const record of [...waiting.values()].flat()) {
    report(`${contents.topic}: lost ${describe(record)}`);
    equal = false;
  }
  return equal ? matches : undefined;
}

interface FoundStep extends Step {
  readonly record: TopicRecord;
  readonly place: number;
}

/** The records of a partition that come from the stream, rows of the first load left out. */
function streamSteps(records: readonly TopicRecord[]): FoundStep[] {
  const steps: FoundStep[] = [];
  for (const [place, record] of records.entries()) {
    if (record.op === 'r') continue;
    const text = record.op === 't' ? `t ${record.key}` : changeText(record);
    steps.push({ text, record, place, offset: record.offset, describe: () => describe(record) });
  }
  return steps;
}

function sameSteps(wanted: readonly Step[], found: readonly Step[]): boolean {
  return wanted.length === found.length && wanted.every(({ text }, i) => text === found[i]?.text);
}

type Change = Pick<TopicRecord, 'op' | 'key' | 'before' | 'after' | 'gtid'>;

/** Two changes are the same when this is. The GTID comes first, then the key: what explainSequences parts changes by. */
function changeText(change: Change): string {
  return `${change.gtid} ${change.op} ${change.key}\u0000${change.before}\u0000${change.after}`;
}

function describe(change: Change): string {
  if (change.op === 't') return `tombstone of ${change.key}`;
  const image = (name: string, text: string | undefined): string =>
    text === undefined ? '' : ` ${name} (${imageValues(text).join(', ')})`;
  const key = change.key === undefined ? '' : ` key (${imageValues(change.key).join(', ')})`;
  return `${change.op}${key}${image('before', change.before)}${image('after', change.after)} of ${change.gtid}`;
}
