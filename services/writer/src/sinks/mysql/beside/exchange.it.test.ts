import { describe, expect, test } from '@jest/globals';
import { silentLogger } from '@tapline/kernel';
import { type Change, change, neverAborted, suiteTable } from '@tapline/sink';
import { testServers } from '@tapline/test-stack';
import { DdlBook } from '../ddl/book.ts';
import { mysqlSink } from '../index.ts';
import { Session } from '../session.ts';
import { mysqlConfig } from '../testing/bench.ts';
import { Scene } from '../testing/scene.ts';
import { besideMysql } from './config.ts';
import { MysqlExchange } from './exchange.ts';

const signal = neverAborted();
const TABLE = suiteTable({ id: 'int', u: 'varchar(20)' });
const refused = (message: RegExp): unknown =>
  expect.objectContaining({ code: 'REPLAY_INTO', message: expect.stringMatching(message) });

describe.each(['mysql', 'mariadb'] as const)('%s', (kind) => {
  test('an exchange is known to be done, and what would lose something is refused', async () => {
    const address = (await testServers(kind))[kind];
    await using scene = await Scene.open(
      address,
      TABLE,
      'CREATE TABLE item (id INT AUTO_INCREMENT PRIMARY KEY, u VARCHAR(20), n INT DEFAULT 7, KEY by_u (u), CHECK (n > 0))',
    );
    const { host, port, user, password } = address;
    const config = mysqlConfig({ host, port, user, password, database: scene.db, stateDatabase: `${scene.db}_state` });
    const context = { writer: scene.db, log: silentLogger, signal };
    const fill = async (changes: readonly Change[]): Promise<readonly string[]> => {
      const parts = { name: scene.db, log: silentLogger, signal, tables: scene.tables };
      await using sink = await mysqlSink.open(besideMysql(config, 'v2'), parts);
      return (await sink.apply(changes, signal)).verdicts;
    };
    const rows = [change(1, { id: 1 }, { id: 1, u: 'a' }), change(2, { id: 2 }, { id: 2, u: 'b' })];
    await scene.applied(rows);
    await scene.root.execute('UPDATE item SET n = 8');

    await scene.root.execute('CREATE TABLE other_v2 (id INT)');
    await using exchange = new MysqlExchange(config, 'v2', context);
    // Whoever's it is: a table of the source might go there.
    await expect(exchange.prepare(false, signal)).rejects.toEqual(refused(/other_v2 already/));
    await scene.root.execute('DROP TABLE other_v2');
    expect(await exchange.prepare(false, signal)).toBe('open');

    await scene.root.execute('CREATE TRIGGER watch AFTER INSERT ON item FOR EACH ROW SET @seen = 1');
    await expect(fill(rows)).rejects.toEqual(refused(/trigger watch/));
    await scene.root.execute('DROP TRIGGER watch');
    await expect(fill([{ ...change(1, {}, { id: 1, u: 'a' }), key: null }])).rejects.toEqual(refused(/no key/));
    expect(await fill(rows)).toEqual(['applied', 'applied']);
    expect(await exchange.prepare(true, signal)).toBe('open');

    await scene.root.execute('ALTER TABLE item ADD KEY by_n (n)');
    await expect(exchange.exchange(signal)).rejects.toEqual(refused(/was altered/));
    await scene.root.execute('ALTER TABLE item_v2 ADD KEY by_n (n)');
    await using session = await Session.open(config, signal);
    const book = new DdlBook(config, scene.db);
    await book.read(session, signal);
    await book.note(session, ['s.shop.item'], 2, signal);
    await expect(exchange.exchange(signal)).rejects.toEqual(refused(/carried out statements/));
    await session.execute(`DELETE FROM ${scene.db}_state.__ddl`, signal);

    // Applied by a member that died before it committed: it will be given again.
    const uncommitted = [change(3, { id: 1 }, { id: 1, u: 'c' })];
    expect(await scene.applied(uncommitted)).toEqual(['applied']);
    expect(await exchange.exchange(signal)).toEqual([expect.stringContaining('item_v2_old')]);
    expect(await exchange.prepare(true, signal)).toBe('exchanged');
    expect(await scene.rows()).toEqual([
      ['1', 'a', '7'],
      ['2', 'b', '7'],
    ]);
    // The versions came along: the writer goes on under the old name.
    expect(await scene.applied(rows)).toEqual(['stale', 'stale']);
    expect(await scene.applied(uncommitted)).toEqual(['applied']);
    await exchange.settled(signal);
    await expect(exchange.prepare(true, signal)).rejects.toEqual(refused(/item_v2_old already/));
  });
});

test('a name that would have to be quoted is refused, and so is a server whose changes come back', () => {
  const config = mysqlConfig({ host: 'db', user: 'u' });
  expect(besideMysql(config, 'v2')).toMatchObject({ table: '${table}_v2', suffix: '_v2' });
  expect(() => besideMysql(config, 'v-2')).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }));
  expect(() => besideMysql({ ...config, origin: 'a' }, 'v2')).toThrow(refused(/source of another reader/) as Error);
});
