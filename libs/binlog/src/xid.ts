import { corrupt, unsupported } from './event-errors.ts';
import type { EventReader } from './event-reader.ts';

/** Either part of an XID has at most so many bytes (XA specification, MAXGTRIDSIZE and MAXBQUALSIZE). */
const MAX_PART_BYTES = 64;

/** As servers print it in their binlog: `X'gtrid',X'bqual',formatID`. The same XID always gives the same text. */
function xidText(gtrid: string, bqual: string, formatId: number): string {
  return `X'${gtrid}',X'${bqual}',${formatId}`;
}

/** The lengths of an XID's parts are u32 in XA_PREPARE and u8 in MariaDB's GTID_EVENT; the format id is u32 in both. */
export function readXid(reader: EventReader, lengths: 'u32' | 'u8'): string {
  const formatId = reader.u32('XID format');
  const length = (what: string): number => {
    const bytes = lengths === 'u8' ? reader.u8(what) : reader.u32(what);
    if (bytes > MAX_PART_BYTES) throw corrupt(`${what} is ${bytes}`);
    return bytes;
  };
  const gtridLength = length('length of the XID’s global part');
  const bqualLength = length('length of the XID’s branch');
  const gtrid = reader.bytes(gtridLength, 'XID').toString('hex');
  return xidText(gtrid, reader.bytes(bqualLength, 'XID').toString('hex'), formatId);
}

const XID_IN_SQL = /^XA\s+[A-Z]+\s+X'((?:[0-9a-f]{2})*)'\s*,\s*X'((?:[0-9a-f]{2})*)'\s*,\s*(-?[0-9]{1,20})\s*$/i;

/** The XID of a statement as servers write it into their binlog: `XA COMMIT X'61',X'',1`. */
export function parseXid(sql: string): string {
  const [, gtrid, bqual, format] = XID_IN_SQL.exec(sql) ?? [];
  if (gtrid === undefined || bqual === undefined) {
    throw unsupported(`the XID of "${sql.slice(0, 200)}" is not in the form X'…',X'…',n`, 'Report the server version.');
  }
  return xidText(gtrid.toLowerCase(), bqual.toLowerCase(), Number(BigInt.asUintN(32, BigInt(format ?? 0))));
}
