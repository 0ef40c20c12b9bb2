import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { silentLogger, sleep } from '@tapline/kernel';
import { type Change, change, NO_TABLES, neverAborted, type Sink, type SinkContext } from '@tapline/sink';
import { testServers } from '@tapline/test-stack';
import { hbaseSink } from '../index.ts';
import { hbaseConfig } from '../testing/bench.ts';
import { HBaseEyes } from '../testing/eyes.ts';
import { type GuardState, parseState, STEP_RECORDS } from './state.ts';
import { GUARD_ROW } from './table-guard.ts';

const RUN = Math.random().toString(36).slice(2, 8);
const TOPIC = 'shop.shop.item';
const PARTITION = 1;
const signal = neverAborted();
let eyes: HBaseEyes;
let master: string;
let tables = 0;

beforeAll(async () => {
  const { hbase } = await testServers('hbase');
  master = hbase.master;
  eyes = new HBaseEyes(master);
}, 300_000);

afterAll(async () => {
  await eyes?.[Symbol.asyncDispose]();
});

/** A change with its offset. */
type Given = readonly [offset: number, change: Change];

/** How a sink is opened: by its writer, which knows the order; by a tool beside it; by a writer that does not know of an order. */
type By = 'writer' | 'tool' | 'unordered';

interface World {
  readonly by?: By;
  readonly name?: string;
  readonly partitions?: number;
  readonly topic?: string;
  readonly config?: Readonly<Record<string, unknown>>;
}

/** A table of its own, and sinks on it. */
class Scene {
  readonly table = `guard_${RUN}_${++tables}`;

  async open({
    by = 'writer',
    name = 'items',
    partitions = 3,
    topic = TOPIC,
    config = {},
  }: World = {}): Promise<Member> {
    const progress = { consumes: () => true, settledBelow: () => Promise.resolve(new Map()) };
    const known: Record<By, Pick<SinkContext, 'order' | 'progress'>> = {
      writer: { progress, order: { partitionsOf: () => Promise.resolve(partitions) } },
      tool: {},
      unordered: { progress },
    };
    const context = { name, log: silentLogger, signal, tables: NO_TABLES, ...known[by] };
    const { table } = this;
    return new Member(table, topic, await hbaseSink.open(hbaseConfig({ masters: master, table, ...config }), context));
  }

  async state(): Promise<GuardState> {
    const [cell] = await eyes.row(this.table, GUARD_ROW, ['_v']);
    return parseState(cell?.value ?? Buffer.from('{}'));
  }

  /** The row was there and is deleted: now nothing is left but its version. */
  async compactAway(id: number): Promise<void> {
    const raw = () => eyes.row(this.table, Buffer.from(String(id)), ['d'], { versions: 10, raw: true });
    await eyes.majorCompact(this.table, async () => (await raw()).length === 0);
  }

  async cells(id: number): Promise<number> {
    return (await eyes.row(this.table, Buffer.from(String(id)), ['d'])).length;
  }
}

class Member implements AsyncDisposable {
  readonly #table: string;
  readonly #topic: string;
  readonly sink: Sink;

  constructor(table: string, topic: string, sink: Sink) {
    this.#table = table;
    this.#topic = topic;
    this.sink = sink;
  }

