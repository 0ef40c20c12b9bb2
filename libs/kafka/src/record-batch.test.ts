import { createRequire } from 'node:module';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { expect, test } from '@jest/globals';
import { crc32c } from '@node-rs/crc32';
import fc from 'fast-check';
import { BATCH_HEADER_BYTES, encodeHeaders, NO_HEADERS, nextSequence, RecordBatch } from './record-batch.ts';
import { decodeRecordSet, listBatches, readHeader } from './record-reader.ts';

/** kafkajs' own decoder, as a second opinion. */
const require = createRequire(import.meta.url);
type KafkajsRecord = {
  offset: string;
  timestamp: string;
  key: Buffer | null;
  value: Buffer | null;
  headers: Record<string, Buffer>;
};
type KafkajsBatch = { producerId: string; producerEpoch: number; firstSequence: number; records: KafkajsRecord[] };
const Decoder = require('kafkajs/src/protocol/decoder.js') as new (buffer: Buffer) => object;
const decodeByKafkajs = require('kafkajs/src/protocol/recordBatch/v0/decoder.js') as (
  decoder: object,
) => Promise<KafkajsBatch>;

interface Given {
  key: Uint8Array | null;
  value: Uint8Array | null;
  timestampMs: number;
  version: Uint8Array | null;
}

function build(records: readonly Given[]): RecordBatch {
  const batch = new RecordBatch(Buffer.alloc(1 << 20));
  for (const { key, value, timestampMs, version } of records) {
    const headers = version === null ? NO_HEADERS : encodeHeaders({ v: version });
    const bytes = batch.recordBytes(key, value, timestampMs, headers.length);
    const before = batch.position;
    expect(batch.fits(bytes)).toBe(true);
    batch.add(key, value, timestampMs, headers, bytes);
    expect(batch.position - before).toBeGreaterThan(bytes);
  }
  batch.seal({ id: 4711n, epoch: 3 }, 99);
  return batch;
}

const place = { topic: 't', partition: 0 };

const bytesOf = ({ buffer, position }: RecordBatch): Buffer => buffer.subarray(0, position);

test('the bytes of a batch are those of the record format, field by field', () => {
  const batch = build([
    { key: Buffer.from('k'), value: Buffer.from('value'), timestampMs: 1_700_000_000_000, version: null },
    { key: null, value: null, timestampMs: 1_700_000_000_005, version: Buffer.from([7]) },
  ]);
  const hex = [
    '0000000000000000', // base offset
    '00000049', // batch length
    'ffffffff', // leader epoch
    '02', // magic
    'CRC',
    '0000', // attributes
    '00000001', // last offset delta
    '0000018bcfe56800', // base timestamp
    '0000018bcfe56805', // max timestamp
    '0000000000001267', // producer id
    '0003', // epoch
    '00000063', // base sequence
    '00000002', // records
    '18000000026b0a76616c756500', // length 12, attributes, +0 ms, +0, key k, value, no headers
    '14000a0201010202760207', // length 10, attributes, +5 ms, +1, no key, no value, one header v = 07
  ].join('');
  const bytes = bytesOf(batch);
  const crc = crc32c(bytes.subarray(21)).toString(16).padStart(8, '0');
  expect(bytes.toString('hex')).toBe(hex.replace('CRC', crc));
});

test('a fixed batch has the checksum that a broker accepted', () => {
  // CRC-32C of "123456789" is e3069283 (RFC 3720, B.4 gives the polynomial): guards against a plain CRC-32.
  expect(crc32c('123456789').toString(16)).toBe('e3069283');
});

const bytes = fc.option(fc.uint8Array({ maxLength: 300 }));
const given = fc.record({
  key: bytes,
  value: bytes,
  timestampMs: fc.integer({ min: 0, max: 4_102_444_800_000 }),
  version: bytes,
});

