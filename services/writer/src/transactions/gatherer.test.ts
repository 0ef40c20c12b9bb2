import { describe, expect, test } from '@jest/globals';
import { partitionName, type TopicPartition } from '@tapline/kafka';
import { type Change, change } from '@tapline/sink';
import { Gatherer, type PlacedNote, type Step, type StepLimits, type Watermark } from './gatherer.ts';
import type { PartitionQueue } from './queue.ts';

const NOTES = { topic: 's.transactions', partition: 0, position: 0 };
const LIMITS: StepLimits = {
  changes: 100,
  bytes: 1_000_000,
  transactions: Number.POSITIVE_INFINITY,
  partitionBytes: 1_000_000,
  isHeld: () => false,
};

interface Sent {
  readonly version: number;
  readonly transaction: string | undefined;
  readonly table: string;
  readonly key: number;
  readonly offset: number;
}

/** What a source publishes: the records of each partition, its notes, and what its progress records say. */
class Source {
  readonly partitions = new Map<string, Sent[]>();
  readonly notes: PlacedNote[] = [];
  readonly watermarks: Watermark[] = [];
  readonly transactions: string[] = [];
  #version = 0;

  constructor(partitions: readonly string[]) {
    for (const name of partitions) this.partitions.set(name, []);
  }

  commit(changes: readonly (readonly [partition: string, key: number])[]): void {
    const id = `u:${this.transactions.length + 1}`;
    this.transactions.push(id);
    this.#note({ status: 'BEGIN', id, commitMs: 0 });
    const counts = new Map<string, number>();
    for (const [partition, key] of changes) {
      const { table } = this.#send(partition, key, id);
      counts.set(table, (counts.get(table) ?? 0) + 1);
    }
    this.#note({ status: 'END', id, commitMs: 0, tables: [...counts] });
  }

  load(partition: string, key: number): void {
    this.#send(partition, key, undefined);
  }

  /** A change of a transaction that has no notes. */
  unnoted(partition: string, key: number): void {
    this.#send(partition, key, 'unnoted');
  }

  skip(): void {
    this.#note({ status: 'SKIPPED', id: 'left out', commitMs: 0 });
  }

