import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Decoder } from './decoder.ts';
import { withoutLargeTransactions } from './large-transactions.ts';
import { type EventParts, eventBytes, hex, query } from './testing/build-events.ts';
import type { BinlogEvent, BinlogStats, BinlogStream } from './types.ts';
import { EVENT_TYPE } from './wire-types.ts';

/** d.t (a INT NOT NULL), table id 7. */
const MAP: EventParts = {
  type: EVENT_TYPE.TABLE_MAP,
  body: `070000000000 0100 01 ${hex('d')} 00 01 ${hex('t')} 00 01 03 00 00`,
};
const XID: EventParts = { type: EVENT_TYPE.XID, body: '0100000000000000' };

interface Part {
  readonly op: 'insert' | 'delete';
  readonly rows: number;
}

interface Transaction {
  readonly parts: readonly Part[];
  /** The server says its length in front of it. */
  readonly isKnown: boolean;
}

function rowsEvent({ op, rows }: Part, from: number): EventParts {
  const all = Array.from({ length: rows }, (_, i) => {
    const row = Buffer.alloc(5);
    row.writeInt32LE(from + i, 1);
    return row;
  });
  const head = Buffer.from('0700000000000100020001ff', 'hex');
  return {
    type: op === 'insert' ? EVENT_TYPE.WRITE_ROWS : EVENT_TYPE.DELETE_ROWS,
    body: Buffer.concat([head, ...all]),
  };
}

/** GTID, with the length of the transaction where it is given. */
function gtid(bytes: number | undefined): EventParts {
  const start = `00 ${'ab'.repeat(16)} 0700000000000000`;
  if (bytes === undefined) return { type: EVENT_TYPE.GTID, body: start };
  const length = Buffer.alloc(4);
  length[0] = 0xfd;
  length.writeUIntLE(bytes, 1, 3);
  return { type: EVENT_TYPE.GTID, body: `${start} 02 ${'00'.repeat(16)} 01000000000000 ${length.toString('hex')}` };
}

/** What the decoder makes of these events, a few a pull; the bytes of a pull are gone with the next one. */
class Pulls implements BinlogStream {
  readonly stats: BinlogStats = {
    bytes: 0,
    events: 0,
    skippedRowsEvents: 0,
    heldBytes: 0,
    waitingBytes: 0,
    spilledBytes: 0,
    pauses: 0,
  };
  readonly #decoder = new Decoder({ wants: () => true, file: 'binlog.000001', checksums: false });
  readonly #events: readonly EventParts[];
  readonly #atATime: number;
  #next = 0;
  #buffers: Buffer[] = [];

  constructor(events: readonly EventParts[], atATime: number) {
    this.#events = events;
    this.#atATime = atATime;
  }

  get ended(): boolean {
    return this.#next >= this.#events.length;
  }

  async pull(): Promise<readonly BinlogEvent[]> {
    for (const buffer of this.#buffers) buffer.fill(0xee);
    this.#buffers = [];
    const out: BinlogEvent[] = [];
    while (out.length < this.#atATime && !this.ended) {
      const bytes = eventBytes(this.#events[this.#next++] as EventParts);
      this.#buffers.push(bytes);
      this.#decoder.decode(bytes, 0, bytes.length, out);
    }
    return out;
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}

const lengthOf = (events: readonly EventParts[]): number =>
  events.reduce((sum, event) => sum + eventBytes(event).length, 0);

test.each([false, true])(
  'large transactions are left out and told, all others come as they were (deletesOnly: %s)',
  async (deletesOnly) => {
    const part = fc.record<Part>({
      op: fc.constantFrom('insert', 'delete', 'delete'),
      rows: fc.integer({ min: 1, max: 60 }),
    });
    const transaction = fc.record<Transaction>({ parts: fc.array(part, { maxLength: 6 }), isKnown: fc.boolean() });
    await fc.assert(
      fc.asyncProperty(
        fc.array(transaction, { maxLength: 12 }),
        fc.integer({ min: 100, max: 700 }),
        fc.integer({ min: 1, max: 5 }),
        async (transactions, maxBytes, atATime) => {
          const events: EventParts[] = [];
          const expected: unknown[] = [];
          let number = 0;
          for (const { parts, isKnown } of transactions) {
            const inside: EventParts[] = [];
            const numbers: number[] = [];
            for (const one of parts) {
              inside.push(MAP, rowsEvent(one, number));
              for (let i = 0; i < one.rows; i++) numbers.push(number++);
            }
            inside.push(XID);
            const known = isKnown ? lengthOf([gtid(0), query('BEGIN'), ...inside]) : undefined;
            events.push(gtid(known), query('BEGIN'), ...inside);
            const bytes = known ?? lengthOf(inside);
            const mayGo = !deletesOnly || parts.every(({ op }) => op === 'delete');
            if (bytes > maxBytes && mayGo && numbers.length > 0)
              expected.push({ bytes, tables: [['d.t', numbers.length]] });
            else expected.push('begin', ...numbers);
            expected.push('commit');
          }
          const source = new Pulls(events, atATime);
          await using stream = withoutLargeTransactions(source, { maxBytes, deletesOnly });
          const told: unknown[] = [];
          while (told.filter((event) => event === 'commit').length < transactions.length) {
            for (const event of await stream.pull()) {
              if (event.kind === 'begin') told.push(event.leftOut ?? 'begin');
              else if (event.kind !== 'rows') told.push(event.kind);
              else {
                const image = event.op === 'insert' ? event.after : event.before;
                while (event.next()) told.push(image.buffer.readInt32LE(image.offsets[0]));
              }
            }
          }
          expect(told).toEqual(expected);
          expect([source.ended, stream.stats.waitingBytes, stream.stats.spilledBytes]).toEqual([true, 0, 0]);
        },
      ),
    );
  },
);
