import { describe, expect, test } from '@jest/globals';
import type { Column, Table } from '@tapline/schema';
import { compileCondition } from './compile.ts';
import { parseExpression } from './parse.ts';

const column = (name: string, type: string, rest: Partial<Column> = {}): Column => ({
  name,
  type,
  columnType: type,
  nullable: true,
  unsigned: false,
  ...rest,
});
const table: Table = {
  database: 'shop',
  name: 'orders',
  columns: [
    column('id', 'int'),
    column('status', 'varchar', { charset: 'utf8mb4' }),
    column('total', 'decimal', { precision: 20, scale: 2 }),
    column('big', 'bigint', { unsigned: true }),
    column('day', 'date'),
    column('at', 'datetime', { fsp: 6 }),
    column('ts', 'timestamp'),
    column('took', 'time'),
    column('ratio', 'double'),
    column('bytes', 'varbinary'),
    column('place', 'geometry'),
    column('order', 'int'),
  ],
  uniqueKeys: [],
};
const TEXTS = ['7', 'päid', '10.50', '18446744073709551615', '2026-02-28', '2026-02-28 10:00:00.000001', '1772272800'];
const row = [...TEXTS, '-01:30:00', '0.5', 'ab', null, null].map((text) => (text === null ? null : Buffer.from(text)));

const holds = (expression: string): boolean =>
  compileCondition(expression, table, undefined).holds({ image: undefined, text: row });

test.each([
  'id = 7',
  'ID = 7.00 AND `order` IS NULL',
  "status = 'päid' AND status <> 'PÄID' AND LOWER(UPPER(status)) = status",
  "status LIKE 'p_id' AND status LIKE '%d' AND status NOT LIKE 'P%' AND status LIKE '%p%i%'",
  "CONCAT(LEFT(status, 2), '-', RIGHT(status, 1), SUBSTRING(status, -2)) = 'pä-did' AND CHAR_LENGTH(status) = 4",
  'total > 10.4999 AND total < 10.501 AND total = 10.5 AND total * 2 = 21 AND total - 0.25 = 10.25',
  'big = 18446744073709551615 AND big > 18446744073709551614 AND big - 1 < 18446744073709551615',
  "day = '2026-02-28' AND day < '2026-02-28 00:00:01' AND day BETWEEN '2026-01-01' AND '2026-12-31'",
  "at > '2026-02-28 10:00' AND at > day AND at < '2026-02-28T10:00:00.000002'",
  "ts = '2026-02-28 10:00:00' AND took < '00:00:00' AND took = '-01:30:00'",
  "ratio = 0.5 AND ratio / 0 IS NULL AND bytes = x'6162' AND bytes = 'ab' AND ABS(-id) % 4 = 3",
  "place IS NULL AND NOT (id IN (1, 2)) AND status IN ('x', 'päid') AND COALESCE(`order`, id) = 7",
  'NOT id = 8 AND (id = 8 OR TRUE) AND id',
  "'it''s' = CONCAT('it', '''', 's')",
])('%s', (expression) => {
  expect(holds(expression)).toBe(true);
});

test.each([
  '`order` = 1',
  '`order` <> 1',
  'NOT (`order` = 1)',
  'id NOT IN (1, NULL)',
  '`order` = 1 AND TRUE',
  'NULL',
  'id = NULL',
  "status LIKE 'paid'",
  'id % 0 = 1',
])('not known is not true: %s', (expression) => {
  expect(holds(expression)).toBe(false);
});

describe('what is wrong is told with its place, before any row comes', () => {
  test.each([
    ['id = ', 'at its end', 'missing'],
    ['id == 1', 'character 5', 'missing'],
    ['id = 1 status', 'character 8 (status)', 'AND or OR'],
    ['(id = 1', 'at its end', ')'],
    ['id ? 1', 'character 4', 'nothing begins'],
    ['id NOT 1', 'character 8', 'BETWEEN'],
    ['status LIKE id', 'character 13', 'a text in quotes'],
  ])('%s', (expression, place, message) => {
    expect(() => parseExpression(expression)).toThrow(
      expect.objectContaining({
        code: 'SHAPE_MISMATCH',
        message: expect.stringMatching(new RegExp(`${escape(place)}.*${escape(message)}`)),
      }),
    );
  });

  test.each([
    ['stauts = 1', 'character 1', 'no column stauts; it has id, status'],
    ['id = 1 AND status = 2', 'character 21', 'a number does not compare with a text'],
    ["day = 'tomorrow'", 'character 7', "'tomorrow' is not a date"],
    ['place = 1', 'character 9', 'does not compare'],
    ['status', 'character 1', 'a condition is expected'],
    ['status + 1 = 2', 'character 1', '+ takes numbers'],
    ['SLEEP(1)', 'character 1', 'no function SLEEP'],
    ['LOWER(id) = 1', 'character 7', 'LOWER takes a text'],
    ["LEFT('x') = 'x'", 'character 1', 'LEFT takes text, exact'],
    ["took > '2026-01-01'", 'character 8', 'is not a time'],
  ])('%s', (expression, place, message) => {
    expect(() => compileCondition(expression, table, undefined)).toThrow(
      expect.objectContaining({
        code: 'SHAPE_MISMATCH',
        message: expect.stringMatching(new RegExp(`${escape(place)}.*${escape(message)}`)),
      }),
    );
  });

  test('nesting without end', () => {
    expect(() => parseExpression('('.repeat(100_000))).toThrow(expect.objectContaining({ code: 'SHAPE_MISMATCH' }));
  });
});

function escape(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
