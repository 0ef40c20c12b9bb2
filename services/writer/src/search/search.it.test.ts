import { beforeAll, describe, expect, test } from '@jest/globals';
import { loadConfig, silentLogger } from '@tapline/kernel';
import { type Change, change, neverAborted, type Row, type Sink, SuiteTables, suiteTable } from '@tapline/sink';
import { testServers } from '@tapline/test-stack';
import { ELASTICSEARCH_CONFIG } from '../sinks/elasticsearch/config.ts';
import { elasticsearchSink } from '../sinks/elasticsearch/index.ts';
import { Store } from './testing/store.ts';

const signal = neverAborted();
const TABLE = suiteTable({ id: 'int', name: 'varchar(100)', day: 'date', place: 'point', note: 'json' });
let store: Store;
let places = 0;

beforeAll(async () => {
  const { elasticsearch } = await testServers('elasticsearch');
  store = new Store(elasticsearch.url);
});

function place(): string {
  return `modes-${process.pid}-${++places}`;
}

function opened(
  given: Readonly<Record<string, unknown>>,
  tables: SuiteTables = new SuiteTables(TABLE),
  name = 'modes',
): Promise<Sink> {
  const declaration = { name: 'test', doc: 'Test.', fields: { sink: ELASTICSEARCH_CONFIG } } as const;
  const { sink } = loadConfig(declaration, { value: { sink: { node: store.url, ...given } } }).value;
  return elasticsearchSink.open(sink, { name, log: silentLogger, signal, tables });
}

function put(version: number, row: Row, before: Row | null = null): Change {
  return { ...change(version, { id: row['id'] ?? null }, row), before };
}

/** The verdict of each change, with the code of its error. */
async function applied(sink: Sink, ...changes: readonly Change[]): Promise<readonly string[]> {
  const { verdicts, errors } = await sink.apply(changes, signal);
  return verdicts.map((verdict, index) => [verdict, errors.get(index)?.code].filter(Boolean).join(' '));
}