  progress(): void {
    const offsets = new Map([...this.partitions].map(([name, sent]) => [name, sent.length]));
    offsets.set(partitionName(NOTES), this.notes.length);
    const offset = (place: TopicPartition): number => offsets.get(partitionName(place)) ?? 0;
    this.watermarks.push({ version: BigInt(this.#version), offset });
  }

  #send(partition: string, key: number, transaction: string | undefined): Sent {
    const log = this.partitions.get(partition) as Sent[];
    const table = (partition.split('/')[0] as string).slice('s.'.length);
    const sent = { version: ++this.#version, transaction, table, key, offset: log.length };
    log.push(sent);
    return sent;
  }

  #note(note: Omit<PlacedNote, 'version' | 'offset'>): void {
    this.notes.push({ ...note, version: BigInt(this.#version), offset: this.notes.length });
  }
}

/** A reader of all partitions, and what it was given to apply. */
class Reading {
  readonly gatherer: Gatherer;
  readonly #queues = new Map<string, PartitionQueue>();

  constructor(source: Source, elsewhere: readonly string[] = []) {
    this.gatherer = new Gatherer({ notes: NOTES, applied: 0n, isElsewhere: (table) => elsewhere.includes(table) });
    for (const name of source.partitions.keys()) {
      const [topic, partition] = name.split('/') as [string, string];
      this.#queues.set(name, this.gatherer.open({ topic, partition: Number(partition) }, 0));
    }
  }

  read(name: string, sent: Sent): void {
    const queue = this.#queues.get(name) as PartitionQueue;
    const { transaction, offset } = sent;
    const waiting = { change: changeOf(queue.topic, sent), queue, offset, bytes: 10, record: undefined };
    this.gatherer.read(queue, { ...waiting, transaction });
    queue.add({ ...waiting, transaction, isLoaded: transaction === undefined });
  }

  take(limits: Partial<StepLimits> = {}): Step | undefined {
    return this.gatherer.take({ ...LIMITS, ...limits });
  }

  versions(limits: Partial<StepLimits> = {}): string | undefined {
    const step = this.take(limits);
    return step && `${step.kind} ${step.changes.map((waiting) => waiting.change.version).join(' ')}`;
  }
}

function changeOf(topic: string, { version, transaction, table, key }: Sent): Change {
  const [db, name] = table.split('.') as [string, string];
  const made = change(version, { id: key }, { id: key }, transaction === undefined ? 'r' : 'u');
  return { ...made, topic, source: { ...(made.source as NonNullable<Change['source']>), db, table: name } };
}

const A = 's.d.a/0';
const B = 's.d.b/0';

function two(): { source: Source; reading: Reading } {
  const source = new Source([A, B]);
  return { source, reading: new Reading(source) };
}

const sent = (source: Source, partition: string, at: number): Sent => source.partitions.get(partition)?.[at] as Sent;

describe('a transaction', () => {
  test('is taken when all of its changes have come, in the order of the source, whatever comes first', () => {
    const { source, reading } = two();
    source.commit([
      [A, 1],
      [B, 1],
      [A, 2],
    ]);
    for (const note of source.notes) reading.gatherer.note(note);
    reading.read(A, sent(source, A, 0));
    reading.read(A, sent(source, A, 1));
    expect(reading.versions()).toBeUndefined();
    expect(reading.gatherer.places()).toEqual(
      new Map([
        [A, 0],
        [B, 0],
        [partitionName(NOTES), 0],
      ]),
    );
    reading.read(B, sent(source, B, 0));
    expect(reading.versions()).toBe('whole 1 2 3');
    expect(reading.gatherer.applied).toBe(3n);
    expect(reading.gatherer.places()).toEqual(
      new Map([
        [A, 2],
        [B, 1],
        [partitionName(NOTES), 2],
      ]),
    );
  });

  test('waits for its END, and for those before it', () => {
    const { source, reading } = two();
    source.commit([[A, 1]]);
    source.commit([[B, 1]]);
    reading.gatherer.note(source.notes[0] as PlacedNote);
    reading.read(B, sent(source, B, 0));
    reading.read(A, sent(source, A, 0));
    expect(reading.versions()).toBeUndefined();
    for (const note of source.notes.slice(1)) reading.gatherer.note(note);
    expect(reading.versions({ transactions: 1 })).toBe('whole 1');
    expect(reading.versions()).toBe('whole 2');
  });

  test('does not wait for tables that are not read', () => {
    const source = new Source([A, B]);
    const reading = new Reading(source, ['d.b']);
    source.commit([
      [A, 1],
      [B, 1],
    ]);
    for (const note of source.notes) reading.gatherer.note(note);
    reading.read(A, sent(source, A, 0));
    expect(reading.versions()).toBe('whole 1');
  });

  test('of which compaction has left a part is whole when a newer change, or the progress of the reader, says that nothing more comes', () => {
    for (const told of ['newer', 'progress'] as const) {
      const { source, reading } = two();
      source.commit([
        [A, 1],
        [B, 1],
      ]);
      source.commit([[A, 1]]);
      source.progress();
      for (const note of source.notes) reading.gatherer.note(note);
      reading.read(B, sent(source, B, 0));
      expect(reading.versions()).toBeUndefined();
      // Compaction took the first change of A away.
      reading.read(A, sent(source, A, 1));
      // B may have more of the first transaction, as far as anybody knows.
      expect(reading.versions()).toBeUndefined();
      if (told === 'progress') reading.gatherer.passed(source.watermarks[0] as Watermark);
      else {
        source.commit([[B, 2]]);
        reading.read(B, sent(source, B, 1));
      }
      expect(reading.versions()).toBe('whole 2 3');
    }
  });

  test('that is left out by the reader is passed', () => {
    const { source, reading } = two();
    source.skip();
    source.commit([[A, 1]]);
    source.skip();
    for (const note of source.notes) reading.gatherer.note(note);
    reading.read(A, sent(source, A, 0));
    expect(reading.versions()).toBe('whole 1');
    expect(reading.versions()).toBeUndefined();
    expect(reading.gatherer.isWaiting).toBe(false);
    expect(reading.gatherer.places().get(partitionName(NOTES))).toBe(4);
  });

  test('that has a change which is held is not taken, nor those behind it', () => {
    const { source, reading } = two();
    source.commit([[A, 1]]);
    source.commit([
      [A, 2],
      [B, 2],
    ]);
    source.commit([[A, 3]]);
    for (const note of source.notes) reading.gatherer.note(note);
    for (const [name, log] of source.partitions) for (const one of log) reading.read(name, one);
    const isHeld: StepLimits['isHeld'] = ({ change: { version } }) => version === 3n;
    expect(reading.versions({ isHeld })).toBe('whole 1');
    expect(reading.versions({ isHeld })).toBeUndefined();
    expect(reading.gatherer.places().get(A)).toBe(1);
    expect(reading.versions()).toBe('whole 2 3 4');
  });

  test('larger than its room comes in pieces, none of another one with them', () => {
    const { source, reading } = two();
    source.commit([
      [A, 1],
      [A, 2],
      [B, 1],
      [A, 3],
    ]);
    source.commit([[A, 4]]);
    reading.gatherer.note(source.notes[0] as PlacedNote);
    for (const at of [0, 1]) reading.read(A, sent(source, A, at));
    expect(reading.versions({ partitionBytes: 30 })).toBeUndefined();
    expect(reading.versions({ partitionBytes: 20 })).toBe('piece 1 2');
    for (const at of [2, 3]) reading.read(A, sent(source, A, at));
    expect(reading.versions({ partitionBytes: 20 })).toBe('piece 4');
    for (const note of source.notes.slice(1)) reading.gatherer.note(note);
    expect(reading.versions({ partitionBytes: 10 })).toBeUndefined();
    reading.read(B, sent(source, B, 0));
    expect(reading.versions()).toBe('whole 3 5');
  });
});

describe('what has no notes', () => {
  test('rows of a load are taken as they come, unless changes are in front of them', () => {
    const { source, reading } = two();
    source.load(A, 1);
    source.commit([
      [A, 2],
      [B, 2],
    ]);
    source.load(A, 3);
    for (const one of source.partitions.get(A) ?? []) reading.read(A, one);
    expect(reading.versions()).toBe('apart 1');
    expect(reading.versions()).toBeUndefined();
    for (const note of source.notes) reading.gatherer.note(note);
    reading.read(B, sent(source, B, 0));
    expect(reading.versions()).toBe('whole 2 3');
    expect(reading.versions()).toBe('apart 4');
  });

  test('changes from before the notes come apart, and all of them before the first transaction that is noted', () => {
    const { source, reading } = two();
    source.unnoted(A, 1);
    source.unnoted(B, 1);
    source.commit([[A, 2]]);
    source.progress();
    reading.read(A, sent(source, A, 0));
    expect(reading.versions()).toBeUndefined();
    for (const note of source.notes) reading.gatherer.note(note);
    expect(reading.versions()).toBe('apart 1');
    reading.read(A, sent(source, A, 1));
    expect(reading.versions()).toBeUndefined();
    reading.read(B, sent(source, B, 0));
    expect(reading.versions()).toBe('apart 2');
    reading.gatherer.passed(source.watermarks[0] as Watermark);
    expect(reading.versions()).toBe('whole 3');
  });

  test('changes without any notes are taken when the reader says that there are none', () => {
    const { source, reading } = two();
    source.unnoted(A, 1);
    reading.read(A, sent(source, A, 0));
    expect(reading.versions()).toBeUndefined();
    source.progress();
    reading.gatherer.passed(source.watermarks[0] as Watermark);
    expect(reading.versions()).toBe('apart 1');
  });
});

/** The same numbers at every run. */
function numbers(seed: number): (below: number) => number {
  let state = seed * 2_654_435_761 + 1;
  return (below) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

function randomSource(below: (limit: number) => number): Source {
  const names = [A, 's.d.a/1', B, 's.d.b/1', 's.d.c/0'];
  const source = new Source(names);
  const name = (): string => names[below(names.length)] as string;
  for (let turn = 0; turn < 60; turn++) {
    const what = below(10);
    if (what === 0) source.load(name(), below(5));
    else if (what === 1) source.progress();
    else if (what === 2) source.skip();
    else source.commit(Array.from({ length: 1 + below(6) }, () => [name(), below(5)] as const));
  }
  source.progress();
  return source;
}

/** Without some of the changes that others of their keys have made old. */
function compacted(log: readonly Sent[], below: (limit: number) => number): Sent[] {
  return log.filter(({ key }, at) => below(2) === 0 || !log.slice(at + 1).some((later) => later.key === key));
}

test.each(Array.from({ length: 30 }, (_, seed) => seed))(
  'random transactions, partitions and compaction are taken whole and in their order, seed %i',
  (seed) => {
    const below = numbers(seed);
    const source = randomSource(below);
    const reading = new Reading(source);
    const logs = new Map(
      [...source.partitions].map(([name, log]) => [name, seed % 2 === 0 ? log : compacted(log, below)]),
    );
    const left = new Map([...logs].map(([name, log]) => [name, [...log]]));
    const notes = [...source.notes];
    const watermarks = [...source.watermarks];
    const applied: Sent[] = [];
    const open: Sent[] = [];
    const take = (): boolean => {
      const step = reading.take({
        transactions: 1 + below(3),
        partitionBytes: 10 + 10 * below(4),
        changes: 1 + below(5),
      });
      if (step === undefined) return false;
      const own = step.changes.map(({ queue, offset }) => sent(source, partitionName(queue), offset));
      if (step.kind === 'apart') expect(own.filter(({ transaction }) => transaction !== undefined)).toEqual([]);
      if (step.kind === 'piece') open.push(...own);
      if (step.kind !== 'whole') return true;
      applied.push(...open.splice(0), ...own);
      const upTo = reading.gatherer.applied;
      const expected = [...logs.values()].flat().filter((one) => one.transaction !== undefined && one.version <= upTo);
      const versions = (all: readonly Sent[]): number[] =>
        all
          .flatMap(({ transaction, version }) => (transaction === undefined ? [] : [version]))
          .toSorted((a, b) => a - b);
      expect(versions(applied)).toEqual(versions(expected));
      expect(source.notes.some(({ status, version }) => status === 'END' && version === upTo)).toBe(true);
      return true;
    };
    const sources = [...left.keys(), 'notes', 'progress'];
    while (left.size + notes.length + watermarks.length > 0) {
      const from = sources[below(sources.length)] as string;
      if (from === 'notes') {
        const note = notes.shift();
        if (note !== undefined) reading.gatherer.note(note);
      } else if (from === 'progress') {
        const watermark = watermarks.shift();
        if (watermark !== undefined) reading.gatherer.passed(watermark);
      } else {
        const next = left.get(from)?.shift();
        if (next === undefined) left.delete(from);
        else reading.read(from, next);
      }
      while (take());
    }
    expect(open).toEqual([]);
    expect(reading.gatherer.isWaiting).toBe(false);
    expect(reading.gatherer.applied).toBe(source.notes.findLast(({ status }) => status === 'END')?.version);
  },
);
