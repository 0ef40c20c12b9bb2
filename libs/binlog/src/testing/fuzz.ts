import { crc32, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { Dice } from '@tapline/test-stack';
import { EVENT_HEADER_BYTES } from '../event-header.ts';
import { EventReader } from '../event-reader.ts';
import { readPayload } from '../payload.ts';
import { EVENT_TYPE } from '../wire-types.ts';

const MAGIC_BYTES = 4;

/** Makes the choices of a case. */
export { Dice };

/** The events of a binlog file. */
export function cutFile(file: Buffer): Buffer[] {
  const events: Buffer[] = [];
  for (let at = MAGIC_BYTES; file.length - at >= EVENT_HEADER_BYTES; ) {
    const length = file.readUInt32LE(at + 9);
    events.push(file.subarray(at, at + length));
    at += length;
  }
  return events;
}

export function joinFile(events: readonly Buffer[]): Buffer {
  return Buffer.concat([Buffer.from([0xfe, 0x62, 0x69, 0x6e]), ...events]);
}

/** Lengths and counts are where decoders can be led astray: their ends, and what is next to them. */
const TELLING_BYTES = [0, 1, 2, 3, 4, 8, 19, 23, 0x7f, 0x80, 0xfa, 0xfb, 0xfc, 0xfd, 0xfe, 0xff];

/** Some damage anywhere: flipped bits, other bytes, bytes too many or missing. */
export function damaged(bytes: Buffer, dice: Dice): Buffer {
  let result = Buffer.from(bytes);
  for (let i = 1 + dice.roll(3); i > 0 && result.length > 0; i--) {
    const at = dice.roll(result.length);
    const run = 1 + dice.roll(dice.pick([1, 4, 40]));
    const kind = dice.roll(6);
    if (kind === 0) result[at]! ^= 1 << dice.roll(8);
    else if (kind === 1) result[at] = dice.pick(TELLING_BYTES);
    else if (kind === 2) result[at] = dice.roll(256);
    else if (kind === 3) result = Buffer.concat([result.subarray(0, at), dice.bytes(run), result.subarray(at)]);
    else if (kind === 4) result = Buffer.concat([result.subarray(0, at), result.subarray(at + run)]);
    else result.copy(result, at, dice.roll(result.length), result.length);
  }
  return result;
}

/** The event with this body, its length and checksum as they must be: damage that only the decoders themselves can notice. */
export function mended(event: Buffer, body: Buffer, checksums: boolean): Buffer {
  const result = Buffer.concat([event.subarray(0, EVENT_HEADER_BYTES), body, Buffer.alloc(checksums ? 4 : 0)]);
  result.writeUInt32LE(result.length, 9);
  if (checksums) result.writeUInt32LE(crc32(result.subarray(0, result.length - 4)), result.length - 4);
  return result;
}

export function bodyOf(event: Buffer, checksums: boolean): Buffer {
  return event.subarray(EVENT_HEADER_BYTES, event.length - (checksums ? 4 : 0));
}

/** A TRANSACTION_PAYLOAD with one of the events inside damaged; undefined for any other event. */
export function withDamageInside(event: Buffer, checksums: boolean, dice: Dice): Buffer | undefined {
  if (event[4] !== EVENT_TYPE.TRANSACTION_PAYLOAD) return undefined;
  const body = bodyOf(event, checksums);
  const payload = readPayload(new EventReader().reset(body, 0, body.length), { file: '', position: 0 });
  const inner = zstdDecompressSync(Buffer.concat([...payload.pieces()]));
  const events = cutFile(Buffer.concat([Buffer.alloc(MAGIC_BYTES), inner]));
  const at = dice.roll(events.length);
  const chosen = events[at]!;
  events[at] = dice.roll(4) === 0 ? damaged(chosen, dice) : mended(chosen, damaged(bodyOf(chosen, false), dice), false);
  const plain = Buffer.concat(events);
  const size = Buffer.alloc(5, 0xfe);
  size.writeUInt32LE(plain.length, 1);
  // Compression zstd; the size as a packed integer of 3 bytes where it fits.
  const fields = Buffer.concat([Buffer.from([2, 1, 0, 3, 4, 0xfd]), size.subarray(1, 4), Buffer.from([0])]);
  return mended(event, Buffer.concat([fields, zstdCompressSync(plain)]), checksums);
}
