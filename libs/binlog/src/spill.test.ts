import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { SPILL_BLOCK_BYTES, Spill, type SpillLog } from './spill.ts';

const folder = mkdtempSync(join(tmpdir(), 'tapline-spill-'));
afterAll(() => rmSync(folder, { recursive: true }));

const contents = (log: SpillLog): Buffer => Buffer.concat([...log.pieces()]);

/** Bytes that tell where they are from. */
function bytesOf(seed: number, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  for (let i = 0; i < length; i++) bytes[i] = (seed * 31 + i * 7 + (i >> 8)) & 0xff;
  return bytes;
}

test('logs give back what was appended, whatever the budget, however they grow and end', () => {
  const step = fc.record({
    log: fc.nat(3),
    length: fc.oneof(fc.nat(300), fc.nat(SPILL_BLOCK_BYTES * 2)),
    ends: fc.boolean(),
  });
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 25 }),
      fc.constantFrom(0, 1, 5000, SPILL_BLOCK_BYTES, 1 << 20),
      (steps, memoryBytes) => {
        using spill = new Spill({ folder, memoryBytes });
        const logs = new Map<number, { log: SpillLog; expected: Buffer[] }>();
        for (const [i, { log: which, length, ends }] of steps.entries()) {
          const open = logs.get(which) ?? { log: spill.log(), expected: [] };
          logs.set(which, open);
          const bytes = bytesOf(i, length + 2);
          open.log.append(bytes, 1, length + 1);
          open.expected.push(bytes.subarray(1, length + 1));
          if (!ends) continue;
          expect(contents(open.log).equals(Buffer.concat(open.expected))).toBe(true);
          open.log[Symbol.dispose]();
          logs.delete(which);
        }
        // At most one buffer that is being filled stands above the budget.
        expect(spill.memoryBytes).toBeLessThanOrEqual(memoryBytes + SPILL_BLOCK_BYTES);
        for (const { log, expected } of logs.values()) {
          expect(log.length).toBe(expected.reduce((sum, { length }) => sum + length, 0));
          expect(contents(log).equals(Buffer.concat(expected))).toBe(true);
          expect(contents(log).equals(Buffer.concat(expected))).toBe(true);
          log[Symbol.dispose]();
          log[Symbol.dispose]();
        }
        expect([spill.memoryBytes, spill.fileBytes]).toEqual([0, 0]);
      },
    ),
    { numRuns: 60 },
  );
});

test('the file is nowhere to be seen, and its blocks are used again', () => {
  using spill = new Spill({ folder, memoryBytes: 0 });
  let most = 0;
  for (let i = 0; i < 20; i++) {
    using log = spill.log();
    log.append(bytesOf(i, 3 * SPILL_BLOCK_BYTES), 0, 3 * SPILL_BLOCK_BYTES);
    most = Math.max(most, spill.fileBytes);
    expect(readdirSync(folder)).toEqual([]);
  }
  expect(most).toBeGreaterThan(0);
  expect(most).toBeLessThanOrEqual(4 * SPILL_BLOCK_BYTES);
});

test('a folder that is not there is named', () => {
  using spill = new Spill({ folder: join(folder, 'nowhere'), memoryBytes: 0 });
  const bytes = Buffer.alloc(SPILL_BLOCK_BYTES * 2);
  expect(() => spill.log().append(bytes, 0, bytes.length)).toThrow(
    expect.objectContaining({ code: 'SPILL_FAILED', message: expect.stringContaining('nowhere') }),
  );
});

test('what was closed is not read from: its number may be another file’s', () => {
  const spill = new Spill({ folder, memoryBytes: 0 });
  const log = spill.log();
  log.append(Buffer.alloc(2 * SPILL_BLOCK_BYTES), 0, 2 * SPILL_BLOCK_BYTES);
  spill[Symbol.dispose]();
  expect(() => contents(log)).toThrow(expect.objectContaining({ code: 'INTERNAL' }));
});
