import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { BufferPool } from './buffer-pool.ts';

/** Where the memory of a buffer begins and ends, for comparison with others of the same memory. */
const overlap = (a: Buffer, b: Buffer): boolean =>
  a.buffer === b.buffer && a.byteOffset < b.byteOffset + b.length && b.byteOffset < a.byteOffset + a.length;

test('whatever is taken and given back, no two buffers share memory, all memory is counted, and what is free never exceeds the budget', () => {
  const budgetBytes = 1 << 20;
  const size = fc.oneof(fc.integer({ min: 0, max: 20_000 }), fc.integer({ min: 0, max: 300_000 }));
  const step = fc.oneof(fc.record({ take: size }), fc.record({ give: fc.nat() }));
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const pool = new BufferPool({ budgetBytes, largestBytes: 1 << 17 });
      const out: Buffer[] = [];
      for (const each of steps) {
        if ('take' in each) {
          const buffer = pool.take(each.take);
          expect(buffer.length).toBeGreaterThanOrEqual(each.take);
          expect(out.some((other) => overlap(buffer, other))).toBe(false);
          out.push(buffer);
        } else if (out.length > 0) {
          pool.give(out.splice(each.give % out.length, 1)[0] as Buffer);
        }
        // Memory that some of its pieces are out of is counted as a whole.
        const memory = new Set(out.map(({ buffer }) => buffer));
        expect(pool.usedBytes).toBe([...memory].reduce((sum, { byteLength }) => sum + byteLength, 0));
        expect(pool.freeBytes === 0 || pool.usedBytes + pool.freeBytes <= budgetBytes).toBe(true);
        expect(pool.hasRoom).toBe(pool.usedBytes < budgetBytes);
      }
    }),
  );
});

test('memory of short buffers serves for those of any other length when none of them is out any more', () => {
  const pool = new BufferPool({ budgetBytes: 1 << 20, largestBytes: 1 << 17 });
  const take = (count: number, bytes: number): Buffer[] => Array.from({ length: count }, () => pool.take(bytes));
  const first = take(640, 1000);
  const memory = new Set(first.map(({ buffer }) => buffer));
  expect([first[0]?.length, pool.usedBytes, memory.size]).toEqual([1024, 640 * 1024, 10]);
  for (const buffer of first) pool.give(buffer);
  expect([pool.usedBytes, pool.freeBytes]).toEqual([0, 640 * 1024]);
  const second = take(100, 6000);
  expect(second.every(({ length, buffer }) => length === 6144 && memory.has(buffer))).toBe(true);
  for (const buffer of second) pool.give(buffer);
  expect([pool.usedBytes, pool.freeBytes]).toEqual([0, 640 * 1024]);
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
