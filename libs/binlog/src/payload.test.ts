import { deflateSync, zstdCompressSync } from 'node:zlib';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { EventReader } from './event-reader.ts';
import { type PayloadInfo, payloadPieces, readPayload, readSpilledPayload } from './payload.ts';
import { inflateRows } from './rows-event.ts';
import { Spill } from './spill.ts';

const position = { file: 'f', position: 4 };
const reader = (bytes: Buffer): EventReader => new EventReader().reset(bytes, 0, bytes.length);

describe('transaction payloads', () => {
  const read = async (payload: PayloadInfo): Promise<Buffer> => {
    const pieces: Buffer[] = [];
    for await (const piece of payloadPieces(payload)) pieces.push(piece);
    return Buffer.concat(pieces);
  };
  const compressed = (plain: Buffer, uncompressedBytes: number | undefined): PayloadInfo => ({
    position,
    compressed: true,
    uncompressedBytes,
    origin: 'event',
    pieces: () => [zstdCompressSync(plain)],
    dispose: () => undefined,
  });

  test.each([0, 1, 1 << 20, (1 << 20) + 1, 5_000_000])('of %i bytes are decompressed', async (length) => {
    const plain = Buffer.alloc(length, 'abcdefg');
    expect((await read(compressed(plain, length))).equals(plain)).toBe(true);
    expect((await read(compressed(plain, undefined))).equals(plain)).toBe(true);
  });

  test('come in pieces: memory does not grow with the transaction', async () => {
    let most = 0;
    for await (const piece of payloadPieces(compressed(Buffer.alloc(30_000_000), 30_000_000)))
      most = Math.max(most, piece.length);
    expect(most).toBeLessThanOrEqual(1 << 20);
  });

  test.each([
    [2_000_000, 1_999_999],
    [2_000_000, 2_000_001],
    [1000, 1001],
    [1000, 999],
  ])('of %i bytes that announce %i are refused', async (length, announced) => {
    await expect(read(compressed(Buffer.alloc(length), announced))).rejects.toMatchObject({
      kind: 'SOURCE_EVENT_CORRUPT',
    });
  });

  test('a payload that lies in a log is the same as one in memory, wherever its pieces are cut', () => {
    const sizes = fc.record({ front: fc.nat(40), size: fc.nat(600_000), behind: fc.nat(20) });
    fc.assert(
      fc.property(sizes, fc.constantFrom(0, 1 << 20), ({ front, size, behind }, memoryBytes) => {
        using spill = new Spill({ memoryBytes });
        const unknown = Buffer.concat([Buffer.from([9, front]), Buffer.alloc(front)]);
        const length = Buffer.alloc(5, 0xfd);
        length.writeUIntLE(size, 1, 3);
        const fields = Buffer.concat([unknown, Buffer.from([1, 4]), length.subarray(0, 4), Buffer.from([0])]);
        const payload = Buffer.alloc(size, 'payload');
        const body = Buffer.concat([fields, payload, Buffer.alloc(behind)]);
        const log = spill.log();
        log.append(body, 0, body.length);
        const spilled = readSpilledPayload(log, position);
        const inMemory = readPayload(reader(body), position);
        expect(Buffer.concat([...spilled.pieces()]).equals(payload)).toBe(true);
        expect(Buffer.concat([...inMemory.pieces()]).equals(payload)).toBe(true);
        spilled.dispose();
        expect(spill.memoryBytes + spill.fileBytes).toBe(0);
      }),
      { numRuns: 30 },
    );
  });

  test('fields are bounded by their lengths; unknown ones are passed over', () => {
    const fields = (hex: string): PayloadInfo =>
      readPayload(reader(Buffer.from(hex.replaceAll(' ', ''), 'hex')), position);
    expect(fields('020100 030107 010102 0903112233 00 aabb')).toMatchObject({ compressed: true, uncompressedBytes: 7 });
    expect(Buffer.concat([...fields('0203fcff00 00 aabb').pieces()]).toString('hex')).toBe('aabb');
    for (const broken of ['0201', '020100', '0209 00', '01010a 00 aabb', '0101fcff00 00', '020105 00 aa']) {
      expect(() => fields(broken)).toThrow(expect.objectContaining({ kind: expect.stringMatching(/^SOURCE_EVENT_/) }));
    }
  });
});

describe('MariaDB’s compressed rows', () => {
  const plain = Buffer.alloc(1000, 'row');
  const body = (length: number): Buffer =>
    Buffer.concat([Buffer.from([0x82, length >> 8, length & 0xff]), deflateSync(plain)]);

  test('are inflated to the announced length, and refused at any other', () => {
    expect(inflateRows(reader(body(1000))).equals(plain)).toBe(true);
    for (const bytes of [
      body(999),
      body(1001),
      body(0),
      Buffer.from('00', 'hex'),
      Buffer.from('92000110', 'hex'),
      body(1000).subarray(0, 8),
    ]) {
      expect(() => inflateRows(reader(bytes))).toThrow(expect.objectContaining({ kind: 'SOURCE_EVENT_CORRUPT' }));
    }
  });
});
