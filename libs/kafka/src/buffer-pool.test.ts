import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { BufferPool } from './buffer-pool.ts';

test('whatever is taken and given back, the count is that of the buffers out, and free ones never exceed the budget', () => {
  const budgetBytes = 1 << 20;
  const step = fc.oneof(fc.record({ take: fc.integer({ min: 0, max: 300_000 }) }), fc.record({ give: fc.nat() }));
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const pool = new BufferPool({ budgetBytes, largestBytes: 1 << 17 });
      const out: Buffer[] = [];
      for (const each of steps) {
        if ('take' in each) {
          const buffer = pool.take(each.take);
          expect(buffer.length).toBeGreaterThanOrEqual(each.take);
          expect(out).not.toContain(buffer);
          out.push(buffer);
        } else if (out.length > 0) {
          pool.give(out.splice(each.give % out.length, 1)[0] as Buffer);
        }
        expect(pool.usedBytes).toBe(out.reduce((sum, { length }) => sum + length, 0));
        expect(pool.freeBytes === 0 || pool.usedBytes + pool.freeBytes <= budgetBytes).toBe(true);
        expect(pool.hasRoom).toBe(pool.usedBytes < budgetBytes);
      }
    }),
  );
});

test('a buffer given back is used again', () => {
  const pool = new BufferPool({ budgetBytes: 1 << 20, largestBytes: 1 << 16 });
  const buffer = pool.take(5000);
  pool.give(buffer);
  expect(pool.take(5000)).toBe(buffer);
});

test('records larger than a batch that are about as long share a buffer, which is at most a quarter longer than they', () => {
  const pool = new BufferPool({ budgetBytes: 1 << 24, largestBytes: 1 << 19 });
  const buffer = pool.take(1_000_300);
  pool.give(buffer);
  expect(pool.take(1_010_000)).toBe(buffer);
  fc.assert(
    fc.property(fc.integer({ min: (1 << 19) + 1, max: 200_000_000 }), (bytes) => {
      const other = new BufferPool({ budgetBytes: 1, largestBytes: 1 << 19 });
      const { length } = other.take(bytes);
      expect(length).toBeGreaterThanOrEqual(bytes);
      expect(length).toBeLessThanOrEqual(bytes * 1.25);
      expect(Number.isInteger(length)).toBe(true);
    }),
    { numRuns: 50 },
  );
});
