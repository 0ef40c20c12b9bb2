import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { silentLogger, sleep, type TaplineError } from '@tapline/kernel';
import { type Change, change, NO_TABLES, neverAborted, type Row, type Sink } from '@tapline/sink';
import { type HBaseServer, openStack, type Stack } from '@tapline/test-stack';
import { hbaseSink } from './index.ts';
import { createTable } from './rpc/admin.ts';
import { hbaseConfig } from './testing/bench.ts';
import { type Cell, HBaseEyes } from './testing/eyes.ts';

const signal = neverAborted();
let stack: Stack;
let server: HBaseServer;
let eyes: HBaseEyes;

// A server of its own: it is killed.
beforeAll(async () => {
  stack = await openStack({});
  server = await stack.add('hbase', true);
  eyes = new HBaseEyes(server.address.master);
});

afterAll(async () => {
  await eyes?.[Symbol.asyncDispose]();
  await stack?.[Symbol.asyncDispose]();
});

function openSink(given: Readonly<Record<string, unknown>>): Promise<Sink> {
  const config = hbaseConfig({ masters: server.address.master, ...given });
  return hbaseSink.open(config, { name: 'modes', log: silentLogger, signal, tables: NO_TABLES });
}

async function put(sink: Sink, ...changes: readonly Change[]): Promise<readonly string[]> {
  const { verdicts, errors } = await sink.apply(changes, signal);
  return verdicts.map((verdict, index) => errors.get(index)?.code ?? verdict);
}

async function refusal(given: Readonly<Record<string, unknown>>): Promise<string> {
  await using sink = await openSink(given);
  return await put(sink, change(1, { id: 1 }, { id: 1 })).then(String, (error: TaplineError) => error.code);
}

/** Gives the same change until it is applied, as the engine does. @returns `applied` or `stale`. */
async function putPatiently(sink: Sink, one: Change): Promise<string> {
  const end = performance.now() + 300_000;
  for (;;) {
    const [outcome = ''] = await put(sink, one);
    if (outcome === 'applied' || outcome === 'stale') return outcome;
    if (performance.now() > end) throw new Error(`not applied in time: ${outcome}`);
    await sleep(100);
  }
}

function shown(cells: readonly Cell[]): Record<string, string> {
  return Object.fromEntries(cells.map(({ family, column, value }) => [`${family}:${column}`, value.toString()]));
}

const row = (id: number, more: Row = {}): Row => ({ id, ...more });

describe('tables', () => {
  test('a table that is not there is made in its namespace, with its families and regions, and once by two at a time', async () => {
    const config = {
      table: 'shop_${db}:${table}',
      rowKey: '${salt:8}-${key.id:int32}',
      regions: 4,
      families: { blob: 'big' },
    };
    await using one = await openSink(config);
    await using other = await openSink(config);
    const changes = Array.from({ length: 100 }, (_, id) => change(id + 1, { id }, row(id, { blob: 'x' })));
    const outcomes = await Promise.all(
      [one, other].map((sink) => Promise.all(changes.map((each) => putPatiently(sink, each)))),
    );
    // Both may ask before either has written: then both write the same.
    const applied = changes.filter((_, index) => outcomes.some((own) => own[index] === 'applied'));
    expect(applied).toHaveLength(changes.length);
    expect(await eyes.regions('shop_shop:item')).toBe(4);
  });

  test('a table that cannot hold rows as they are is not touched', async () => {
    const family = (
      name: string,
      ...attributes: [string, string][]
    ): { name: string; attributes: Map<string, string> } => ({
      name,
      attributes: new Map(attributes),
    });
    const splitKeys: Buffer[] = [];
    await createTable(eyes.cluster, { name: 'plain', families: [family('d')], splitKeys }, signal);
    const behaviour: [string, string] = ['NEW_VERSION_BEHAVIOR', 'true'];
    const families = [family('d', behaviour, ['VERSIONS', '3']), family('_v')];
    await createTable(eyes.cluster, { name: 'newer', families, splitKeys }, signal);
    expect(await refusal({ table: 'plain' })).toBe('SINK_HBASE_TABLE');
    expect(await refusal({ table: 'newer' })).toBe('SINK_HBASE_TABLE');
    expect(await refusal({ table: 'nothing', create: false })).toBe('SINK_HBASE_TABLE_MISSING');
    expect(await eyes.row('plain', Buffer.from('1'))).toEqual([]);
  });

  test('a table that is disabled, or made read-only, is waited for', async () => {
    await using sink = await openSink({ table: 'states' });
    expect(await put(sink, change(1, { id: 1 }, row(1)))).toEqual(['applied']);
    await eyes.alter('states', 'READONLY', 'true');
    expect(await put(sink, change(2, { id: 1 }, row(1)))).toEqual([expect.stringMatching(/READ_ONLY|REGION/)]);
    expect(await put(sink, change(2, { id: 1 }, row(1)))).toEqual(['SINK_HBASE_READ_ONLY']);
    await eyes.alter('states', 'READONLY', 'false');
    await putPatiently(sink, change(2, { id: 1 }, row(1)));
    await eyes.tableProcedure('DisableTable', 'states');
    expect(await put(sink, change(3, { id: 1 }, row(1)))).toEqual([expect.stringMatching(/DISABLED|REGION/)]);
    expect(await put(sink, change(3, { id: 1 }, row(1)))).toEqual(['SINK_HBASE_DISABLED']);
    await eyes.tableProcedure('EnableTable', 'states');
    await putPatiently(sink, change(3, { id: 1 }, row(1, { a: 'x' })));
    expect(shown(await eyes.row('states', Buffer.from('1'), ['d']))).toEqual({ 'd:id': '1', 'd:a': 'x' });
  });
});

