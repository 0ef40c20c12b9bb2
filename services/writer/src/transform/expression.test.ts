import { describe, expect, test } from '@jest/globals';
import { type Change, change } from '@tapline/sink';
import { compileExpression } from './expression.ts';

const paid: Change = change(
  1,
  { id: 7 },
  { id: 7, status: 'paid', total: '12.50', big: 9007199254740993n, note: null, flag: true, 'odd name': 1 },
);

function holds(text: string, one: Change = paid): boolean {
  return compileExpression(text, 'transform[0].filter')(one);
}

describe('the filter language', () => {
  test.each([
    ["op in ['c', 'u']", true],
    ["op not in ['c', 'u']", false],
    ["op == 'd'", false],
    ["row.status == 'paid' and row.total > 10", true],
    ["row.status == 'paid' && !(row.total > 10)", false],
    ["row.status == 'open' or row.total >= 12.5", true],
    ['row.total == 12.5', true],
    ["row.total == '12.5'", false],
    ['row.big == 9007199254740993', true],
    ['row.big == 9007199254740992', false],
    ['row.big > 9007199254740992', true],
    ['row.note == null', true],
    ['row.note != null', false],
    ["row.note != 'x'", true],
    ["row.note < 'x'", false],
    ['row.gone == null', true],
    ['row.flag', true],
    ['not row.flag', false],
    ["row['odd name'] == 1", true],
    ["table == 'item' and db == 'shop' and source == 'suite'", true],
    ['key.id in [7, 8]', true],
    ['key.id in []', false],
    ["row.status > 'p' and row.status < 'q'", true],
    ['true', true],
    ['false or (true and not false)', true],
    ["row.status in ['it\\'s', \"paid\"]", true],
    ['-1 < 0', true],
    ['1e3 == 1000', true],
  ])('%s is %s', (text, expected) => {
    expect(holds(text)).toBe(expected);
  });

  test('a column that the row does not carry is not taken for NULL', () => {
    const part = { ...paid, before: { id: 7, note: 'x' }, absent: { before: ['status'], after: ['rest'] } };
    const expected = expect.objectContaining({ code: 'ROW_PARTIAL', message: expect.stringContaining('rest') });
    expect(() => holds('row.rest == null', part)).toThrow(expected);
    expect(() => holds("op == 'u' and after.rest == 'x'", part)).toThrow(expected);
    expect(() => holds("before.status == 'paid'", part)).toThrow(expect.objectContaining({ code: 'ROW_PARTIAL' }));
    expect(holds("row.status == 'paid' and before.note == 'x' and row.gone == null and key.rest == null", part)).toBe(
      true,
    );
  });

  test('row is the row before a delete', () => {
    const gone: Change = { ...change(2, { id: 7 }), before: { id: 7, status: 'paid' } };
    expect(holds("row.status == 'paid' and op == 'd' and after.id == null", gone)).toBe(true);
  });

  test.each([
    ["op = 'c'", 4, 'a comparison is written =='],
    ["op == 'c", 7, "no closing '"],
    ['op ==', 6, 'got the end'],
    ["op in 'c'", 7, 'expected ['],
    ['status == 1', 1, 'status is not known'],
    ['row == 1', 5, '.COLUMN'],
    ["row.status == 'a' row", 19, 'expected and, or, or the end'],
    ['(op', 4, 'expected )'],
    ['op # 1', 4, '# cannot stand here'],
    ['constructor == 1', 1, 'constructor is not known'],
    ['', 1, 'expected a field'],
  ])('%s is refused at column %i', (text, column, message) => {
    expect(() => holds(text)).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID', message: expect.stringContaining(`column ${column}:`) }),
    );
    expect(() => holds(text)).toThrow(expect.objectContaining({ message: expect.stringContaining(message) }));
  });
});
