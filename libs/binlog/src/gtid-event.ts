import { corrupt, unsupported } from './event-errors.ts';
import type { EventReader } from './event-reader.ts';
import { readXid } from './xid.ts';

export interface GtidInfo {
  /** '' when anonymous. */
  readonly gtid: string;
  /**
   * Microseconds since the epoch, by the clock of the server that committed it first: the same in the binlog of every replica. undefined where the
   * event has none (MySQL 5.7, MariaDB).
   */
  readonly commitMicros: bigint | undefined;
  /** Of the whole transaction, this event included, as it is in the binlog. undefined where the event does not say (before MySQL 8.0.2, MariaDB). */
  readonly bytes: number | undefined;
}

export const NO_GTID: GtidInfo = { gtid: '', commitMicros: undefined, bytes: undefined };

/** 16 bytes as `8-4-4-4-12` hex digits. */
export function formatUuid(bytes: Buffer): string {
  const hex = bytes.toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

const LOGICAL_TIMESTAMP_TYPECODE = 2;

/**
 * GTID and ANONYMOUS_GTID (Gtid_event of control_events.h):
 *   flags u8 · uuid 16 · number i64 · then, since 5.7: u8 2 · last_committed i64 · sequence_number i64 ·
 *   since 8.0.1: immediate commit time, 55 bits of µs; bit 55 set: original commit time, 7 bytes ·
 *   since 8.0.2: packed length of the transaction · and more that is not needed here
 * The original commit time is there where it differs: in the binlog of a replica. 0: not known (the first server is older).
 */
export function readGtid(reader: EventReader, anonymous: boolean): GtidInfo {
  reader.u8('GTID flags');
  const uuid = reader.bytes(16, 'source uuid');
  const number = reader.i64('GTID number');
  if (!anonymous && number < 1n) throw corrupt(`GTID number ${number}`);
  const gtid = anonymous ? '' : `${formatUuid(uuid)}:${number}`;
  if (reader.remaining < 1 + 16 + 7 || reader.u8('logical clock type') !== LOGICAL_TIMESTAMP_TYPECODE) {
    return { gtid, commitMicros: undefined, bytes: undefined };
  }
  reader.take(16, 'logical clock');
  const immediate = readMicros(reader);
  const commitMicros = (immediate & HAS_ORIGINAL) === 0n ? immediate : knownMicros(readMicros(reader));
  return { gtid, commitMicros, bytes: reader.remaining === 0 ? undefined : reader.packed('transaction length') };
}

/** Bit 55 of the immediate commit time. */
const HAS_ORIGINAL = 1n << 55n;

function readMicros(reader: EventReader): bigint {
  const low = BigInt(reader.u32('commit time'));
  return (BigInt(reader.buffer.readUIntLE(reader.take(3, 'commit time'), 3)) << 32n) | low;
}

function knownMicros(original: bigint): bigint | undefined {
  return original === 0n ? undefined : original;
}

const TAGGED_FIELD = {
  FLAGS: 0n,
  UUID: 1n,
  NUMBER: 2n,
  TAG: 3n,
  LAST_COMMITTED: 4n,
  SEQUENCE: 5n,
  IMMEDIATE_COMMIT: 6n,
  ORIGINAL_COMMIT: 7n,
  LENGTH: 8n,
};
/** The newest field this decoder knows of (commit group ticket); a message that makes a newer one mandatory is refused. */
const LAST_KNOWN_FIELD = 11n;

/**
 * GTID_TAGGED_LOG (MySQL 8.3+, Gtid_event::define_fields through mysql::serialization):
 *   varint version (1) · varint size of the message · varint 1 + last field id that may not be ignored ·
 *   fields in ascending order, each: varint id, value; absent ones have defaults:
 *   0 flags varint · 1 uuid, 16 varints · 2 number, signed varint · 3 tag, varint length + bytes · 4 last_committed · 5 sequence_number ·
 *   6 immediate commit time varint · 7 original commit time · 8 length of the transaction · …
 */
export function readTaggedGtid(reader: EventReader): GtidInfo {
  const start = reader.offset;
  const version = readVarint(reader);
  if (version !== 1n) throw unsupported(`serialization version ${version}`, 'Upgrade Tapline.');
  const size = readVarint(reader);
  if (size > BigInt(reader.end - start)) throw corrupt(`a message of ${size} bytes in ${reader.end - start}`);
  reader.end = start + Number(size);
  const mandatory = readVarint(reader) - 1n;
  if (mandatory > LAST_KNOWN_FIELD) throw unsupported(`field ${mandatory} may not be ignored`, 'Upgrade Tapline.');
  const uuid = Buffer.alloc(16);
  let number = 0n;
  let tag = '';
  let commitMicros: bigint | undefined;
  let bytes: number | undefined;
  while (reader.remaining > 0) {
    const id = readVarint(reader);
    if (id === TAGGED_FIELD.FLAGS) readVarint(reader);
    else if (id === TAGGED_FIELD.UUID) for (let i = 0; i < 16; i++) uuid[i] = Number(readVarint(reader) & 0xffn);
    else if (id === TAGGED_FIELD.NUMBER) number = readSignedVarint(reader);
    else if (id === TAGGED_FIELD.TAG) tag = reader.text(Number(readVarint(reader)), 'GTID tag');
    else if (id === TAGGED_FIELD.LAST_COMMITTED || id === TAGGED_FIELD.SEQUENCE) readVarint(reader);
    else if (id === TAGGED_FIELD.IMMEDIATE_COMMIT) commitMicros = readVarint(reader);
    else if (id === TAGGED_FIELD.ORIGINAL_COMMIT) commitMicros = knownMicros(readVarint(reader));
    else {
      if (id === TAGGED_FIELD.LENGTH) bytes = Number(readVarint(reader));
      break;
    }
  }
  if (number < 1n) throw corrupt(`GTID number ${number}`);
  return { gtid: `${formatUuid(uuid)}:${tag === '' ? '' : `${tag}:`}${number}`, commitMicros, bytes };
}

/** mysql::serialization varint: as many low one-bits in the first byte as bytes follow; then a zero bit (not when 8 follow); then the value, least first. */
function readVarint(reader: EventReader): bigint {
  const first = reader.u8('variable-length integer');
  let extra = 0;
  while (extra < 8 && ((first >> extra) & 1) === 1) extra++;
  if (extra === 8) return reader.u64('variable-length integer');
  const headBits = 7 - extra;
  let value = BigInt(first >> (extra + 1));
  const at = reader.take(extra, 'variable-length integer');
  for (let i = 0; i < extra; i++) value |= BigInt(reader.buffer[at + i]!) << BigInt(headBits + 8 * i);
  return value;
}

/** Non-negative x as 2x, negative x as 2(-x - 1) + 1. */
function readSignedVarint(reader: EventReader): bigint {
  const value = readVarint(reader);
  return (value & 1n) === 1n ? -(value >> 1n) - 1n : value >> 1n;
}

/** MariaDB flags2 of GTID_EVENT. */
const FLAG = { STANDALONE: 1, GROUP_COMMIT_ID: 2, PREPARED_XA: 64 };

export interface MariadbGtidInfo extends GtidInfo {
  /** One statement, without BEGIN and COMMIT. */
  readonly standalone: boolean;
  /** The XA transaction that is prepared here, in place of BEGIN and XA START. */
  readonly xid: string | undefined;
}

/**
 * MariaDB GTID_EVENT (Gtid_log_event of log_event.h):
 *   seq_no u64 · domain_id u32 · flags2 u8 · with GROUP_COMMIT_ID: commit_id u64 · with PREPARED_XA (and COMPLETED_XA): format id u32 ·
 *   length of gtrid u8, of bqual u8 · both · and more by flags. server_id is the header's. Without a commit id there are zeros, which may be cut off.
 */
export function readMariadbGtid(reader: EventReader, serverId: number): MariadbGtidInfo {
  const sequence = reader.u64('sequence number');
  const domain = reader.u32('domain id');
  const flags = reader.u8('GTID flags');
  if ((flags & FLAG.GROUP_COMMIT_ID) !== 0) reader.take(8, 'commit id');
  return {
    gtid: `${domain}-${serverId}-${sequence}`,
    commitMicros: undefined,
    bytes: undefined,
    standalone: (flags & FLAG.STANDALONE) !== 0,
    xid: (flags & FLAG.PREPARED_XA) === 0 ? undefined : readXid(reader, 'u8'),
  };
}
