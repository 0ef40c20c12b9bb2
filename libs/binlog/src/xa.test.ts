import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Spill } from './spill.ts';
import { type EventParts, gtid, hex, query, XID } from './testing/build-events.ts';
import { follow } from './testing/follow.ts';
import { EVENT_TYPE } from './wire-types.ts';

/** d.t (a INT NOT NULL, b VARCHAR(1000)), table id 7. */
const MAP: EventParts = {
  type: EVENT_TYPE.TABLE_MAP,
  body: `070000000000 0100 01 ${hex('d')} 00 01 ${hex('t')} 00 02 03 0f 02 e803 02`,
};

/** Rows with these numbers, each of some hundred bytes. */
function insert(numbers: readonly number[]): EventParts {
  const rows = numbers.map((number) => {
    const row = Buffer.alloc(1 + 4 + 2 + 400, number);
    row[0] = 0;
    row.writeInt32LE(number, 1);
    row.writeUInt16LE(400, 5);
    return row;
  });
  return {
    type: EVENT_TYPE.WRITE_ROWS,
    body: Buffer.concat([Buffer.from('0700000000000100020002ff', 'hex'), ...rows]),
  };
}

const xa = (words: string, xid: number): EventParts => query(`XA ${words} X'0${xid}',X'',1`);
const prepare = (xid: number, onePhase: boolean): EventParts => ({
  type: EVENT_TYPE.XA_PREPARE,
  body: `${onePhase ? '01' : '00'} 01000000 01000000 00000000 0${xid}`,
});

interface Step {
  readonly xid: number;
  readonly rows: number;
  readonly what: 'plain' | 'one phase' | 'commit' | 'rollback';
}

test('however XA transactions overlap: each one’s rows come at its commit, once, or never, and nothing stays', async () => {
  const step = fc.record<Step>({
    xid: fc.nat(5),
    rows: fc.oneof(fc.nat(5), fc.nat(60)),
    what: fc.constantFrom('plain', 'one phase', 'commit', 'rollback'),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { maxLength: 40 }),
      fc.constantFrom(0, 5000, 1 << 20),
      async (steps, memoryBytes) => {
        using spill = new Spill({ memoryBytes });
        const open = new Map<number, readonly number[]>();
        const events: EventParts[] = [];
        const expected: (string | number)[] = [];
        let next = 0;
        for (const { xid, rows, what } of steps) {
          const held = open.get(xid);
          events.push(gtid());
          if (held !== undefined && (what === 'commit' || what === 'rollback')) {
            events.push(xa(what.toUpperCase(), xid));
            expected.push('begin', ...(what === 'commit' ? held : []), 'commit');
            open.delete(xid);
            continue;
          }
          const numbers = Array.from({ length: rows }, () => next++);
          const changes = rows === 0 ? [] : [MAP, insert(numbers)];
          if (what === 'plain') {
            events.push(query('BEGIN'), ...changes, XID);
            expected.push('begin', ...numbers, 'commit');
          } else if (what === 'one phase') {
            events.push(xa('START', xid), ...changes, xa('END', xid), prepare(xid, true));
            expected.push('begin', ...numbers, 'commit');
          } else {
            events.push(xa('START', xid), ...changes, xa('END', xid), prepare(xid, false));
            expected.push('prepared');
            open.set(xid, numbers);
          }
        }
        for (const [xid, numbers] of open) {
          events.push(gtid(), xa('COMMIT', xid));
          expected.push('begin', ...numbers, 'commit');
        }
        expect(await follow(events, { spill })).toEqual(expected);
        expect([spill.memoryBytes, spill.fileBytes]).toEqual([0, 0]);
      },
    ),
    { numRuns: 60 },
  );
});
