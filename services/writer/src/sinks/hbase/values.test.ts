import { expect, test } from '@jest/globals';
import type { Value } from '@tapline/sink';
import { ENCODE, type Encoding } from './values.ts';

function encoded(encoding: Encoding, value: NonNullable<Value>): string {
  const cell = ENCODE[encoding](value, 'c');
  return typeof cell === 'string' ? cell : Buffer.from(cell).toString('hex');
}

// As `Bytes.toBytes` of HBase's own client gives them.
test.each<[Encoding, NonNullable<Value>, string]>([
  ['text', '1.50', '1.50'],
  ['text', 12n, '12'],
  ['text', true, '1'],
  ['text', Buffer.from([0, 255]), '00ff'],
  ['boolean', true, 'ff'],
  ['boolean', 0, '00'],
  ['short', -2, 'fffe'],
  ['short', 65_535, 'ffff'],
  ['int', 1, '00000001'],
  ['int', 4_294_967_295, 'ffffffff'],
  ['long', -1, 'ffffffffffffffff'],
  ['long', 18_446_744_073_709_551_615n, 'ffffffffffffffff'],
  ['long', '42', '000000000000002a'],
  ['float', 1.5, '3fc00000'],
  ['double', '-1.5', 'bff8000000000000'],
])('%s of %s', (encoding, value, expected) => {
  expect(encoded(encoding, value)).toBe(expected);
});

test.each<[Encoding, NonNullable<Value>]>([
  ['short', 65_536],
  ['int', -2_147_483_649],
  ['long', 2n ** 64n],
  ['int', 1.5],
  ['long', 'seven'],
  ['double', 'seven'],
  ['double', ''],
  ['float', Buffer.from([1])],
])('%s of %s is poison', (encoding, value) => {
  expect(() => encoded(encoding, value)).toThrow(expect.objectContaining({ code: 'SINK_HBASE_ROW' }));
});
