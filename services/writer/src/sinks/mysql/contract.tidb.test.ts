import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { connect, type MysqlConnection } from '@tapline/mysql';
import { change, contractCases, suiteTable } from '@tapline/sink';
import { findTidb, MovingAddress, openStack, type SqlAddress, type Stack } from '@tapline/test-stack';
import { MysqlBench, mysqlConfig } from './testing/bench.ts';
import { offsetCases } from './testing/offset-cases.ts';
import { Scene } from './testing/scene.ts';
import { sceneCases } from './testing/scene-cases.ts';

// Built here where it is not there: for an hour and more, so it is no test's time.
const program = await findTidb();
const has = { triggers: false, rowLimit: false };

let stack: Stack;
let address: SqlAddress;
let root: MysqlConnection;

beforeAll(async () => {
  if (program === undefined) return;
  stack = await openStack({});
  ({ address } = await stack.add('tidb'));
  root = await connect(address);
}, 300_000);

afterAll(async () => {
  await root?.[Symbol.asyncDispose]();
  await stack?.[Symbol.asyncDispose]();
});

const tidb = program === undefined ? describe.skip : describe;

tidb('TiDB as the target', () => {
  let link: { address: MovingAddress; target: number };
  let places = 0;

  beforeAll(async () => {
    // Checks are how a case has the target refuse a row.
    await root.execute('SET GLOBAL tidb_enable_check_constraint = ON');
    await root.execute("CREATE USER 'writer'@'%' IDENTIFIED BY 'w'");
    await root.execute("GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, ALTER ON *.* TO 'writer'@'%'");
    link = { address: await MovingAddress.open(address.port), target: address.port };
  });

  afterAll(async () => {
    await link?.address[Symbol.asyncDispose]();
  });

  // A row of 10 MB: with its limit raised so far, the store in memory ends the server.
  const cases = contractCases().filter(({ name }) => name !== 'a huge row goes through');

  test.each(cases)('$name', async (one) => {
    const config = mysqlConfig({ user: 'writer', password: 'w' });
    const place = `contract${++places}`;
    await one.run(new MysqlBench({ root, config, link, table: one.table, place, readOnly: 'tidb_super_read_only' }));
  });
});

tidb('what guards a table', () => offsetCases(() => Promise.resolve(address), has));
tidb('rows and tables', () => sceneCases(() => Promise.resolve(address), has));

tidb('what TiDB has not', () => {
  test('room for a row beyond its limit of 6 MiB: the row is refused with the setting to raise, and the others are applied', async () => {
    await using scene = await Scene.open(address, suiteTable({ id: 'int', text: 'longtext' }));
    const texts = ['a', 'x'.repeat(7_000_000), 'b'];
    const changes = texts.map((text, id) => change(id + 1, { id }, { id, text }));
    expect(await scene.applied(changes)).toEqual(['applied', 'SINK_MYSQL_PACKET', 'applied']);
    expect(await scene.rows('id')).toEqual([['0'], ['2']]);
  });

  test('spatial types, most collations and character sets: their bytes, and ones that tell as much apart', async () => {
    const columns = { id: 'int', place: 'point', word: 'varchar(20)', old: 'varchar(20)', cyrillic: 'varchar(20)' };
    const collations: Readonly<Record<string, readonly [string, string]>> = {
      word: ['utf8mb4', 'utf8mb4_0900_as_cs'],
      old: ['latin1', 'latin1_swedish_ci'],
      cyrillic: ['koi8r', 'koi8r_general_ci'],
    };
    const plain = suiteTable(columns);
    const table = {
      ...plain,
      columns: plain.columns.map((column) => {
        const [charset = '', collation = ''] = collations[column.name] ?? [];
        return charset === '' ? column : { ...column, charset, collation };
      }),
    };
    await using scene = await Scene.open(address, table);
    const place = Buffer.from('000000000101000000000000000000f03f0000000000000040', 'hex');
    const row = { id: 1, place, word: 'Ä ', old: 'ÿ€', cyrillic: 'Ж' };
    expect(await scene.applied([change(1, { id: 1 }, row)])).toEqual(['applied']);
    expect(await scene.rows('HEX(place), word, old, cyrillic')).toEqual([
      [place.toString('hex').toUpperCase(), 'Ä ', 'ÿ€', 'Ж'],
    ]);
    const shown = await scene.rows('COLLATION(word), COLLATION(old), COLLATION(cyrillic)');
    expect(shown).toEqual([['utf8mb4_0900_bin', 'utf8mb4_bin', 'utf8mb4_bin']]);
  });
});
