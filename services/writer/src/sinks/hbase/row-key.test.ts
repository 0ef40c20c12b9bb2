import { describe, expect, test } from '@jest/globals';
import { change, type Row, type Value } from '@tapline/sink';
import { compileRowKey, evenSplits } from './row-key.ts';

function rowKey(template: string, key: Row): Buffer {
  return compileRowKey(template)(change(1, key, key));
}

const hex = (template: string, id: Value): string => rowKey(template, { id }).toString('hex');

describe('row keys', () => {
  test.each([
    ['${key}', { id: 7 }, '7'],
    ['${key}', { a: 'x:y', b: 2 }, 'x%3Ay:2'],
    ['${table}-${key.id}', { id: 'zażółć' }, 'item-zażółć'],
    ['${key.id:pad6}', { id: 42 }, '000042'],
    ['${key.host:reverse}/${key.id}', { host: 'com.exämple', id: 1 }, 'elpmäxe.moc/1'],
    ['${hash:4}-${key}', { id: 1 }, 'c4ca-1'],
  ])('%s', (template, key, expected) => {
    expect(rowKey(template, key as Row).toString()).toBe(expected);
  });

  test.each([
    ['int8', [-128, -1, 0, 1, 127]],
    ['int32', [-2_147_483_648, -1, 0, 1, 2_147_483_647]],
    ['int64', [-(2n ** 63n), -5, 0, 5, 2n ** 63n - 1n]],
    ['uint64', [0, 1, 2n ** 63n, 2n ** 64n - 1n]],
    [
      'decimal(20,4)',
      ['-9999999999999999.9999', '-1.5', '-0.0001', '0', '0.0001', '1.5', '2', '9999999999999999.9999'],
    ],
    ['pad12', [0, 9, 10, 123_456_789_012]],
    ['text8', ['', 'a', 'ab', 'b', 'zzzzzzzz']],
  ])('%s is of one width and sorts as its values do', (form, values) => {
    const keys = (values as Value[]).map((value) => hex(`\${key.id:${form}}`, value));
    expect(new Set(keys.map((key) => key.length)).size).toBe(1);
    expect(keys.toSorted()).toEqual(keys);
    if (form.startsWith('pad')) return;
    const turned = (values as Value[]).map((value) => hex(`\${key.id:${form}:desc}`, value));
    expect(turned.toSorted().toReversed()).toEqual(turned);
  });

  test('bytes may be turned round, so that growing numbers are spread', () => {
    expect(hex('${key.id:uint32:reverse}', 1)).toBe('01000000');
  });

  test.each([
    ['${key.id:int8}', 128],
    ['${key.id:uint8}', -1],
    ['${key.id:int32}', 'seven'],
    ['${key.id:int32}', 1.5],
    ['${key.id:decimal(4,2)}', '1.234'],
    ['${key.id:pad3}', 1000],
    ['${key.id:pad3}', -1],
    ['${key.id:text3}', 'four'],
  ])('%s of %s is poison', (template, id) => {
    expect(() => rowKey(template, { id })).toThrow(
      expect.objectContaining({ code: 'SINK_HBASE_ROW', disposition: 'poison' }),
    );
  });

  test('a key column that is not there is said', () => {
    expect(() => rowKey('${key.other:int32}', { id: 1 })).toThrow(expect.objectContaining({ code: 'SINK_KEY' }));
  });

  test.each([
    '${key.id:int7}',
    '${key.id:pad3:desc}',
    '${salt:1}',
    '${hash:33}',
    '${row.id:int8}',
    '${key.id:int8',
    '${nothing}',
  ])('%s is refused', (template) => {
    expect(() => compileRowKey(template)).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }));
  });

  test('a salt is one of so many, always the same, and spreads keys evenly', () => {
    const counts = new Map<string, number>();
    const salted = compileRowKey('${salt:16}-${key}');
    for (let id = 0; id < 3200; id++) {
      const key = salted(change(1, { id }, { id })).toString();
      expect(key).toMatch(new RegExp(`^[0-9a-f]-${id}$`));
      counts.set(key.slice(0, 1), (counts.get(key.slice(0, 1)) ?? 0) + 1);
    }
    expect(counts.size).toBe(16);
    for (const count of counts.values()) expect(count).toBeGreaterThan(100);
  });
});

describe('splits', () => {
  test.each([
    ['${salt:16}-${key}', 4, ['4', '8', 'c']],
    ['${salt:20}-${key}', 4, ['05', '0a', '0f']],
    ['${hash:2}${key}', 4, ['40', '80', 'c0']],
    ['${key}', 1, []],
  ])('%s in %d regions', (template, regions, expected) => {
    expect(evenSplits(template, regions).map(String)).toEqual(expected);
  });

  test.each([
    ['${key}', 4],
    ['${salt:4}${key}', 5],
    ['${hash:1}${key}', 17],
  ])('%s cannot be split in %d', (template, regions) => {
    expect(() => evenSplits(template, regions)).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }));
  });
});
