import { expect, test } from '@jest/globals';
import { type AvroField, avroType, fieldImage } from './avro-image.ts';
import { imageValues } from './image.ts';

const decimal = {
  type: 'bytes',
  scale: 2,
  precision: 12,
  logicalType: 'decimal',
  'connect.name': 'org.apache.kafka.connect.data.Decimal',
};
const fields = [
  { name: 'id', type: 'long' },
  { name: 'price', type: ['null', decimal] },
  { name: 'raw', type: 'bytes' },
  { name: 'name', type: ['null', 'string'] },
  { name: 'at', type: { type: 'long', 'connect.name': 'io.debezium.time.MicroTimestamp' } },
  { name: 'seen', type: { type: 'string', 'connect.name': 'io.debezium.time.ZonedTimestamp' } },
] as const satisfies readonly AvroField[];

test('a row read from Avro has the image that mysqlbinlog gives the same row', () => {
  const type = avroType(JSON.stringify({ type: 'record', name: 'Row', fields }));
  const bytes = type.toBuffer({
    id: -9_223_372_036_854_775_808n,
    price: Buffer.from([0xfb, 0x2e]),
    raw: Buffer.from([0, 0xff]),
    name: null,
    at: 1_000_002n,
    seen: '2026-01-02T03:04:05.678Z',
  });
  const row = type.fromBuffer(bytes) as Record<string, unknown>;
  expect(imageValues(fieldImage(fields, row))).toEqual([
    '-9223372036854775808',
    '-12.34',
    "x'00ff'",
    'NULL',
    '1000002µs',
    '1767323045678000µs',
  ]);
});
