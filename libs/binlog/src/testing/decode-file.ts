import { Decoder, EVENT_HEADER_BYTES } from '../decoder.ts';
import { PayloadCursor } from '../payload-cursor.ts';
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
    const { payload } = decoder;
    decoder.payload = undefined;
    if (payload !== undefined) await decodePayload(new PayloadCursor(payload), decoder, each);
    at = end;
  }
}

async function decodePayload(
  cursor: PayloadCursor,
  decoder: Decoder,
  each: (event: BinlogEvent) => void,
): Promise<void> {
  for (let bytes = 1; bytes > 0; ) {
    const out: BinlogEvent[] = [];
    bytes = await cursor.decodePiece(decoder, out);
    out.forEach(each);
  }
}

/** One line an event or row, as golden files hold them. */
export function eventLines(event: BinlogEvent): string[] {
  const at = `@${event.position.position}`;
  if (event.kind === 'begin') return [`begin ${event.gtid || 'anonymous'} ${event.commitMicros} ${at}`];
  if (event.kind === 'statement') {
    const where = event.inTransaction ? ' in transaction' : '';
    return [
      `statement ${event.gtid || 'anonymous'} ${event.commitMicros} ${event.database}${where} ${at}: ${event.sql}`,
    ];
  }
  if (event.kind !== 'rows') return [`${event.kind} ${at}`];
  const kept = emptyCollection();
  keepEvent(event, kept);
  const names = (values: RowValues): string =>
    values.map((value) => (value === undefined ? '-' : (value ?? 'NULL'))).join('|');
  const head = `${event.op} ${event.table.database}.${event.table.table} ${event.timestampSeconds} ${at}`;
  return kept.changes.map(({ before, after }) => `${head}: ${names(before)} => ${names(after)}`);
}
