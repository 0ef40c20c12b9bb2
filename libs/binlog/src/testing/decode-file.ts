import { Decoder } from '../decoder.ts';
import { locateRowError } from '../event-errors.ts';
import { EVENT_HEADER_BYTES } from '../event-header.ts';
import { PayloadStack } from '../payload-cursor.ts';
import type { BinlogEvent } from '../types.ts';
import { emptyCollection, keepEvent, type RowValues } from './collect.ts';

const MAGIC_BYTES = 4;

/** The events of a binlog file, given one by one to `each`. Throws what the decoder throws; the file's own framing is trusted to be cut at its end. */
export async function decodeFile(file: Buffer, each: (event: BinlogEvent) => void): Promise<void> {
  const decoder = new Decoder({ wants: (database) => database === 'shop', file: 'golden', checksums: false });
  let at = MAGIC_BYTES;
  while (file.length - at >= EVENT_HEADER_BYTES) {
    const end = Math.min(file.length, at + Math.max(EVENT_HEADER_BYTES, file.readUInt32LE(at + 9)));
    const out: BinlogEvent[] = [];
    decoder.decode(file, at, end, out);
    out.forEach(each);
    await decodePayloads(decoder, each);
    at = end;
  }
}

async function decodePayloads(decoder: Decoder, each: (event: BinlogEvent) => void): Promise<void> {
  const payloads = new PayloadStack();
  payloads.takeFrom(decoder);
  while (!payloads.isEmpty) {
    const out: BinlogEvent[] = [];
    await payloads.decodePiece(decoder, out);
    out.forEach(each);
  }
}

/** One line an event or row, as golden files hold them. */
export function eventLines(event: BinlogEvent): string[] {
  const at = `@${event.position.position}`;
  if (event.kind === 'begin') {
    const { gtid, commitMicros, decides } = event;
    const what =
      decides === undefined ? '' : ` ${decides.outcome} ${decides.xid} of ${decides.preparedGtid ?? 'nowhere'}`;
    return [`begin ${gtid || 'anonymous'} ${commitMicros} ${at}${what}`];
  }
  if (event.kind === 'statement') {
    const where = event.inTransaction ? ' in transaction' : '';
    return [
      `statement ${event.gtid || 'anonymous'} ${event.commitMicros} ${event.database}${where} ${at}: ${event.sql}`,
    ];
  }
  if (event.kind === 'prepared') return [`prepared ${event.gtid || 'anonymous'} ${event.xid} ${at}`];
  if (event.kind !== 'rows') return [`${event.kind} ${at}`];
  const kept = emptyCollection();
  try {
    keepEvent(event, kept);
  } catch (error) {
    throw locateRowError(error, event);
  }
  const names = (values: RowValues): string =>
    values.map((value) => (value === undefined ? '-' : (value ?? 'NULL'))).join('|');
  const head = `${event.op} ${event.table.database}.${event.table.table} ${event.timestampSeconds} ${at}`;
  return kept.changes.map(({ before, after }) => `${head}: ${names(before)} => ${names(after)}`);
}
