import { describe, expect, test } from '@jest/globals';
import { change, tombstone } from '@tapline/sink';
import { compileTemplate } from '../../naming/template.ts';
import { textOf } from '../../naming/values.ts';
import { checkConfig } from './check-config.ts';
import { RespBuffer } from './resp.ts';
import { redisConfig } from './testing/bench.ts';
import { jsonOf, versionText } from './values.ts';

function keyOf(template: string, one = change(1, { id: 7, sub: 'a:b%' }, {})): string {
  return compileTemplate(template, { path: 'sink.key', row: false, nullText: '' })(one);
}

describe('key templates', () => {
  test.each([
    ['${table}:${key}', 'item:7:a%3Ab%25'],
    ['${source}/${db}/${table}/${key.sub}', 'suite/shop/item/a:b%'],
    ['{${key.id}}:${topic}', '{7}:suite.shop.item'],
    ['fixed', 'fixed'],
    ['$${key.id}$', '$7$'],
  ])('%s gives %s', (template, expected) => {
    expect(keyOf(template)).toBe(expected);
  });

  test('a key of one column stands as it is, of any kind', () => {
    expect(keyOf('${key}', change(1, { id: 'a:b%' }))).toBe('a:b%');
    expect(keyOf('${key}', change(1, { id: 18446744073709551615n }))).toBe('18446744073709551615');
    expect(keyOf('${key}', change(1, { id: Buffer.from([255, 0]) }))).toBe('/wA=');
  });

  test('a tombstone has its table from the topic', () => {
    expect(keyOf('${source}:${db}:${table}:${key}', tombstone(1, { id: 7 }))).toBe('suite:shop:item:7');
  });

  test.each([
    ['${nothing}', 'column 1'],
    ['ab${row.id}', 'column 3'],
    ['ab${key.id', 'column 3'],
  ])('%s is refused at its %s', (template, column) => {
    expect(() => keyOf(template)).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID', message: expect.stringContaining(column) }),
    );
  });

  test('a record without what the template needs is an error that names it', () => {
    expect(() => keyOf('${key.other}')).toThrow(
      expect.objectContaining({ code: 'SINK_KEY', message: expect.stringContaining('id, sub') }),
    );
    expect(() => keyOf('${key}', { ...change(1, {}), key: null })).toThrow(
      expect.objectContaining({ code: 'SINK_KEY' }),
    );
  });
});

describe('values', () => {
  test('as text', () => {
    expect([0, -0, 1e21, 0.1, true, false, 2n ** 64n].map(textOf)).toEqual([
      '0',
      '-0',
      '1e+21',
      '0.1',
      '1',
      '0',
      '18446744073709551616',
    ]);
  });

  test('as JSON: the version first, integers of any size as numbers, an absent column left out', () => {
    const row = { id: 2n ** 63n, 'a"b': null, bytes: Buffer.from('x'), price: '1.10', flag: true, half: 0.5 };
    expect(jsonOf(row, '{"_v":"00"')).toBe(
      '{"_v":"00","id":9223372036854775808,"a\\"b":null,"bytes":"eA==","price":"1.10","flag":true,"half":0.5}',
    );
  });

  test('versions are 16 digits that sort as the numbers do', () => {
    const versions = [0n, 1n, 15n, 16n, 2n ** 53n, 2n ** 63n - 1n];
    const texts = versions.map(versionText);
    expect(texts.every((text) => /^[0-9a-f]{16}$/.test(text))).toBe(true);
    expect(texts.toSorted()).toEqual(texts);
    const buffer = new RespBuffer(16);
    for (const version of versions) buffer.hex64(version);
    expect(buffer.view().toString()).toBe(texts.map((text) => `$16\r\n${text}\r\n`).join(''));
  });
});

describe('bulk strings', () => {
  const texts = [
    '',
    'a',
    'x'.repeat(31),
    'x'.repeat(32),
    'x'.repeat(100_000),
    'ą',
    'ż'.repeat(40),
    '🐧'.repeat(20_000),
    'a\r\nb\0',
  ];

  test.each(texts.map((text) => ({ head: text.slice(0, 10), characters: text.length, text })))(
    'of $head, $characters characters',
    ({ text }) => {
      const buffer = new RespBuffer(16);
      buffer.text(text);
      buffer.bytes(Buffer.from(text));
      const one = `$${Buffer.byteLength(text)}\r\n${text}\r\n`;
      expect(buffer.view().toString()).toBe(one + one);
      expect(buffer.count).toBe(2);
    },
  );
});

describe('configuration that does not go together', () => {
  test.each([
    [{ as: 'string' }, 'sink.value'],
    [{ as: 'hash', value: '${row.a}' }, 'sink.value'],
    [{ mode: 'cluster', database: 1 }, 'sink.database'],
    [{ address: 'a:1,b:2' }, 'sink.address'],
    [{ key: '${row.a}' }, 'sink.key'],
  ])('%j', (given, path) => {
    expect(() => checkConfig(redisConfig(given))).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID', place: { path } }),
    );
  });

  test.each([[{ address: 'nowhere' }], [{ expiry: 1 }], [{ as: 'list' }]])('%j is refused with the file', (given) => {
    expect(() => redisConfig(given)).toThrow(expect.objectContaining({ code: expect.stringMatching(/^CONFIG_/) }));
  });
});
