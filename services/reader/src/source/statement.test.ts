import { describe, expect, test } from '@jest/globals';
import type { StatementEvent } from '@tapline/binlog';
import { refuseStatementChange } from './statement.ts';

const captured = { mayMatchIn: (database: string) => database === 'shop', names: ['shop'] };
const address = { host: 'db', port: 3306, user: 'cdc' };
const statement = (sql: string, database = 'shop'): StatementEvent => ({
  kind: 'statement',
  gtid: 'u:7',
  commitMicros: 0n,
  database,
  sql,
  session: {},
  inTransaction: true,
  position: { file: 'b.1', position: 9 },
});

describe('changes logged as statements', () => {
  test.each([
    'INSERT INTO t VALUES (1)',
    '/* app */ update t set a = 1',
    '-- x\nDELETE FROM t',
    '  REPLACE t VALUES (1)',
    'LOAD DATA INFILE "x" INTO TABLE t',
  ])('are refused with their place where they may touch a captured table: %s', (sql) => {
    expect(() => refuseStatementChange(statement(sql), captured, address)).toThrow(
      expect.objectContaining({ code: 'SOURCE_BINLOG_FORMAT', place: { address: 'db:3306', position: 'u:7' } }),
    );
  });

  test('are refused when only their text names a captured database', () => {
    expect(() => refuseStatementChange(statement('insert into SHOP.t values (1)', 'other'), captured, address)).toThrow(
      expect.objectContaining({ code: 'SOURCE_BINLOG_FORMAT' }),
    );
  });

  test.each([
    ['another database', statement('insert into t values (1)', 'other')],
    ['a savepoint', statement('SAVEPOINT `a`')],
    ['DDL', statement('ALTER TABLE t ADD updated int')],
  ])('pass otherwise: %s', (_, event) => {
    expect(() => refuseStatementChange(event, captured, address)).not.toThrow();
  });
});
