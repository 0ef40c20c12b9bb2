import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { avscDecode, written } from './testing/encode.ts';
import { decimalGroups } from './types/decimals.ts';
import { putUnscaledNumber, Unscaled } from './unscaled.ts';

function signedBytes(value: bigint): Buffer {
  let length = 1;
  while (BigInt.asIntN(length * 8, value) !== value) length++;
  return Buffer.from(
    BigInt.asUintN(length * 8, value)
      .toString(16)
      .padStart(length * 2, '0'),
    'hex',
  );
}

const unscaled = new Unscaled();
const digits = fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength: 66 }).map((list) => list.join(''));

test('digits become the shortest two’s complement bytes, whatever groups they come in', () => {
  fc.assert(
    fc.property(digits, fc.boolean(), fc.infiniteStream(fc.integer({ min: 1, max: 9 })), (text, negative, sizes) => {
      const expected = signedBytes(negative ? -BigInt(text) : BigInt(text));
      const fromText = written((sink) => {
        sink.ensure(40);
        unscaled.start();
        unscaled.appendText(Buffer.from(text), 0, text.length);
        unscaled.put(sink, negative);
      });
      const fromGroups = written((sink) => {
        sink.ensure(40);
        unscaled.start();
        for (let at = 0; at < text.length; ) {
          const group = text.slice(at, at + (sizes.next().value as number));
          unscaled.append(Number(group), group.length);
          at += group.length;
        }
        unscaled.put(sink, negative);
      });
      expect(avscDecode('"bytes"', fromText)).toEqual(expected);
      expect(fromGroups).toEqual(fromText);
    }),
  );
});

test('safe integers likewise', () => {
  fc.assert(
    fc.property(fc.maxSafeInteger(), (value) => {
      const bytes = written((sink) => {
        sink.ensure(9);
        putUnscaledNumber(sink, value);
      });
      expect(avscDecode('"bytes"', bytes)).toEqual(signedBytes(BigInt(value)));
    }),
  );
});

test('groups of MySQL’s binary decimal', () => {
  const bytes = (precision: number, scale: number): number[] =>
    decimalGroups(precision, scale).map((group) => group.bytes);
  expect(bytes(10, 2)).toEqual([4, 1]);
  expect(bytes(14, 4)).toEqual([1, 4, 2]);
  expect(bytes(65, 30)).toEqual([4, 4, 4, 4, 4, 4, 4, 2]);
});
