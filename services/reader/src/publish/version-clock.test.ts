import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { VersionClock } from './version-clock.ts';

function take(clock: VersionClock): bigint {
  const out = Buffer.alloc(8);
  clock.next(out, 0);
  return out.readBigInt64BE(0);
}

test('versions grow with every record, whatever the commit times do', () => {
  fc.assert(
    fc.property(fc.array(fc.bigInt({ min: 0n, max: 1n << 52n }), { minLength: 1 }), (commits) => {
      const clock = new VersionClock();
      let last = -1n;
      for (const commit of commits) {
        clock.startTransaction(commit);
        for (let i = 0; i < 3; i++) {
          const version = take(clock);
          expect(version).toBeGreaterThan(last);
          expect(version).toBeGreaterThanOrEqual(commit << 10n);
          expect(clock.last).toBe(version);
          last = version;
        }
      }
    }),
  );
});

test('a clock made from the last version goes on as the first one would have', () => {
  const first = new VersionClock();
  first.startTransaction(1_700_000_000_000_000n);
  take(first);
  const second = new VersionClock(first.last);
  second.startTransaction(1_700_000_000_000_000n);
  expect(take(second)).toBe(take(first));
});

test('the low half carries into the high half', () => {
  const clock = new VersionClock(0xffff_ffffn);
  expect(take(clock)).toBe(0x1_0000_0000n);
});

test('skip moves past versions given in an earlier life', () => {
  const clock = new VersionClock(41n);
  clock.skip(0xffff_ffff);
  expect(take(clock)).toBe(41n + 0xffff_ffffn + 1n);
});