describe('rows', () => {
  test('cells carry the version as their timestamp, values their encoding, columns their family', async () => {
    await using sink = await openSink({
      table: 'encodings',
      rowKey: '${key.id:int64}',
      encode: { id: 'long', ratio: 'double' },
      families: { note: 'n' },
    });
    const version = 1_795_304_225_090_123n << 10n;
    expect(await put(sink, change(version, { id: 5 }, row(5, { ratio: 0.5, note: 'ü', none: null })))).toEqual([
      'applied',
    ]);
    const cells = await eyes.row('encodings', Buffer.from('8000000000000005', 'hex'), ['d', 'n']);
    expect(cells.map((cell) => cell.timestamp)).toEqual([version, version, version]);
    expect(cells.map(({ family, column, value }) => [family, column, value.toString('hex')])).toEqual([
      ['d', 'id', '0000000000000005'],
      ['d', 'ratio', '3fe0000000000000'],
      ['n', 'note', 'c3bc'],
    ]);
  });

  test('a row that does not fit is poison with its reason, and the others are applied', async () => {
    await using sink = await openSink({ table: 'misfits', encode: { n: 'int' }, maxValueBytes: 1000 });
    const changes = [
      change(1, { id: 1 }, row(1, { n: 1 })),
      change(2, { id: 2 }, row(2, { n: 'seven' })),
      change(3, { id: 3 }, row(3, { text: 'x'.repeat(1001) })),
      change(4, { id: 'x'.repeat(40_000) }, { id: 'long' }),
      change(5, { id: 5 }, row(5, { text: 'x'.repeat(900) })),
    ];
    const poison = 'SINK_HBASE_ROW';
    expect(await put(sink, ...changes)).toEqual(['applied', poison, poison, poison, 'applied']);
    expect(await put(sink, ...changes)).toEqual(['stale', poison, poison, poison, 'stale']);
  });

  test('what a major compaction takes away does not come back with a replay', async () => {
    await using sink = await openSink({ table: 'compacted' });
    const old = change(10, { id: 1 }, row(1, { a: 'old', gone: 'old' }));
    const deleted = change(11, { id: 2 }, row(2, { a: 'old' }));
    expect(await put(sink, old, deleted)).toEqual(['applied', 'applied']);
    expect(await put(sink, change(20, { id: 1 }, row(1, { a: 'new' })), change(21, { id: 2 }))).toEqual([
      'applied',
      'applied',
    ]);
    const raw = (key: string): Promise<readonly Cell[]> =>
      eyes.row('compacted', Buffer.from(key), ['d'], { versions: 10, raw: true });
    expect((await raw('1')).length).toBeGreaterThan(2);
    await eyes.majorCompact('compacted', async () => (await raw('1')).length === 2 && (await raw('2')).length === 0);
    expect(await put(sink, old, deleted)).toEqual(['stale', 'stale']);
    expect(shown(await eyes.row('compacted', Buffer.from('1'), ['d']))).toEqual({ 'd:id': '1', 'd:a': 'new' });
    expect(await eyes.row('compacted', Buffer.from('2'), ['d'])).toEqual([]);
  });

  test('deletedVersions: forget leaves nothing of a deleted row', async () => {
    await using sink = await openSink({ table: 'forgotten', deletedVersions: 'forget' });
    expect(await put(sink, change(1, { id: 1 }, row(1)), change(2, { id: 1 }))).toEqual(['applied', 'applied']);
    expect(await eyes.row('forgotten', Buffer.from('1'))).toEqual([]);
  });

  test('an archive keeps rows that were deleted, and the versions of each column', async () => {
    await using sink = await openSink({ table: 'archive', mode: 'archive' });
    await put(sink, change(10, { id: 1 }, row(1, { a: 'first', b: 'first' })));
    await put(sink, change(20, { id: 1 }, row(1, { a: 'second', b: null })));
    expect(await put(sink, change(30, { id: 1 }))).toEqual(['applied']);
    expect(shown(await eyes.row('archive', Buffer.from('1'), ['d']))).toEqual({ 'd:id': '1', 'd:a': 'second' });
    const history = await eyes.row('archive', Buffer.from('1'), ['d'], { versions: 10 });
    expect(
      history.filter(({ column }) => column === 'a').map(({ timestamp, value }) => [timestamp, String(value)]),
    ).toEqual([
      [20n, 'second'],
      [10n, 'first'],
    ]);
  });
});

test('a server that is killed is waited for; what was applied is still there, and the writer goes on', async () => {
  await using sink = await openSink({ table: 'killed' });
  expect(await put(sink, change(1, { id: 1 }, row(1, { a: 'kept' })))).toEqual(['applied']);
  await server.kill();
  expect(await put(sink, change(2, { id: 2 }, row(2)))).toEqual(['SINK_HBASE_UNREACHABLE']);
  await server.start();
  await putPatiently(sink, change(2, { id: 2 }, row(2)));
  expect(await put(sink, change(1, { id: 1 }, row(1)))).toEqual(['stale']);
  await using fresh = new HBaseEyes(server.address.master);
  expect(shown(await fresh.row('killed', Buffer.from('1'), ['d']))).toEqual({ 'd:id': '1', 'd:a': 'kept' });
});