describe('indexes', () => {
  test('are made with mappings of the table’s types, and remember deleted versions', async () => {
    const index = place();
    await using sink = await opened({ index, settings: '{"number_of_replicas": 0}', deletedVersionSeconds: 77 });
    await applied(sink, put(1, { id: 1, name: 'a' }));
    expect(await store.must('GET', `${index}?flat_settings=true`)).toMatchObject({
      [index]: {
        settings: { 'index.gc_deletes': '77s', 'index.number_of_replicas': '0' },
        mappings: {
          date_detection: false,
          properties: {
            id: { type: 'long' },
            name: { type: 'text', fields: { keyword: { type: 'keyword' } } },
            day: { type: 'date', ignore_malformed: true },
            place: { type: 'geo_point' },
            note: { type: 'flattened' },
          },
        },
      },
    });
  });

  test('get fields for columns that the table gets, and the configuration’s fields win', async () => {
    const index = place();
    const tables = new SuiteTables(suiteTable({ id: 'int', name: 'varchar(10)' }));
    const mappings = '{"properties": {"name": {"type": "keyword"}}}';
    await using sink = await opened({ index, mappings }, tables);
    await applied(sink, put(1, { id: 1, name: 'a' }));
    tables.alter(suiteTable({ id: 'int', name: 'varchar(10)', more: 'date' }));
    expect(await applied(sink, put(2, { id: 1, name: 'a', more: '2026-02-28' }))).toEqual(['applied']);
    expect(await store.must('GET', `${index}/_mapping`)).toMatchObject({
      [index]: { mappings: { properties: { name: { type: 'keyword' }, more: { type: 'date' } } } },
    });
  });

  test('a date that no calendar has is stored and not searched; places and JSON are found', async () => {
    const index = place();
    await using sink = await opened({ index });
    const point = Buffer.from('e61000000101000000000000000000f83f00000000000000c0', 'hex');
    const row = { id: 1, day: '0000-00-00', place: point, note: '{"a": {"b": "x"}}' };
    expect(await applied(sink, put(1, row), put(2, { id: 2, note: '[1, 2]' }))).toEqual(['applied', 'applied']);
    await store.must('POST', `${index}/_refresh`);
    const near = { geo_distance: { distance: '1km', place: { lat: -2, lon: 1.5 } } };
    const query = { bool: { filter: [{ term: { 'note.a.b': 'x' } }, near, { term: { _ignored: 'day' } }] } };
    expect(await store.must('POST', `${index}/_count`, { query })).toMatchObject({ count: 1 });
    expect(await store.source(index, '1')).toMatchObject({ day: '0000-00-00' });
  });

  test('an alias of one index is written through; one of several is refused', async () => {
    const [index, alias] = [place(), place()];
    await store.must('PUT', index, { aliases: { [alias]: {} } });
    await using sink = await opened({ index: alias });
    expect(await applied(sink, put(1, { id: 1, name: 'a' }))).toEqual(['applied']);
    expect(await store.source(index, '1')).toEqual({ id: 1, name: 'a' });
    await store.must('PUT', place(), { aliases: { [alias]: {} } });
    await using second = await opened({ index: alias });
    await expect(applied(second, put(2, { id: 1, name: 'b' }))).rejects.toMatchObject({ code: 'SINK_SEARCH_ALIAS' });
  });

  test('of a month are made by what the store’s own template says too: its shards, and the alias that stands for all of them', async () => {
    const base = place();
    await store.must('PUT', `_index_template/${base}`, {
      index_patterns: [`${base}-2*`],
      template: { settings: { number_of_shards: 2 }, aliases: { [`${base}-all`]: {} } },
    });
    await using sink = await opened({ index: `${base}-\${row.day:yyyy.MM}` });
    const rows = [put(1, { id: 1, day: '2026-01-31' }), put(2, { id: 2, day: '2026-02-01' })];
    expect(await applied(sink, ...rows.map((one) => ({ ...one, op: 'c' as const })))).toEqual(['applied', 'applied']);
    const made = (await store.must('GET', `${base}-all?flat_settings=true`)) as Record<string, object>;
    expect(Object.keys(made).toSorted()).toEqual([`${base}-2026.01`, `${base}-2026.02`]);
    expect(made[`${base}-2026.01`]).toMatchObject({
      settings: { 'index.number_of_shards': '2', 'index.gc_deletes': '3600s' },
      mappings: { properties: { note: { type: 'flattened' } } },
    });
    await store.must('DELETE', `_index_template/${base}`);
  });

  test('a place in a text of two columns is found where the configuration says that it is one', async () => {
    const index = place();
    await using sink = await opened({ index, mappings: '{"properties": {"name": {"type": "geo_point"}}}' });
    expect(await applied(sink, put(1, { id: 1, name: '-2,1.5' }))).toEqual(['applied']);
    await store.must('POST', `${index}/_refresh`);
    const query = { geo_distance: { distance: '1km', name: { lat: -2, lon: 1.5 } } };
    expect(await store.must('POST', `${index}/_count`, { query })).toMatchObject({ count: 1 });
  });

  test('one that the store refuses to make stops the writer', async () => {
    await using sink = await opened({ index: place(), mappings: '{"properties": {"a": {"type": "nonsense"}}}' });
    await expect(applied(sink, put(1, { id: 1 }))).rejects.toMatchObject({ code: 'SINK_SEARCH_INDEX_REFUSED' });
  });
});

