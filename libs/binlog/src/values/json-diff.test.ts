import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { EventError } from '../event-errors.ts';
import { applyJsonDiffs, type ByteRange, parseJsonPath } from './json-diff.ts';
import { jsonText } from './json-text.ts';

const range = (hex: string): ByteRange => {
  // Bytes of others around it, so that an offset that is forgotten shows.
  const buffer = Buffer.from(`eeee${hex}ee`, 'hex');
  return { buffer, start: 2, end: buffer.length - 1 };
};

/** `{"a": 1, "b": [true, "x"]}` as MySQL 8.0 stores it. */
const DOCUMENT = '000200200012000100130001000501000214006162' + '02000c000401000c0a000178';
const REPLACE = '00';
const INSERT = '01';
const REMOVE = '02';
const path = (text: string): string => Buffer.from([text.length, ...Buffer.from(text)]).toString('hex');
/** One byte of length, a type, a value. */
const INT_7 = '03050700';
const TRUE = '020401';

function applied(diffs: string): string {
  const out = applyJsonDiffs(range(DOCUMENT), range(diffs));
  return jsonText(out, 0, out.length);
}

describe('differences of JSON documents', () => {
  test.each([
    [REPLACE + path('$.a') + INT_7, '{"a": 7, "b": [true, "x"]}'],
    [REPLACE + path('$.b[1]') + INT_7, '{"a": 1, "b": [true, 7]}'],
    [REPLACE + path('$.b[last]') + INT_7, '{"a": 1, "b": [true, 7]}'],
    [REPLACE + path('$.b[last-1]') + INT_7, '{"a": 1, "b": [7, "x"]}'],
    [REPLACE + path('$.a[0]') + INT_7, '{"a": 7, "b": [true, "x"]}'],
    [REPLACE + path('$') + INT_7, '7'],
    [INSERT + path('$.c') + TRUE, '{"a": 1, "b": [true, "x"], "c": true}'],
    [INSERT + path('$.""') + TRUE, '{"": true, "a": 1, "b": [true, "x"]}'],
    [INSERT + path('$."a b"') + TRUE, '{"a": 1, "b": [true, "x"], "a b": true}'],
    [INSERT + path('$.b[0]') + TRUE, '{"a": 1, "b": [true, true, "x"]}'],
    [INSERT + path('$.b[9]') + TRUE, '{"a": 1, "b": [true, "x", true]}'],
    [REMOVE + path('$.a'), '{"b": [true, "x"]}'],
    [REMOVE + path('$.b[0]') + REMOVE + path('$.b[0]'), '{"a": 1, "b": []}'],
    [INSERT + path('$.c') + TRUE + REPLACE + path('$.c') + INT_7 + REMOVE + path('$.b'), '{"a": 1, "c": 7}'],
  ])('%s gives %s', (diffs, text) => {
    expect(applied(diffs)).toBe(text);
  });

  test.each([
    [REPLACE + path('$.x') + INT_7, 'does not have'],
    [REPLACE + path('$.b[2]') + INT_7, 'does not have'],
    [REPLACE + path('$.b[last-2]') + INT_7, 'does not have'],
    [INSERT + path('$.a') + INT_7, 'that is there'],
    [INSERT + path('$.a.b') + INT_7, 'into a scalar'],
    [INSERT + path('$[0]') + INT_7, 'another kind'],
    [INSERT + path('$') + INT_7, 'nowhere'],
    [REMOVE + path('$'), 'removes the document'],
    [REMOVE + path('$.*'), 'path'],
    [REMOVE + path('$**.a'), 'path'],
    [REMOVE + path('a'), 'path'],
    [REMOVE + path('$."a'), 'path'],
    [REMOVE + path('$."\\x"'), 'path'],
    [`03${path('$.a')}${INT_7}`, 'JSON difference 3'],
    [REPLACE + path('$.a') + INT_7.slice(0, -2), 'JSON value needs 3 bytes'],
    [`${REPLACE}${path('$.a')}00`, 'no bytes'],
    [`${REPLACE}${path('$.a')}020563`, 'beyond its end'],
    [`${REPLACE}${path('$.a')}026300`, 'JSON value type 99'],
  ])('%s is refused', (diffs, message) => {
    expect(() => applied(diffs)).toThrow(EventError);
    expect(() => applied(diffs)).toThrow(message);
  });

  test('bytes that lie give an error or a document of bounded size, never anything else', () => {
    const diffs = REPLACE + path('$.b[1]') + INT_7 + INSERT + path('$.b[0]') + TRUE + REMOVE + path('$.a');
    const flips = fc.array(fc.tuple(fc.nat({ max: 400 }), fc.nat({ max: 255 })), { minLength: 1, maxLength: 5 });
    const flipped = (hex: string, changes: readonly (readonly [number, number])[]): ByteRange => {
      const one = range(hex);
      for (const [at, byte] of changes) one.buffer[one.start + (at % (one.end - one.start))] = byte;
      return one;
    };
    fc.assert(
      fc.property(flips, flips, fc.boolean(), (a, b, both) => {
        try {
          const out = applyJsonDiffs(flipped(DOCUMENT, a), flipped(diffs, both ? b : []));
          expect(out.length).toBeLessThan(2 * (DOCUMENT.length + diffs.length));
        } catch (error) {
          expect(error).toBeInstanceOf(EventError);
        }
      }),
      { numRuns: 5000 },
    );
  });

  test('containers that share their bytes do not multiply', () => {
    // An array of 200 entries that all point to the next array of 200 entries, and so on.
    const depth = 60;
    const each = 4 + 200 * 3;
    const buffer = Buffer.alloc(1 + depth * each + 4);
    buffer[0] = 2;
    for (let d = 0; d < depth; d++) {
      const at = 1 + d * each;
      buffer.writeUInt16LE(200, at);
      buffer.writeUInt16LE(buffer.length - at, at + 2);
      for (let i = 0; i < 200; i++) {
        buffer[at + 4 + i * 3] = 2;
        buffer.writeUInt16LE(each, at + 5 + i * 3);
      }
    }
    const document = { buffer, start: 0, end: buffer.length };
    const way = path(`$${'[1]'.repeat(59)}`);
    expect(() => applyJsonDiffs(document, range(REMOVE + way))).toThrow('share their bytes');
  });
});

test('paths', () => {
  const member = (name: string) => ({ member: Buffer.from(name) });
  expect(parseJsonPath('$')).toEqual([]);
  expect(parseJsonPath('$.a."b \\"c\\u0001"[12][last][last-3].ü')).toEqual([
    member('a'),
    member('b "c\u0001'),
    { cell: 12, fromLast: false },
    { cell: 0, fromLast: true },
    { cell: 3, fromLast: true },
    member('ü'),
  ]);
  expect(() => parseJsonPath(`$${'[0]'.repeat(102)}`)).toThrow('path');
});
