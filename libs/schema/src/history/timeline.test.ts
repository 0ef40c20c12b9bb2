import { describe, expect, test } from '@jest/globals';
import { TaplineError } from '@tapline/kernel';
import type { CatalogOptions } from '../ddl/catalog.ts';
import type { TableState } from '../ddl/table-state.ts';
import { diffCatalogs } from './diff.ts';
import { decodeHistoryRecord, encodeHistoryRecord, type HistoryRecord, keptSql } from './record.ts';
import { HistoryTimeline } from './timeline.ts';

const none = (): undefined => undefined;
const OPTIONS: CatalogOptions = {
  lowerCaseTableNames: 0,
  book: { collation: none, collationById: none, charset: none },
  serverText: { charset: 'utf8mb4', collation: 'utf8mb4_0900_ai_ci' },
};

function table(name: string, ...columns: readonly string[]): TableState {
  return {
    database: 'shop',
    name,
    text: OPTIONS.serverText,
    columns: columns.map((column) => ({
      name: column,
      type: 'int',
      columnType: 'int',
      nullable: column !== 'id',
      unsigned: false,
    })),
    keys: [{ kind: 'primary', name: 'PRIMARY', parts: [{ column: 'id', prefix: undefined }], visible: true }],
  };
}

function snapshot(version: number, tables: readonly TableState[], replaces?: number): HistoryRecord[] {
  const place = { gtidSet: `u:1-${version}`, file: 'binlog.000001', position: version * 100 };
  return [
    {
      kind: 'snapshot',
      version,
      ...place,
      writtenMs: 0,
      lowerCaseTableNames: 0,
      databases: [{ name: 'shop', text: OPTIONS.serverText }],
      ...(replaces === undefined ? {} : { replaces }),
    },
    ...tables.map((state): HistoryRecord => ({ kind: 'table', version, state })),
    { kind: 'end', version, records: tables.length },
  ];
}

function ddl(version: number, changes: Extract<HistoryRecord, { kind: 'ddl' }>['changes']): HistoryRecord {
  return {
    kind: 'ddl',
    version,
    at: { gtid: `u:${version}`, file: 'binlog.000001', position: version * 100 },
    commitMicros: '0',
    database: 'shop',
    session: {},
    sql: `statement ${version}`,
    sqlHash: String(version),
    databases: [],
    changes,
    later: [],
  };
}

function timeline(...records: readonly HistoryRecord[]): HistoryTimeline {
  const result = new HistoryTimeline();
  records.forEach((record, i) => {
    result.add(decodeHistoryRecord(encodeHistoryRecord(record), { topic: 't', offset: BigInt(i) }));
  });
  return result;
}

const names = (history: HistoryTimeline, version: number): string[] =>
  [...history.at(version, OPTIONS).catalog.tables()].map(
    ({ name, columns }) => `${name}(${columns.map((column) => column.name).join()})`,
  );

function codeOf(work: () => unknown): string {
  try {
    work();
    return 'nothing thrown';
  } catch (error) {
    return error instanceof TaplineError ? error.code : String(error);
  }
}