describe('what goes wrong', () => {
  test('a value that does not fit its field is poison with the reason, and the others are applied', async () => {
    const index = place();
    await using sink = await opened({ index, mappings: '{"properties": {"name": {"type": "byte"}}}' });
    const names = ['5', 'five', '128', '7'];
    const changes = names.map((name, at) => put(at + 1, { id: at + 1, name }));
    const { verdicts, errors } = await sink.apply(changes, signal);
    expect(verdicts).toEqual(['applied', 'poison', 'poison', 'applied']);
    expect(errors.get(1)).toMatchObject({ code: 'SINK_SEARCH_MAPPING', message: expect.stringContaining('[name]') });
    expect(errors.get(2)).toMatchObject({ code: 'SINK_SEARCH_MAPPING', message: expect.stringContaining('128') });
    const poison = 'poison SINK_SEARCH_MAPPING';
    expect(await applied(sink, ...changes)).toEqual(['stale', poison, poison, 'stale']);
  });

  test('a column that an index of somebody else’s does not have and does not take is poison with its name', async () => {
    const index = place();
    await store.must('PUT', index, { mappings: { dynamic: 'strict', properties: { id: { type: 'long' } } } });
    await using sink = await opened({ index, manageIndexes: false });
    const { verdicts, errors } = await sink.apply([put(1, { id: 1 }), put(2, { id: 2, name: 'a' })], signal);
    expect(verdicts).toEqual(['applied', 'poison']);
    expect(errors.get(1)).toMatchObject({ code: 'SINK_SEARCH_MAPPING', message: expect.stringContaining('name') });
  });

  test('a closed index is waited for', async () => {
    const index = place();
    await using sink = await opened({ index });
    await applied(sink, put(1, { id: 1 }));
    await store.must('POST', `${index}/_close`);
    expect(await applied(sink, put(2, { id: 1, name: 'b' }))).toEqual(['retry SINK_SEARCH_CLOSED']);
    await store.must('POST', `${index}/_open`);
    expect(await applied(sink, put(2, { id: 1, name: 'b' }))).toEqual(['applied']);
  });

  test.each([
    ['a disk past the flood stage', 'read_only_allow_delete', 'SINK_SEARCH_FULL'],
    ['a read-only index', 'read_only', 'SINK_SEARCH_READ_ONLY'],
  ])('%s is waited for', async (_, block, code) => {
    const index = place();
    await using sink = await opened({ index });
    await applied(sink, put(1, { id: 1 }));
    await store.must('PUT', `${index}/_settings`, { [`index.blocks.${block}`]: true });
    const changes = [put(2, { id: 1, name: 'b' }), put(3, { id: 2 })];
    expect(await applied(sink, ...changes)).toEqual([`retry ${code}`, `retry ${code}`]);
    await store.must('PUT', `${index}/_settings`, { [`index.blocks.${block}`]: null });
    expect(await applied(sink, ...changes)).toEqual(['applied', 'applied']);
  });

  test('an index that is deleted under the writer stops it before anything counts as written', async () => {
    const index = place();
    await using sink = await opened({ index });
    await applied(sink, put(1, { id: 1 }));
    await store.must('DELETE', index);
    await expect(applied(sink, put(2, { id: 2 }))).rejects.toMatchObject({
      code: 'SINK_SEARCH_INDEX_LOST',
      disposition: 'fatal',
    });
  });

  test('with lostIndex: create it is made anew, with its mappings, and goes on', async () => {
    const index = place();
    await using sink = await opened({ index, lostIndex: 'create' });
    await applied(sink, put(1, { id: 1 }));
    await store.must('DELETE', index);
    expect(await applied(sink, put(2, { id: 2, day: '2026-02-28' }))).toEqual(['retry SINK_SEARCH_INDEX_LOST']);
    expect(await applied(sink, put(2, { id: 2, day: '2026-02-28' }))).toEqual([expect.stringMatching(/applied|stale/)]);
    expect(await store.source(index, '2')).toEqual({ id: 2, day: '2026-02-28' });
    expect(await store.must('GET', `${index}/_mapping`)).toMatchObject({
      [index]: { mappings: { properties: { note: { type: 'flattened' } } } },
    });
  });

  test('one that was deleted while the writer was down stops it, and a new writer fills it from the start', async () => {
    const index = place();
    const rows = [put(1, { id: 1, name: 'a' }), put(2, { id: 2, name: 'b' })];
    const tables = new SuiteTables(TABLE);
    {
      await using sink = await opened({ index }, tables, `${index}-old`);
      await applied(sink, ...rows);
    }
    {
      await using again = await opened({ index }, tables, `${index}-old`);
      expect(await applied(again, ...rows)).toEqual(['stale', 'stale']);
    }
    await store.must('DELETE', index);
    await using late = await opened({ index }, tables, `${index}-old`);
    await expect(applied(late, put(3, { id: 3 }))).rejects.toMatchObject({ code: 'SINK_SEARCH_INDEX_LOST' });
    expect((await store.ask('HEAD', index)).status).toBe(404);
    await using fresh = await opened({ index }, tables, `${index}-new`);
    expect(await applied(fresh, ...rows)).toEqual(['applied', 'applied']);
  });

  test('nobody there is a reason to wait, told by its code', async () => {
    await expect(opened({ node: 'http://127.0.0.1:1' })).rejects.toMatchObject({ code: 'SINK_SEARCH_UNREACHABLE' });
  });
});

