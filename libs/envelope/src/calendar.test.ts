import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  DAY_MS,
  dateDays,
  datetimeMs,
  daysOf,
  isRealDate,
  NO_DATE_DAYS_END,
  NO_DATE_MS,
  NO_DATE_MS_END,
  packedOfDate,
  packedOfDays,
  splitDatetime,
} from './calendar.ts';

const days = fc.integer({ min: -719_528, max: 2_932_896 });
const parts = fc.tuple(
  fc.integer({ min: 0, max: 9999 }),
  fc.integer({ min: 0, max: 15 }),
  fc.integer({ min: 0, max: 31 }),
);
const msOfDay = fc.integer({ min: 0, max: DAY_MS - 1 });

test('days and dates are those of Date, for all years of MySQL', () => {
  fc.assert(
    fc.property(days, (day) => {
      const date = new Date(day * DAY_MS);
      const [year, month, dayOfMonth] = [date.getUTCFullYear(), date.getUTCMonth() + 1, date.getUTCDate()];
      expect(packedOfDays(day)).toBe(year * 512 + month * 32 + dayOfMonth);
      expect(daysOf(year, month, dayOfMonth)).toBe(day);
      expect(isRealDate(year, month, dayOfMonth)).toBe(true);
    }),
  );
});

test('every date that MySQL can store comes back, real or not, and the two kinds never meet', () => {
  fc.assert(
    fc.property(parts, msOfDay, ([year, month, day], ms) => {
      const packed = year * 512 + month * 32 + day;
      const real = isRealDate(year, month, day);
      expect(packedOfDate(dateDays(year, month, day))).toBe(packed);
      expect(splitDatetime(datetimeMs(year, month, day, ms))).toEqual({ packed, msOfDay: ms });
      expect(dateDays(year, month, day) < NO_DATE_DAYS_END).toBe(!real);
      expect(datetimeMs(year, month, day, ms) < NO_DATE_MS_END).toBe(!real);
    }),
  );
});

test('sentinels fit an int and, as microseconds, a long', () => {
  expect(dateDays(0, 0, 0)).toBe(-(2 ** 31));
  expect(datetimeMs(0, 0, 0, 0)).toBe(NO_DATE_MS);
  expect(BigInt(NO_DATE_MS) * 1000n).toBeGreaterThan(-(2n ** 63n));
});
