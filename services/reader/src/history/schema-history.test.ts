import { describe, expect, test } from '@jest/globals';
import type { StatementEvent } from '@tapline/binlog';
import { createLogger, Redactor, TaplineError } from '@tapline/kernel';
import {
  type CatalogOptions,
  type DdlRecord,
  type HistoryRecord,
  HistoryTimeline,
  type TableName,
  type TableState,
} from '@tapline/schema';
import type { FormChange } from './form-change.ts';
import { SchemaHistory } from './schema-history.ts';
import type { StatesAt } from './states-at.ts';

const TEXT = { charset: 'utf8mb4', collation: 'utf8mb4_0900_ai_ci' };
const OPTIONS: CatalogOptions = {
  lowerCaseTableNames: 0,
  book: {
    collation: (name) => ({ name, charset: 'utf8mb4' }),
    collationById: () => undefined,
    charset: (name) => ({ name, defaultCollation: TEXT.collation, maxBytes: 4 }),
  },
  serverText: TEXT,
};
const SNAPSHOT: readonly HistoryRecord[] = [
  {
    kind: 'snapshot',
    version: 1,
    gtidSet: '',
    file: 'binlog.000001',
    position: 4,
    writtenMs: 0,
    lowerCaseTableNames: 0,
    databases: [{ name: 'shop', text: TEXT }],
  },
  { kind: 'end', version: 1, records: 0 },
];

function statement(number: number, sql: string, gtid = `u:${number}`): StatementEvent {
  const position = { file: 'binlog.000001', position: number * 100 };
  return {
    kind: 'statement',
    gtid,
    commitMicros: 0n,
    database: 'shop',
    sql,
    session: {},
    inTransaction: false,
    position,
  };
}

/** A life of the history: what stands in the topic, from which version on it goes on, and what it tells. */
class Life {
  readonly written: DdlRecord[] = [];
  readonly altered: string[] = [];
  readonly approved: string[] = [];
  readonly asked: string[] = [];
  readonly history: SchemaHistory;

  constructor(
    records: readonly HistoryRecord[] = SNAPSHOT,
    { version = 1, behind = async () => NOTHING }: { version?: number; behind?: () => Promise<StatesAt> } = {},
  ) {
    const timeline = new HistoryTimeline();
    for (const record of records) timeline.add(record);
    this.history = new SchemaHistory({
      view: timeline.at(version, OPTIONS),
      dialect: { server: { flavor: 'mysql', version: 90_700 }, catalog: OPTIONS },
      topic: {
        append: (record) => {
          this.written.push(record as DdlRecord);
          return undefined;
        },
        durable: () => undefined,
      },
      isCaptured: (database, table) => database === 'shop' && table !== 'aside',
      statesBehind: (event, tables) => {
        this.asked.push(`${event.gtid} ${tables.map(({ name }) => name).join()}`);
        return behind();
      },
      isPassedOver: (sql) => sql.endsWith('/* not ours */'),
      barrierOf: (changes) => Object.fromEntries(changes.map(({ name }) => [name, [this.written.length]])),
      approve: ({ before, after }: FormChange) => {
        this.approved.push(`${columns(before)} → ${columns(after)}`);
        return columns(after) === 'b' ? 'newTopic' : 'goesOn';
      },
      altered: ({ name }: TableName) => {
        this.altered.push(name);
      },
      log: createLogger({ level: 'error', format: 'json', redactor: new Redactor(), fields: {} }),
    });
  }

  columns(name: string): string {
    const state = this.history.catalog.table({ database: 'shop', name });
    return state === undefined ? 'none' : columns(state);
  }
}

const NOTHING: StatesAt = { databases: [], states: [], later: [] };
/** As nobody can read it. */
const UNREADABLE = 'ALTER TABLE t MODIFY a FUTURE_TYPE(';

function columns({ columns: list, unread }: TableState): string {
  return unread === undefined ? list.map(({ name }) => name).join() : 'unread';
}

