/*
 * Dates as numbers, and back. MySQL stores dates that no calendar has: 0000-00-00, 2020-00-15, with ALLOW_INVALID_DATES also
 * 2020-02-31. They are kept exactly, as numbers far outside everything real, which `ChangeReader` turns back:
 *
 *   DATE            days:  NO_DATE_DAYS + packed
 *   DATETIME(0..3)  ms:    NO_DATE_MS + packed × 86,400,000 + milliseconds of the day
 *   DATETIME(4..6)  µs:    the same × 1000 + microseconds
 *
 * where packed = year × 512 + month × 32 + day. So a consumer that knows nothing of it sees a date millions (DATE) or hundreds of thousands of years ago,
 * never a plausible one, and nothing is lost. Debezium writes the epoch or null instead, which cannot be told from a real value.
 */

export const DAY_MS = 86_400_000;
/** −2^31: the real range of DATE is −719,528 (0000-01-01) to 2,932,896 (9999-12-31). */
export const NO_DATE_DAYS = -0x8000_0000;
/** The real range of DATETIME is ±2.6e14 ms. Chosen so that 1000 times it still fits a long. */
export const NO_DATE_MS = -9e15;
/** Every sentinel is below; every real value is above. */
export const NO_DATE_MS_END: number = NO_DATE_MS + 0x100_0000 * DAY_MS;
export const NO_DATE_DAYS_END: number = NO_DATE_DAYS + 0x100_0000;

const MONTH_DAYS: readonly number[] = [0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

export function isRealDate(year: number, month: number, day: number): boolean {
  if (day <= 28) return month >= 1 && month <= 12 && day >= 1;
  const last = month === 2 && isLeap(year) ? 29 : (MONTH_DAYS[month] ?? 0);
  return day <= last;
}

function isLeap(year: number): boolean {
  return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
}

/** Days since 1970-01-01 in the proleptic Gregorian calendar, for years from 0. Years are counted from March, so that the leap day comes last. */
export function daysOf(year: number, month: number, day: number): number {
  const fromMarch = month <= 2 ? year - 1 : year;
  const era = Math.floor(fromMarch / 400);
  const yearOfEra = fromMarch - era * 400;
  const dayOfYear = Math.floor((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5) + day - 1;
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return era * 146_097 + dayOfEra - 719_468;
}

/** The inverse of `daysOf`, packed as year × 512 + month × 32 + day. */
export function packedOfDays(days: number): number {
  const shifted = days + 719_468;
  const era = Math.floor(shifted / 146_097);
  const dayOfEra = shifted - era * 146_097;
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096)) / 365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const monthFromMarch = Math.floor((5 * dayOfYear + 2) / 153);
  const day = dayOfYear - Math.floor((153 * monthFromMarch + 2) / 5) + 1;
  const month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9;
  return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0)) * 512 + month * 32 + day;
}

export function dateDays(year: number, month: number, day: number): number {
  return isRealDate(year, month, day) ? daysOf(year, month, day) : NO_DATE_DAYS + year * 512 + month * 32 + day;
}

export function datetimeMs(year: number, month: number, day: number, msOfDay: number): number {
  return isRealDate(year, month, day)
    ? daysOf(year, month, day) * DAY_MS + msOfDay
    : NO_DATE_MS + (year * 512 + month * 32 + day) * DAY_MS + msOfDay;
}

/** Days as `dateDays` gave them → year × 512 + month × 32 + day. */
export function packedOfDate(days: number): number {
  return days < NO_DATE_DAYS_END ? days - NO_DATE_DAYS : packedOfDays(days);
}

/** Milliseconds as `datetimeMs` gave them → packed date and the milliseconds of the day. */
export function splitDatetime(ms: number): { packed: number; msOfDay: number } {
  const base = ms < NO_DATE_MS_END ? ms - NO_DATE_MS : ms;
  const days = Math.floor(base / DAY_MS);
  return { packed: ms < NO_DATE_MS_END ? days : packedOfDays(days), msOfDay: base - days * DAY_MS };
}
