import { crc32 } from 'node:zlib';
import { corrupt } from './event-errors.ts';
import { EVENT_TYPE } from './wire-types.ts';

export const EVENT_HEADER_BYTES = 19;
export const CHECKSUM_BYTES = 4;
export const EVENT_FLAG = { IN_USE: 0x01, ARTIFICIAL: 0x20, IGNORABLE: 0x80 };
/** Offsets in the header. */
export const HEADER_AT = { TYPE: 4, LENGTH: 9 };

/**
 * The header of every event (Log_event_header of binlog_event.h):
 *   timestamp seconds u32 · type u8 · server id u32 · event length u32, all of it · end position in the file u32, modulo 4 GiB · flags u16
 */
export interface EventHeader {
  timestampSeconds: number;
  type: number;
  serverId: number;
  length: number;
  endPosition: number;
  flags: number;
}

export function emptyHeader(): EventHeader {
  return { timestampSeconds: 0, type: 0, serverId: 0, length: 0, endPosition: 0, flags: 0 };
}

/** `bytes`: how many the event has. Throws when there are too few, or not as many as the header says. */
export function readHeader(buffer: Buffer, start: number, bytes: number, header: EventHeader): void {
  if (bytes < EVENT_HEADER_BYTES) throw corrupt(`an event of ${bytes} bytes`);
  header.timestampSeconds = buffer.readUInt32LE(start);
  header.type = buffer[start + HEADER_AT.TYPE]!;
  header.serverId = buffer.readUInt32LE(start + 5);
  header.length = buffer.readUInt32LE(start + HEADER_AT.LENGTH);
  header.endPosition = buffer.readUInt32LE(start + 13);
  header.flags = buffer.readUInt16LE(start + 17);
  if (header.length !== bytes) throw corrupt(`the header says ${header.length} bytes, ${bytes} came`);
}

/** Of an event that may be cut off anywhere: for errors. */
export function typeOf(buffer: Buffer, start: number, end: number): number {
  return end - start > HEADER_AT.TYPE ? buffer[start + HEADER_AT.TYPE]! : EVENT_TYPE.UNKNOWN;
}

export function hasValidChecksum(buffer: Buffer, start: number, end: number): boolean {
  const at = end - CHECKSUM_BYTES;
  if (at < start + EVENT_HEADER_BYTES) return false;
  return crc32(buffer.subarray(start, at)) === buffer.readUInt32LE(at);
}

/** The checksum of a FORMAT_DESCRIPTION is over the event without the flag that its file is still open. */
export function hasValidFormatChecksum(buffer: Buffer, start: number, end: number): boolean {
  const at = end - CHECKSUM_BYTES;
  const head = Buffer.from(buffer.subarray(start, start + EVENT_HEADER_BYTES));
  head[17] = head[17]! & ~EVENT_FLAG.IN_USE;
  return crc32(buffer.subarray(start + EVENT_HEADER_BYTES, at), crc32(head)) === buffer.readUInt32LE(at);
}