test('whatever is appended, kafkajs and our reader decode the same', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(given, { minLength: 1, maxLength: 100 }), async (records) => {
      const batch = build(records);
      const theirs = await decodeByKafkajs(new Decoder(Buffer.from(bytesOf(batch))));
      const { records: ours, nextOffset } = decodeRecordSet(bytesOf(batch), { from: 0n, place });
      expect([theirs.producerId, theirs.producerEpoch, theirs.firstSequence]).toEqual(['4711', 3, 99]);
      expect(nextOffset).toBe(BigInt(records.length));
      for (const [i, record] of records.entries()) {
        const copy = (value: Uint8Array | null | undefined): Buffer | null => (value ? Buffer.from(value) : null);
        const expected = [
          String(i),
          String(record.timestampMs),
          copy(record.key),
          copy(record.value),
          copy(record.version),
        ];
        const a = theirs.records[i] as KafkajsRecord;
        const b = ours[i] as (typeof ours)[number];
        expect([a.offset, a.timestamp, a.key, a.value, copy(a.headers['v'])]).toEqual(expected);
        expect([String(b.offset), String(b.timestampMs), b.key, b.value, copy(readHeader(b.headers, 'v'))]).toEqual(
          expected,
        );
      }
    }),
  );
});

function repack(batch: RecordBatch, codec: number, pack: (data: Buffer) => Buffer): Buffer {
  const records = pack(bytesOf(batch).subarray(BATCH_HEADER_BYTES));
  const packed = Buffer.concat([bytesOf(batch).subarray(0, BATCH_HEADER_BYTES), records]);
  packed.writeInt32BE(packed.length - 12, 8);
  packed.writeInt16BE(codec, 21);
  packed.writeUInt32BE(crc32c(packed.subarray(21)), 17);
  return packed;
}

const two = [1, 2].map((i) => ({
  key: Buffer.from(`k${i}`),
  value: Buffer.alloc(1000, i),
  timestampMs: i,
  version: null,
}));

test.each([
  ['gzip', 1, gzipSync],
  ['zstd', 4, zstdCompressSync],
])('a batch compressed with %s is read', (_, codec, pack) => {
  const { records } = decodeRecordSet(repack(build(two), codec, pack), { from: 1n, place });
  expect(records.map(({ offset, key }) => [offset, String(key)])).toEqual([[1n, 'k2']]);
});

test('a compression that is not known is refused', () => {
  expect(() =>
    decodeRecordSet(
      repack(build(two), 5, (data) => data),
      { from: 0n, place },
    ),
  ).toThrow(
    expect.objectContaining({
      code: 'RECORDS_UNREADABLE',
      message: expect.stringContaining('compression 5') as unknown,
    }),
  );
});

test('a flipped bit anywhere below the checksum is noticed', () => {
  const good = bytesOf(build(two));
  fc.assert(
    fc.property(fc.integer({ min: 21 * 8, max: good.length * 8 - 1 }), (bit) => {
      const bad = Buffer.from(good);
      bad[bit >> 3] = (bad[bit >> 3] as number) ^ (1 << (bit & 7));
      expect(() => decodeRecordSet(bad, { from: 0n, place })).toThrow(
        expect.objectContaining({ code: 'RECORDS_UNREADABLE' }),
      );
    }),
  );
});

test('a value that goes on into the next record is noticed', () => {
  const bad = Buffer.from(bytesOf(build(two)));
  const { key, value } = two[0] as (typeof two)[number];
  // The value's length is one varint behind the key: 8 stands for four bytes more.
  const valueLength = bad.indexOf(key) + key.length;
  bad.writeUInt8(bad.readUInt8(valueLength) + 8, valueLength);
  expect(bad.indexOf(value)).toBeGreaterThan(valueLength);
  bad.writeUInt32BE(crc32c(bad.subarray(21)), 17);
  expect(() => decodeRecordSet(bad, { from: 0n, place })).toThrow(
    expect.objectContaining({ code: 'RECORDS_UNREADABLE', message: expect.stringContaining('record 0') as unknown }),
  );
});

test('a batch cut off at the end of a fetch is left for the next one', () => {
  const batch = bytesOf(build(two));
  const data = Buffer.concat([batch, batch.subarray(0, batch.length - 1)]);
  expect(decodeRecordSet(data, { from: 0n, place })).toMatchObject({ nextOffset: 2n, records: { length: 2 } });
});

