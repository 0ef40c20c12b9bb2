import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { decompress } from './compression.ts';
import { decompressLz4, Lz4Compressor } from './lz4.ts';
import { decompressSnappy } from './snappy.ts';

const compressor = new Lz4Compressor();
const MAX = 1 << 24;

/** Pieces that repeat, near and far, between pieces that do not: what records look like. */
const repetitive = fc
  .tuple(
    fc.array(fc.uint8Array({ maxLength: 200 }), { minLength: 1, maxLength: 5 }),
    fc.array(fc.nat(), { maxLength: 400 }),
  )
  .map(([pieces, picks]) => Buffer.concat(picks.map((pick) => pieces[pick % pieces.length] as Uint8Array)));

test.each([
  ['repetitive data', repetitive],
  ['any bytes', fc.uint8Array({ maxLength: 3000 }).map((bytes) => Buffer.from(bytes))],
])('LZ4: %s come back as they were', (_, data) => {
  fc.assert(
    fc.property(data, (plain) => {
      const frame = Buffer.from(compressor.compress(plain));
      expect(decompressLz4(frame, MAX).equals(plain)).toBe(true);
    }),
    { numRuns: 300 },
  );
});

test.each([0, 1, 12, 13, 65_535, 65_536, 65_537, 300_000])('LZ4: %i bytes, of one value and of noise', (bytes) => {
  let state = 1;
  const noise = Buffer.from(Array.from({ length: bytes }, () => (state = Math.imul(state, 48_271) >>> 1) & 0xff));
  for (const plain of [Buffer.alloc(bytes, 7), noise]) {
    const frame = Buffer.from(compressor.compress(plain));
    expect(frame.length).toBeLessThanOrEqual(bytes + 11 + 4 * (1 + Math.ceil(bytes / 65_536)));
    expect(decompressLz4(frame, MAX).equals(plain)).toBe(true);
  }
  if (bytes > 1000) expect(compressor.compress(Buffer.alloc(bytes, 7)).length).toBeLessThan(bytes / 100);
});

const hex = (...parts: string[]): Buffer => Buffer.from(parts.join(''), 'hex');

test('LZ4: a frame with content size, checksums of blocks and a block stored as it is, field by field', () => {
  const frame = hex(
    '04224d18', // magic
    '78', // version 1, independent blocks, checksums of blocks, content size
    '40', // blocks of 64 KiB
    '1400000000000000', // content size
    '00', // header checksum: not looked at, the batch has its own
    '09000000', // a block of 9 bytes
    '4a61626364', // 4 literals, then a match of 10 + 4
    '0400', // 4 bytes back
    '1065', // 1 literal, the end
    '00000000', // its checksum
    '01000080', // a block of 1 byte, stored
    '21',
    '00000000', // its checksum
    '00000000', // no more blocks
  );
  expect(String(decompressLz4(frame, MAX))).toBe('abcdabcdabcdabcdabe!');
  expect(() => decompressLz4(frame, 19)).toThrow(RangeError);
});

test.each([
  ['literal and copies with 1, 2 and 4 bytes of offset', '140c61626364', '0104', '0e0400', '0f04000000', '0c21212121'],
  [
    'the framing of Java',
    '82534e41505059000000000100000001',
    '00000008',
    '080c616263640104',
    '0000000d',
    '0c0c61626364',
    '0104',
    '0c21212121',
  ],
])('snappy: %s', (_, ...parts) => {
  expect(String(decompressSnappy(hex(...parts), MAX))).toBe('abcdabcdabcdabcd!!!!');
});

test('snappy: a long literal, and a copy that overlaps itself', () => {
  const text = Buffer.alloc(300, 'long ');
  expect(decompressSnappy(Buffer.concat([hex('ac02f42b01'), text]), MAX).equals(text)).toBe(true);
  expect(String(decompressSnappy(hex('0b', '0078', '2601' + '00'), MAX))).toBe('xxxxxxxxxxx');
});

test('damaged data is an error or other bytes, never a hang or a reading beyond the end', () => {
  const plain = Buffer.from(Array.from({ length: 500 }, (_, i) => `record ${i % 7}`).join());
  const lz4 = Buffer.from(compressor.compress(plain));
  const snappy = hex('140c61626364', '0104', '0e0400', '0f04000000', '0c21212121');
  const damages = fc.tuple(fc.nat(), fc.nat({ max: 255 }), fc.nat());
  const tried = (data: Buffer, codec: number, [at, flip, cut]: [number, number, number]): void => {
    const damaged = Buffer.from(data.subarray(0, data.length - (cut % 20)));
    damaged[at % damaged.length] = (damaged[at % damaged.length] as number) ^ flip;
    try {
      decompress(damaged, codec);
    } catch (error) {
      expect((error as Error).name).toBe('RangeError');
    }
  };
  fc.assert(
    fc.property(damages, (damage) => tried(lz4, 3, damage)),
    { numRuns: 2000 },
  );
  fc.assert(
    fc.property(damages, (damage) => tried(snappy, 2, damage)),
    { numRuns: 2000 },
  );
});