describe('rows that move', () => {
  const config = { index: '', id: '${key}', routing: '${row.name}' };

  test('a row whose month changes leaves its old index; replays change nothing', async () => {
    const base = place();
    await using sink = await opened({ ...config, index: `${base}-\${row.day:yyyy.MM}` });
    const first = { id: 1, name: 'a', day: '2026-01-31' };
    const second = { ...first, day: '2026-02-01' };
    const all = [change(1, { id: 1 }, first, 'c'), put(2, second, first)];
    expect(await applied(sink, ...all)).toEqual(['applied', 'applied']);
    expect(await store.source(`${base}-2026.01`, '1', 'a')).toBeUndefined();
    expect(await store.source(`${base}-2026.02`, '1', 'a')).toEqual(second);
    expect(await applied(sink, ...all)).toEqual(['stale', 'stale']);
    expect(await store.source(`${base}-2026.01`, '1', 'a')).toBeUndefined();
    const gone = { ...change(3, { id: 1 }), before: second };
    expect(await applied(sink, gone)).toEqual(['applied']);
    expect(await store.source(`${base}-2026.02`, '1', 'a')).toBeUndefined();
  });

  test('a row whose routing changes is not left in its old shard', async () => {
    const index = place();
    await using sink = await opened({ ...config, index, settings: '{"number_of_shards": 5}' });
    const names = ['a', 'b', 'c', 'd', 'e', 'f'];
    let before: Row | null = null;
    for (const [version, name] of names.entries()) {
      const row: Row = { id: 1, name };
      const moved = before === null ? change(version + 1, { id: 1 }, row, 'c') : put(version + 1, row, before);
      expect(await applied(sink, moved)).toEqual(['applied']);
      before = row;
    }
    await store.must('POST', `${index}/_refresh`);
    expect(await store.must('POST', `${index}/_count`)).toMatchObject({ count: 1 });
  });

  test('an update that does not say where the row was stops the writer', async () => {
    await using sink = await opened({ ...config, index: place() });
    await expect(applied(sink, put(1, { id: 1, name: 'a' }))).rejects.toMatchObject({ code: 'SINK_SEARCH_PLACE' });
  });
});

test('onDelete: mark leaves a document whose version is never forgotten', async () => {
  const index = place();
  await using sink = await opened({ index, onDelete: 'mark' });
  await applied(sink, put(1, { id: 1, name: 'a' }), change(2, { id: 1 }));
  expect(await store.source(index, '1')).toEqual({ _deleted: true });
  expect(await applied(sink, put(1, { id: 1, name: 'a' }))).toEqual(['stale']);
  expect(await applied(sink, put(3, { id: 1, name: 'b' }))).toEqual(['applied']);
  expect(await store.source(index, '1')).toEqual({ id: 1, name: 'b' });
});

test('a row that lacks columns is refused: what it lacks would be lost', async () => {
  await using sink = await opened({ index: place() });
  const part: Change = { ...put(1, { id: 1 }), absent: { before: [], after: ['name'] } };
  await expect(applied(sink, part)).rejects.toMatchObject({ code: 'ROW_PARTIAL' });
});
