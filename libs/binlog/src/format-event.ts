import { unsupported } from './event-errors.ts';
import { CHECKSUM_BYTES, EVENT_HEADER_BYTES } from './event-header.ts';
import type { EventReader } from './event-reader.ts';

export interface FormatInfo {
  readonly isMariadb: boolean;
  /** Whether events end with a CRC32 from here on. */
  readonly checksums: boolean;
}

/**
 * FORMAT_DESCRIPTION (Format_description_event of control_events.h):
 *   binlog version u16 = 4 · server version 50 · created u32 · header length u8 = 19 · post-header length u8 for each event type ·
 *   checksum algorithm u8 (0 none, 1 CRC32) · CRC32, present with either
 */
export function readFormat(reader: EventReader): FormatInfo {
  const version = reader.u16('binlog version');
  const server = reader.text(50, 'server version');
  reader.take(4, 'time of creation');
  const headerLength = reader.u8('header length');
  if (version !== 4 || headerLength !== EVENT_HEADER_BYTES) {
    throw unsupported(`binlog version ${version} with ${headerLength}-byte headers`, 'Use MySQL 5.7 or newer.');
  }
  reader.take(reader.remaining - 1 - CHECKSUM_BYTES, 'post-header lengths');
  const algorithm = reader.u8('checksum algorithm');
  if (algorithm > 1) throw unsupported(`checksum algorithm ${algorithm}`, 'Set binlog_checksum to CRC32 or NONE.');
  return { isMariadb: /mariadb/i.test(server), checksums: algorithm === 1 };
}