describe('the records of a history', () => {
  const records = [
    ...snapshot(1, [table('a', 'id'), table('b', 'id', 'x')]),
    ddl(2, [{ database: 'shop', name: 'a', state: table('a', 'id', 'y') }]),
    ddl(3, [
      { database: 'shop', name: 'a', state: null },
      { database: 'shop', name: 'c', state: table('c', 'id', 'y') },
    ]),
  ];

  test('each version is what it was, and what stands beyond it is told', () => {
    const history = timeline(...records);
    expect(names(history, 1)).toEqual(['a(id)', 'b(id,x)']);
    expect(names(history, 2)).toEqual(['a(id,y)', 'b(id,x)']);
    expect(names(history, 3)).toEqual(['b(id,x)', 'c(id,y)']);
    expect(history.at(1, OPTIONS).beyond.map(({ version }) => version)).toEqual([2, 3]);
    expect(history.newest).toBe(3);
  });

  test('a version that the topic does not have is lost, also where it ends before it', () => {
    const history = timeline(...records);
    expect(codeOf(() => history.at(4, OPTIONS))).toBe('SCHEMA_HISTORY_LOST');
    expect(codeOf(() => timeline().at(1, OPTIONS))).toBe('SCHEMA_HISTORY_LOST');
    expect(codeOf(() => timeline(...records.slice(0, 2)).at(1, OPTIONS))).toBe('SCHEMA_HISTORY_LOST');
  });

  test('a snapshot that was broken off counts for nothing, and what stands behind it belongs to the one before', () => {
    const broken = snapshot(4, [table('z', 'id')]).slice(0, 2);
    const next = ddl(5, [{ database: 'shop', name: 'b', state: null }]);
    expect(names(timeline(...records, ...broken, next), 5)).toEqual(['c(id,y)']);
    expect(names(timeline(...records, ...broken, ...snapshot(5, [table('q', 'id')])), 5)).toEqual(['q(id)']);
  });

  test('a rebuilt snapshot stands for the version that it replaces, and nothing that came behind that is met again', () => {
    const history = timeline(...records, ...snapshot(4, [table('n', 'id')], 2));
    expect(history.at(2, OPTIONS)).toMatchObject({ version: 4, beyond: [] });
    expect(names(history, 2)).toEqual(['n(id)']);
    expect(names(history, 1)).toEqual(['a(id)', 'b(id,x)']);
  });

  test('the number of a table’s topic is known from every version on, and kept by snapshots', () => {
    const renewed = ddl(4, [{ database: 'shop', name: 'b', state: table('b', 'x'), topic: 2 }]);
    const history = timeline(
      ...records,
      renewed,
      ddl(5, [{ database: 'shop', name: 'b', state: table('b', 'x', 'y') }]),
    );
    expect(history.at(3, OPTIONS).topics.size).toBe(0);
    expect([...history.at(5, OPTIONS).topics.values()]).toEqual([2]);
    for (const record of snapshot(6, [table('b', 'x')])) history.add(record);
    expect([...history.topics.values()]).toEqual([2]);
  });

  test('what cannot be read spoils the versions behind it, until a snapshot begins anew', () => {
    const history = timeline(...records.slice(0, 4));
    const unreadable = (): unknown => decodeHistoryRecord(Buffer.from('{"format":2}'), { topic: 't', offset: 9n });
    expect(codeOf(unreadable)).toBe('SCHEMA_HISTORY_UNREADABLE');
    history.addDamage(new TaplineError('SCHEMA_HISTORY_UNREADABLE', { message: 'x' }));
    expect(codeOf(() => history.at(1, OPTIONS))).toBe('SCHEMA_HISTORY_UNREADABLE');
    for (const record of snapshot(3, [table('n', 'id')], 1)) history.add(record);
    expect(names(history, 1)).toEqual(['n(id)']);
  });

  test('differences are told as people read them', () => {
    const history = timeline(...records);
    const [from, to] = [history.at(1, OPTIONS), history.at(3, OPTIONS)];
    expect(diffCatalogs(from.catalog.tables(), to.catalog.tables())).toEqual(['- shop.a', '+ shop.c']);
    expect(diffCatalogs([table('a', 'id', 'x', 'y')], [table('a', 'id', 'y', 'x', 'z')])).toEqual([
      '~ shop.a',
      '    + column z int',
      '    ~ order id, x, y → id, y, x',
    ]);
  });
});

test('no password is kept, and long statements not whole', () => {
  const federated =
    "CREATE TABLE f (a INT) ENGINE=FEDERATED CONNECTION='mysql://u:geh''eim@h/d/t' COMMENT='password: none'";
  expect(keptSql(federated)).toBe("CREATE TABLE f (a INT) ENGINE=FEDERATED CONNECTION='***' COMMENT='password: none'");
  expect(keptSql('x'.repeat(100_000)).length).toBeLessThan(40_000);
});
