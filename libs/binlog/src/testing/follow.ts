import { Decoder } from '../decoder.ts';
import { PayloadStack } from '../payload-cursor.ts';
import type { Spill } from '../spill.ts';
import type { BinlogEvent } from '../types.ts';
import { type EventParts, eventBytes } from './build-events.ts';

/** The kinds of events that come of these, with the events that were held given out as a stream does; rows as their first column's values, an INT. */
export async function follow(
  events: readonly EventParts[],
  { wanted = true, spill }: { readonly wanted?: boolean; readonly spill?: Spill } = {},
): Promise<(string | number)[]> {
  const decoder = new Decoder({
    wants: () => wanted,
    file: 'binlog.000001',
    checksums: false,
    ...(spill === undefined ? {} : { spill }),
  });
  const told: (string | number)[] = [];
  const tell = (out: readonly BinlogEvent[]): void => {
    for (const event of out) {
      if (event.kind !== 'rows') told.push(event.kind);
      else while (event.next()) told.push(event.after.buffer.readInt32LE(event.after.offsets[0]));
    }
  };
  for (const event of events) {
    const bytes = eventBytes(event);
    const payloads = new PayloadStack();
    const whole: BinlogEvent[] = [];
    decoder.decode(bytes, 0, bytes.length, whole);
    tell(whole);
    payloads.takeFrom(decoder);
    while (!payloads.isEmpty) {
      const piece: BinlogEvent[] = [];
      await payloads.decodePiece(decoder, piece);
      tell(piece);
    }
  }
  return told;
}