test('a batch that compaction emptied moves the offset on', () => {
  const empty = Buffer.from(bytesOf(build(two)).subarray(0, BATCH_HEADER_BYTES));
  empty.writeInt32BE(empty.length - 12, 8);
  empty.writeInt32BE(0, 57);
  empty.writeBigInt64BE(10n, 0);
  empty.writeUInt32BE(crc32c(empty.subarray(21)), 17);
  expect(decodeRecordSet(empty, { from: 10n, place })).toEqual({ records: [], nextOffset: 12n });
  expect(listBatches(empty, place)).toMatchObject([
    { baseOffset: 10n, lastOffset: 11n, producerId: 4711n, baseSequence: 99 },
  ]);
});

test('records of an aborted transaction and control records are left out', () => {
  const transactional = (offset: bigint, attributes: number, source: RecordBatch): Buffer => {
    const copy = Buffer.from(bytesOf(source));
    copy.writeBigInt64BE(offset, 0);
    copy.writeInt16BE(attributes, 21);
    copy.writeUInt32BE(crc32c(copy.subarray(21)), 17);
    return copy;
  };
  const marker = (type: number): RecordBatch =>
    build([{ key: Buffer.from([0, 0, 0, type]), value: Buffer.alloc(6), timestampMs: 1, version: null }]);
  const data = Buffer.concat([
    transactional(0n, 0x10, build(two)),
    transactional(2n, 0x30, marker(0)),
    transactional(3n, 0x10, build(two)),
    transactional(5n, 0x30, marker(1)),
  ]);
  const { records, nextOffset } = decodeRecordSet(data, {
    from: 0n,
    place,
    aborted: [{ producerId: 4711n, firstOffset: 0n }],
  });
  expect(records.map(({ offset }) => offset)).toEqual([3n, 4n]);
  expect(nextOffset).toBe(6n);
});

function add(batch: RecordBatch, key: string): void {
  const record = Buffer.from(key);
  batch.add(record, null, 1, NO_HEADERS, batch.recordBytes(record, null, 1, 1));
}

test('a batch moved to a larger buffer keeps its records', () => {
  const batch = new RecordBatch(Buffer.alloc(128));
  add(batch, 'one');
  batch.grow(Buffer.alloc(4096));
  add(batch, 'two');
  batch.seal({ id: 1n, epoch: 0 }, 0);
  expect(decodeRecordSet(bytesOf(batch), { from: 0n, place }).records.map(({ key }) => String(key))).toEqual([
    'one',
    'two',
  ]);
});

test('a batch that is used again is as a new one', () => {
  const records = [{ key: Buffer.from('k'), value: Buffer.alloc(2000), timestampMs: 5, version: null }];
  const used = build(records);
  used.pack(4, zstdCompressSync(bytesOf(used).subarray(BATCH_HEADER_BYTES)), Buffer.alloc(1024));
  used.state = 'acknowledged';
  used.attempts = 3;
  used.absentAfter = 2;
  used.refusal = 7;
  used.baseOffset = 12n;
  const { buffer } = used;
  expect(used.release()).toBe(buffer);
  expect(used.buffer.length).toBe(0);
  const again = used.renew(Buffer.alloc(4096, 1), 100);
  expect(again).toEqual(new RecordBatch(Buffer.alloc(4096, 1), 100));
  expect(again.fits(100)).toBe(false);
  add(again, 'one');
  again.seal({ id: 1n, epoch: 0 }, 0);
  const fresh = new RecordBatch(Buffer.alloc(4096), 100);
  add(fresh, 'one');
  fresh.seal({ id: 1n, epoch: 0 }, 0);
  expect(bytesOf(again)).toEqual(bytesOf(fresh));
  expect([again.filledBytes, again.maxTimestampMs]).toEqual([fresh.filledBytes, fresh.maxTimestampMs]);
});

test('sequence numbers wrap after 2^31 - 1', () => {
  expect(nextSequence(0x7fff_ffff, 1)).toBe(0);
  expect(nextSequence(0x7fff_fffe, 5)).toBe(3);
  expect(nextSequence(7, 5)).toBe(12);
});
