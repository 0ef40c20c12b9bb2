const ZERO = 0x30;

/** How many decimal digits a whole number from 0 on has. */
export function digitsOf(value: number): number {
  let digits = 1;
  for (let limit = 10; value >= limit; limit *= 10) digits++;
  return digits;
}

/** Writes a whole number from 0 to 2^53 - 1 in just so many decimal digits, with zeros in front. @returns where they end. */
export function writeDigits(bytes: Buffer, start: number, digits: number, value: number): number {
  let left = value;
  for (let at = start + digits - 1; at >= start; at--) {
    const tenth = Math.floor(left / 10);
    // The difference first: beside 2^53 the sum would be rounded.
    bytes[at] = ZERO + (left - tenth * 10);
    left = tenth;
  }
  return start + digits;
}
