import { TaplineError } from '@tapline/kernel';
import { WireRowsEvent } from './rows-event.ts';
import type { SpillLog } from './spill.ts';
import type { RowsEvent } from './types.ts';

const NO_ROWS = Buffer.alloc(0);

/** A rows event that outlives its packet: its rows are in a log, the rest of it is here. */
export class HeldRows {
  readonly #event: WireRowsEvent;
  readonly #bytes: number;

  private constructor(event: WireRowsEvent, bytes: number) {
    this.#event = event;
    this.#bytes = bytes;
  }

  /** Of an event of which no row was taken yet. It can be taken all the same afterwards. */
  static of(event: RowsEvent, log: SpillLog): HeldRows {
    if (!(event instanceof WireRowsEvent)) {
      throw new TaplineError('INTERNAL', { message: 'Only events of a stream can be held.' });
    }
    const { buffer, at, end } = event;
    log.append(buffer, at, end);
    return new HeldRows(event.with(NO_ROWS), end - at);
  }

  /** The events that were held in `log`, in order, one at a time; the log ends with the last one. */
  static *given(held: readonly HeldRows[], log: SpillLog): Generator<RowsEvent> {
    const pieces = log.pieces();
    let piece: Buffer = Buffer.alloc(0);
    let taken = 0;
    for (const one of held) {
      const rows = Buffer.allocUnsafeSlow(one.#bytes);
      for (let filled = 0; filled < rows.length; ) {
        if (taken === piece.length) {
          piece = (pieces.next().value as Buffer | undefined) ?? Buffer.alloc(0);
          taken = 0;
          if (piece.length === 0) throw new TaplineError('INTERNAL', { message: 'Held rows are gone.' });
        }
        const copied = piece.copy(rows, filled, taken);
        filled += copied;
        taken += copied;
      }
      yield one.#event.with(rows);
    }
    log[Symbol.dispose]();
  }

  static bytesOf(event: RowsEvent): number {
    return event instanceof WireRowsEvent ? event.end - event.at : 0;
  }
}
