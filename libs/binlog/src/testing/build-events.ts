import { crc32 } from 'node:zlib';
import { EVENT_HEADER_BYTES } from '../event-header.ts';
import { EVENT_TYPE } from '../wire-types.ts';

/** An event to be made, for what no server writes on demand. `body` as hex, spaces allowed, or as bytes. */
export interface EventParts {
  readonly type: number;
  readonly body?: string | Buffer;
  readonly end?: number;
  readonly flags?: number;
  /** Whether it ends with its CRC32. */
  readonly checksum?: boolean;
}

export function eventBytes({ type, body = '', end = 0, flags = 0, checksum = false }: EventParts): Buffer {
  const rest = typeof body === 'string' ? Buffer.from(body.replace(/ /g, ''), 'hex') : body;
  const bytes = Buffer.concat([eventHeader(type, rest.length + (checksum ? 4 : 0), end, flags), rest]);
  if (!checksum) return bytes;
  const sum = Buffer.alloc(4);
  sum.writeUInt32LE(crc32(bytes));
  return Buffer.concat([bytes, sum]);
}

/** The header of an event with so many bytes behind it. */
export function eventHeader(type: number, bytes: number, end = 0, flags = 0): Buffer {
  const header = Buffer.alloc(EVENT_HEADER_BYTES);
  header.writeUInt32LE(1_700_000_000, 0);
  header[4] = type;
  header.writeUInt32LE(1, 5);
  header.writeUInt32LE(EVENT_HEADER_BYTES + bytes, 9);
  header.writeUInt32LE(end, 13);
  header.writeUInt16LE(flags, 17);
  return header;
}

export const hex = (text: string): string => Buffer.from(text).toString('hex');

/** `status`: status variables as hex. */
export function query(sql: string, end = 0, status = ''): EventParts & { readonly body: string } {
  const length = Buffer.alloc(2);
  length.writeUInt16LE(status.length / 2);
  return {
    type: EVENT_TYPE.QUERY,
    end,
    body: `0000000000000000 00 0000 ${length.toString('hex')} ${status} 00 ${hex(sql)}`,
  };
}

/** ANONYMOUS_GTID, or GTID with this number. */
export function gtid(number = 0): EventParts {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64LE(BigInt(number));
  const type = number === 0 ? EVENT_TYPE.ANONYMOUS_GTID : EVENT_TYPE.GTID;
  return { type, body: `00 ${'ab'.repeat(16)} ${bytes.toString('hex')}` };
}

/** XA_PREPARE of `X'61',X'62',1`, as `query('XA START …')` names it. */
export function xaPrepare(onePhase: boolean): EventParts {
  return { type: EVENT_TYPE.XA_PREPARE, body: `${onePhase ? '01' : '00'} 01000000 01000000 01000000 6162` };
}

export const XID: EventParts = { type: EVENT_TYPE.XID, body: '0100000000000000', end: 900 };

/** A packet as the server sends it: as many MySQL packets as the bytes need. */
export function packets(payload: Buffer): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0; ; at += 0xffffff) {
    const part = payload.subarray(at, at + 0xffffff);
    const header = Buffer.alloc(4);
    header.writeUIntLE(part.length, 0, 3);
    parts.push(header, part);
    if (part.length < 0xffffff) return Buffer.concat(parts);
  }
}