describe('a replay', () => {
  const first = new Life();
  const statements = [
    statement(1, 'CREATE TABLE t (a INT)'),
    statement(2, 'CREATE TABLE IF NOT EXISTS t (zzz INT)'),
    statement(3, 'ALTER TABLE t ADD COLUMN b INT'),
    statement(4, 'GRANT ALL ON *.* TO x'),
    statement(5, 'RENAME TABLE t TO u'),
  ];
  for (const event of statements) void first.history.statement(event);
  const topic = [...SNAPSHOT, ...first.written];

  test('what changes nothing takes no version', () => {
    expect(first.written.map(({ version, sql }) => `${version} ${sql.slice(0, 6)}`)).toEqual([
      '2 CREATE',
      '3 ALTER ',
      '4 RENAME',
    ]);
    expect(first.altered).toEqual(['t', 't', 't', 'u']);
  });

  test('what changes captured tables has its place in their topics beside it', () => {
    expect(first.written.map(({ barrier }) => barrier)).toEqual([{ t: [0] }, { t: [1] }, { t: [2], u: [2] }]);
    const aside = new Life();
    void aside.history.statement(statement(1, 'CREATE TABLE other (a INT) /* not ours */'));
    void aside.history.statement(statement(1, 'CREATE TABLE aside (a INT)'));
    expect(aside.written.map(({ barrier, server }) => [barrier, server])).toEqual([
      [undefined, undefined],
      [undefined, undefined],
    ]);
  });

  test.each([1, 2, 3, 4])('from version %i meets what stands in the topic, and writes nothing twice', (version) => {
    const next = new Life(topic, { version });
    for (const event of statements.slice([0, 0, 1, 3, 5][version])) void next.history.statement(event);
    void next.history.statement(statement(6, 'ALTER TABLE u ADD COLUMN c INT'));
    expect(next.written.map((record) => record.version)).toEqual([5]);
    expect(next.columns('u')).toBe('a,b,c');
  });

  test('on a server that numbers and places them otherwise they are the same', () => {
    const next = new Life(topic);
    for (const event of statements) {
      void next.history.statement({ ...event, gtid: '', position: { file: 'other.000009', position: 7 } });
    }
    expect(next.written).toEqual([]);
    expect(next.history.version).toBe(4);
  });

  test.each([
    ['another statement', statement(1, 'CREATE TABLE t (x INT)')],
    ['the same statement of another transaction', statement(9, 'CREATE TABLE t (a INT)')],
  ])('that meets %s is refused', (_, event) => {
    const next = new Life(topic);
    let code = '';
    try {
      void next.history.statement(event);
    } catch (error) {
      code = error instanceof TaplineError ? error.code : String(error);
    }
    expect(code).toBe('SCHEMA_HISTORY_MISMATCH');
    expect(next.written).toEqual([]);
  });
});

describe('a statement that cannot be read', () => {
  test('of a table that nobody captures stops nobody', async () => {
    const life = new Life();
    await life.history.statement(statement(1, 'CREATE TABLE aside (a INT)'));
    await life.history.statement(statement(2, UNREADABLE.replace(' t ', ' aside ')));
    expect(life.asked).toEqual([]);
    expect(life.columns('aside')).toBe('unread');
    await life.history.statement(statement(3, 'DROP TABLE aside'));
    await life.history.statement(statement(4, 'CREATE TABLE aside (b INT)'));
    expect(life.columns('aside')).toBe('b');
  });

  test('of a captured table: the source is asked what it made of it, once, and a replay asks no more', async () => {
    const state: TableState = { database: 'shop', name: 't', text: TEXT, columns: [], keys: [] };
    const life = new Life(SNAPSHOT, { behind: async () => ({ ...NOTHING, states: [state] }) });
    await life.history.statement(statement(1, 'CREATE TABLE t (a INT)'));
    await life.history.statement(statement(2, UNREADABLE));
    expect(life.asked).toEqual(['u:2 t']);
    expect(life.columns('t')).toBe('');
    const next = new Life([...SNAPSHOT, ...life.written]);
    await next.history.statement(statement(1, 'CREATE TABLE t (a INT)'));
    await next.history.statement(statement(2, UNREADABLE));
    expect(next.asked).toEqual([]);
    expect(next.columns('t')).toBe('');
  });

  test('of a captured table that was altered again since: unknown until there, and known behind it, also to the next life', async () => {
    const state: TableState = { database: 'shop', name: 't', text: TEXT, columns: [], keys: [] };
    const at = { gtid: 'u:5', file: 'binlog.000001', position: 500 };
    const unknown = { ...state, unread: 'altered since' };
    const later = [{ database: 'shop', name: 't', at, state }];
    const life = new Life(SNAPSHOT, { behind: async () => ({ databases: [], states: [unknown], later }) });
    await life.history.statement(statement(1, 'CREATE TABLE t (a INT)'));
    await life.history.statement(statement(2, UNREADABLE));
    expect(life.columns('t')).toBe('unread');
    for (const follower of [life, new Life([...SNAPSHOT, ...life.written], { version: 3 })]) {
      await follower.history.statement(statement(4, 'ALTER TABLE t ADD COLUMN c INT'));
      expect(follower.columns('t')).toBe('unread');
      await follower.history.statement(statement(5, 'ALTER TABLE t ADD COLUMN d INT'));
      expect(follower.columns('t')).toBe('');
    }
  });
});

test('a table made anew is compared with the one that had its name, also in a life that has not seen that one', () => {
  const first = new Life();
  void first.history.statement(statement(1, 'CREATE TABLE t (a INT)'));
  void first.history.statement(statement(2, 'DROP TABLE t'));
  const next = new Life([...SNAPSHOT, ...first.written], { version: 3 });
  for (const life of [first, next]) {
    void life.history.statement(statement(3, 'CREATE TABLE t (b INT)'));
    expect(life.approved).toEqual(['a → b']);
    // The policy of this test: it gets a topic of its own.
    expect(life.history.topicNumber({ database: 'shop', name: 't' })).toBe(2);
    expect(life.history.renewed()).toEqual([{ database: 'shop', name: 't' }]);
    expect(life.history.renewed()).toEqual([]);
  }
  const replaying = new Life([...SNAPSHOT, ...first.written], { version: 3 });
  void replaying.history.statement(statement(3, 'CREATE TABLE t (b INT)'));
  expect(replaying.approved).toEqual([]);
  expect(replaying.history.renewed()).toHaveLength(1);
  const behind = new Life([...SNAPSHOT, ...first.written], { version: 4 });
  expect(behind.history.topicNumber({ database: 'shop', name: 't' })).toBe(2);
  expect(behind.history.renewed()).toEqual([]);
});