  async give(...all: readonly Given[]): Promise<readonly string[]> {
    const at = (index: number) => ({ topic: this.#topic, partition: PARTITION, offset: all[index]?.[0] ?? 0 });
    const changes = all.map(([, one]) => one);
    const { verdicts, errors } = await this.sink.apply(changes, signal, { at });
    return verdicts.map((verdict, index) => errors.get(index)?.code ?? verdict);
  }

  /** Whether it asks for the row of a change at this offset: then it finds a newer cell, which is there from nobody but this test. */
  async asks(offset: number): Promise<boolean> {
    const id = 1_000_000 + offset;
    const newer = [{ row: Buffer.from(String(id)), columns: { newer: '' } }];
    const send = await eyes.rawPuts(newer, { table: this.#table, family: 'd', rowsPerCall: 1, calls: 1 });
    await send();
    const [verdict] = await this.give([offset, put(5, id)]);
    expect(['applied', 'stale']).toContain(verdict);
    return verdict === 'stale';
  }

  /** When another one has taken something from it, it knows in a while. */
  async asksInTheEnd(offset: number): Promise<void> {
    while (!(await this.asks(offset))) await sleep(100);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.sink[Symbol.asyncDispose]();
  }
}

const put = (version: number, id: number): Change => change(version, { id }, { id, v: String(version) });
const gone = (version: number, id: number): Change => change(version, { id });

test('what nobody has sent is written without a question, and noted before it is sent', async () => {
  const scene = new Scene();
  await using member = await scene.open();
  expect(await member.give([7, put(10, 1)], [9, put(11, 2)])).toEqual(['applied', 'applied']);
  const below = 9 + 1 + STEP_RECORDS;
  expect((await scene.state()).marks).toMatchObject({ [PARTITION]: { from: 0, below } });
  expect(await member.asks(below - 1)).toBe(false);
  expect((await scene.state()).marks).toMatchObject({ [PARTITION]: { from: 0, below } });
  expect(await member.asks(below)).toBe(false);
  expect((await scene.state()).marks).toMatchObject({ [PARTITION]: { from: 0, below: below + 1 + STEP_RECORDS } });
});

test('a replay does not bring back what a major compaction took away: what may have been sent is asked for', async () => {
  const scene = new Scene();
  const old: readonly Given[] = [
    [0, put(10, 1)],
    [1, gone(20, 1)],
  ];
  await using first = await scene.open();
  expect(await first.give(...old)).toEqual(['applied', 'applied']);
  await scene.compactAway(1);
  await using next = await scene.open();
  expect(await next.give(...old)).toEqual(['stale', 'stale']);
  // Noted by the first one, which was killed before it sent them.
  expect(await next.asks(STEP_RECORDS)).toBe(true);
  expect(await next.asks(STEP_RECORDS + 5)).toBe(false);
  // The same sink again, after others may have had the partition.
  await next.sink.assigned?.([{ topic: TOPIC, partition: PARTITION }], signal);
  expect(await next.give(...old)).toEqual(['stale', 'stale']);
  expect(await next.asks(STEP_RECORDS + 6)).toBe(true);
  expect(await scene.cells(1)).toBe(0);
});

test('a member that was frozen while another one had its partition asks for what it still holds', async () => {
  const scene = new Scene();
  await using frozen = await scene.open();
  expect(await frozen.give([0, put(10, 1)])).toEqual(['applied']);
  await using other = await scene.open();
  expect(await other.give([0, put(10, 1)], [3, gone(30, 1)])).toEqual(['stale', 'applied']);
  await scene.compactAway(1);
  await frozen.asksInTheEnd(4);
  expect(await frozen.give([2, put(20, 1)])).toEqual(['stale']);
  expect(await scene.cells(1)).toBe(0);
});

test('a replay beside the writer asks; behind what the writer has sent, the writer asks too', async () => {
  const scene = new Scene();
  await using writer = await scene.open();
  expect(await writer.give([0, put(10, 1)], [1, gone(20, 1)])).toEqual(['applied', 'applied']);
  await scene.compactAway(1);
  await using replay = await scene.open({ by: 'tool' });
  expect(await replay.give([0, put(10, 1)], [1, gone(20, 1)])).toEqual(['stale', 'stale']);
  expect(await replay.give([100, gone(50, 2)])).toEqual(['applied']);
  expect(await replay.asks(200)).toBe(true);
  await writer.asksInTheEnd(90);
  expect(await writer.give([80, put(40, 2)])).toEqual(['stale']);
  expect(await scene.cells(1)).toBe(0);
  // In front of what is noted the replay leaves the writer alone from now on.
  const { below, from } = (await scene.state()).marks[PARTITION] ?? { below: 0, from: 0 };
  expect(from).toBeGreaterThan(200);
  expect(await replay.asks(from - 1)).toBe(true);
  expect(await writer.asks(below)).toBe(false);
  expect((await scene.state()).asked).toBeUndefined();
});

test('all rows are asked for, by all who write to the table, where a partition does not say enough of a row', async () => {
  const far = 9 * STEP_RECORDS;
  const worlds: readonly (readonly [reason: RegExp, world: World])[] = [
    [/topics/, { topic: 'shop.shop.other' }],
    [/writers/, { name: 'others' }],
    [/partitions/, { partitions: 4 }],
    [/row keys were/, { config: { rowKey: '${key.id}' } }],
    [/order/, { by: 'unordered' }],
    [/order/, { config: { guard: 'versions' } }],
  ];
  const outgrow = async ([reason, world]: (typeof worlds)[number]): Promise<void> => {
    const scene = new Scene();
    await using first = await scene.open();
    expect(await first.give([0, put(10, 1)], [1, put(10, 2)])).toEqual(['applied', 'applied']);
    await using second = await scene.open(world);
    expect(await second.give([far, put(9, 1)])).toEqual(['stale']);
    expect((await scene.state()).asked).toMatch(reason);
    await first.asksInTheEnd(far);
  };
  await Promise.all(worlds.map(outgrow));
});

test.each([
  ['had rows before', ['d', '_v'], {}],
  ['is written with a part of the key', [], { rowKey: '${key.id}' }],
] as const)('all rows are asked for in a table that %s', async (_, families, config) => {
  const scene = new Scene();
  if (families.length > 0) await eyes.makeTable(scene.table, families);
  await using member = await scene.open({ config });
  if (families.length === 0) {
    const two = { id: 1, line: 1 };
    const { verdicts } = await member.sink.apply([change(10, two, two)], signal, {
      at: () => ({ topic: TOPIC, partition: PARTITION, offset: 0 }),
    });
    expect(verdicts).toEqual(['applied']);
  }
  expect(await member.asks(far(1))).toBe(true);
});

const far = (steps: number): number => steps * 2 * STEP_RECORDS;
