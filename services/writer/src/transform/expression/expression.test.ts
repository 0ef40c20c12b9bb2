import { describe, expect, test } from '@jest/globals';
import { type Change, change, tombstone } from '@tapline/sink';
import { Decimal } from './decimal.ts';
import { Expressions } from './expression.ts';

const paid: Change = change(
  1,
  { id: 7 },
  {
    note: null,
    id: 7,
    status: 'paid',
    total: '12.50',
    big: 9_007_199_254_740_993n,
    rate: 0.5,
    flag: true,
    'odd name': 1,
    data: Buffer.from('ab'),
  },
);

function holds(text: string, one: Change = paid): boolean {
  return new Expressions('').condition(text, 'transform[0].filter')(one);
}

function value(text: string, one: Change = paid): unknown {
  const result = new Expressions('').value(text, 'p').evaluate(one, one.after, 'after');
  return result instanceof Decimal ? result.toString() : result;
}

describe('conditions', () => {
  test.each([
    ["op in ['c', 'u']", true],
    ["!(op in ['c', 'u'])", false],
    ["row.status == 'paid' && row.total > 10", true],
    ["row.status == 'paid' && !(row.total > 10)", false],
    ["row.status == 'open' || row.total >= 12.5", true],
    ['row.total == 12.5', true],
    ['row.total != 12.5', false],
    ['12.5 == row.total', true],
    ["row.total == '12.5'", false],
    ["decimal(row.total) == decimal('12.5')", true],
    ['row.total > 9007199254740993', false],
    ['row.big == 9007199254740993', true],
    ['row.big == 9007199254740992', false],
    ['row.big > 9007199254740992', true],
    ['row.big > row.id', true],
    ['row.id == 7', true],
    ['row.id in [7, 8]', true],
    ['row.id in []', false],
    ['row.id % 2 == 1', true],
    ['row.note == null', true],
    ['row.note != null', false],
    ["row.note != 'x'", true],
    ["row.note < 'x'", false],
    ['row.note > 1 || row.note <= 1', false],
    ['row.flag', true],
    ["row['odd name'] == 1", true],
    ["row.data == b'ab'", true],
    ["table == 'item' && db == 'shop' && source == 'suite'", true],
    ["topic.startsWith('suite.')", true],
    ["row.status > 'p' && row.status < 'q'", true],
    ["row.status.matches('^pa')", true],
    ['has(row.gone) && row.gone == 1', false],
    ["before.status == 'x'", false],
    ['before.status == null', true],
    ['1e3 == 1000.0', true],
  ])('%s is %s', (text, expected) => {
    expect(holds(text)).toBe(expected);
  });

  test('a column that the row does not carry is not taken for NULL', () => {
    const part = { ...paid, before: { id: 7, note: 'x' }, absent: { before: ['status'], after: ['rest'] } };
    const expected = expect.objectContaining({ code: 'ROW_PARTIAL', message: expect.stringContaining('rest') });
    expect(() => holds('row.rest == null', part)).toThrow(expected);
    expect(() => holds("op == 'u' && after['rest'] == 'x'", part)).toThrow(expected);
    expect(() => holds("before.status == 'paid'", part)).toThrow(expect.objectContaining({ code: 'ROW_PARTIAL' }));
    expect(holds("row.status == 'paid' && before.note == 'x'", part)).toBe(true);
    // What another condition decides is not asked for.
    expect(holds("op == 'c' && row.rest == 'x'", part)).toBe(false);
  });

  test('a column that nobody has heard of stops the writer', () => {
    expect(() => holds("row.statsu == 'paid'")).toThrow(
      expect.objectContaining({
        code: 'TRANSFORM_COLUMN',
        disposition: 'fatal',
        message: expect.stringContaining('row.statsu'),
      }),
    );
  });

  test('row is the row before a delete; a tombstone, which has none, is let through', () => {
    const gone: Change = { ...change(2, { id: 7 }), before: { id: 7, status: 'paid' } };
    expect(holds("row.status == 'paid' && op == 'd' && after.id == null", gone)).toBe(true);
    expect(holds("row.status == 'open'", gone)).toBe(false);
    expect(holds("row.status == 'open'", tombstone(3, { id: 7 }))).toBe(true);
    expect(holds("op != 'd'", tombstone(3, { id: 7 }))).toBe(false);
    expect(holds('key.id == 8', tombstone(3, { id: 7 }))).toBe(false);
  });

  test('values that do not go together are poison, and are not shown', () => {
    for (const text of ['row.status > 5', "row.note.startsWith('x')", 'row.data < 5', 'row.id % 0 == 0']) {
      expect(() => holds(text)).toThrow(expect.objectContaining({ code: 'TRANSFORM_FAILED', disposition: 'poison' }));
    }
    expect(() => holds('row.status > 5')).not.toThrow(
      expect.objectContaining({ message: expect.stringContaining('paid') }),
    );
  });
});

test.each([
  ['row.id + 1', 8n],
  ['row.big + row.id', 9_007_199_254_741_000n],
  ['row.big * 2', 18_014_398_509_481_986n],
  ['row.rate * row.id', 3.5],
  ['row.id / 2', 3.5],
  ['decimal(row.total) * row.id', '87.50'],
  ['decimal(row.total) + row.rate', '13.00'],
  ['round(decimal(row.total) * row.rate, 2)', '6.25'],
  ['row.note + 1', null],
  ["coalesce(row.note, 'none')", 'none'],
  ["row.status.upperAscii() + '-' + string(row.id)", 'PAID-7'],
  ["row.flag ? 'yes' : 'no'", 'yes'],
  ['hash(row.note)', null],
  ["hash('a')", 'ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb'],
  ['size(row.status)', 4n],
])('%s gives %p', (text, expected) => {
  expect(value(text)).toEqual(expected);
});

describe('what is refused when the configuration is read', () => {
  test.each([
    ["op = 'c'", 4],
    ["op == 'c", 7],
    ['op ==', 6],
    ["op in 'c'", 1],
    ['status == 1', 1],
    ['row == 1', 1],
    ["row.status == 'a' and true", 19],
    ['(op', 4],
    ['op # 1', 4],
    ['constructor == 1', 1],
    ['evil(op)', 1],
    ['', 1],
  ])('%s, at column %i', (text, column) => {
    expect(() => holds(text)).toThrow(
      expect.objectContaining({
        code: 'CONFIG_INVALID',
        message: expect.stringMatching(/^transform\[0\]\.filter, column /),
      }),
    );
    expect(() => holds(text)).toThrow(
      expect.objectContaining({ message: expect.stringContaining(`column ${column}:`) }),
    );
  });

  test('a condition of another type, and a variable that one image does not have', () => {
    expect(() => holds('1 + 2')).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID', message: expect.stringContaining('int') }),
    );
    expect(() => value('before.id')).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }));
  });
});
