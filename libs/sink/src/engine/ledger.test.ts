import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { PartitionLedger } from './ledger.ts';

function startedAt(offset: number, capacity?: number): PartitionLedger {
  const ledger = new PartitionLedger('t', 0, capacity);
  ledger.begin(offset);
  return ledger;
}

describe('the ledger of a partition', () => {
  test('gives the lowest offset that is not done, across gaps', () => {
    const ledger = startedAt(5);
    expect(ledger.toCommit).toBeUndefined();
    const [a, b, c] = [ledger.add(5), ledger.add(9), ledger.add(10)];
    ledger.done(c);
    ledger.done(b);
    expect(ledger.unbroken).toBe(5);
    expect(ledger.toCommit).toBeUndefined();
    ledger.done(a);
    expect(ledger.toCommit).toBe(11);
    ledger.committed(11);
    expect(ledger.toCommit).toBeUndefined();
    ledger.skipTo(20);
    expect(ledger.toCommit).toBe(20);
  });

  test('never passes a record that is not done, whatever the order, and grows while it waits', () => {
    const order = fc.array(fc.nat({ max: 1_000_000 }), { minLength: 1, maxLength: 200 });
    fc.assert(
      fc.property(order, (weights) => {
        const ledger = startedAt(0, 4);
        const offsets = weights.map((_, index) => index * 3);
        const tickets = offsets.map((offset) => ledger.add(offset));
        const open = new Set(offsets);
        const finishing = [...weights.keys()].sort((a, b) => (weights[a] as number) - (weights[b] as number));
        for (const index of finishing) {
          ledger.done(tickets[index] as number);
          open.delete(offsets[index] as number);
          const lowest = Math.min(...open, (offsets.at(-1) as number) + 1);
          if (ledger.unbroken !== lowest) return false;
        }
        return ledger.open === 0;
      }),
    );
  });
});
