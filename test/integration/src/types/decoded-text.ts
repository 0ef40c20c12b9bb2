/*
 * What avsc decoded, in the words of a SELECT. Nothing of Tapline's own takes part, so that an error on both of its sides shows.
 */
const DAY_MS = 86_400_000;

export const plain = (value: number | bigint | string): string => String(value);
export const hex = (value: Buffer): string => value.toString('hex').toUpperCase();
/** The sign of zero counts too. */
export const float = (value: number): string => (Object.is(value, -0) ? '-0' : String(value));

/** Two's complement, big endian. */
export function decimal(scale: number): (value: Buffer) => string {
  return (value) => {
    const unscaled = BigInt.asIntN(value.length * 8, BigInt(`0x${value.toString('hex')}`));
    const digits = (unscaled < 0n ? -unscaled : unscaled).toString().padStart(scale + 1, '0');
    const whole = `${unscaled < 0n ? '-' : ''}${digits.slice(0, digits.length - scale)}`;
    return scale === 0 ? whole : `${whole}.${digits.slice(-scale)}`;
  };
}

/** Bits come little endian. */
export const bits = (value: Buffer): string =>
  BigInt(`0x${value.toReversed().reduce((text, byte) => text + byte.toString(16).padStart(2, '0'), '')}`).toString();

/**
 * A date that no calendar has is a sentinel far below all others: −2^31 + packed days, where packed = year × 512 + month × 32 + day;
 * −9e15 + packed × a day's milliseconds for date and time.
 */
export function dateText(days: number): string {
  if (days > -1_000_000) return new Date(days * DAY_MS).toISOString().slice(0, 10);
  return packedText(days + 2 ** 31);
}

function packedText(packed: number): string {
  const part = (value: number, width: number): string => String(value).padStart(width, '0');
  return `${part(Math.floor(packed / 512), 4)}-${part((packed >> 5) & 15, 2)}-${part(packed & 31, 2)}`;
}

function clock(micros: bigint, fsp: number): string {
  const seconds = micros / 1_000_000n;
  const two = (value: bigint): string => String(value).padStart(2, '0');
  const text = `${two(seconds / 3600n)}:${two((seconds / 60n) % 60n)}:${two(seconds % 60n)}`;
  return fsp === 0
    ? text
    : `${text}.${String(micros % 1_000_000n)
        .padStart(6, '0')
        .slice(0, fsp)}`;
}

export function datetime(fsp: number): (value: bigint) => string {
  const scale = fsp > 3 ? 1n : 1000n;
  const day = BigInt(DAY_MS) * 1000n;
  const noDate = -9_000_000_000_000_000_000n;
  return (value) => {
    const micros = value * scale;
    if (micros < -1_000_000_000_000_000_000n) {
      const rest = micros - noDate;
      return `${packedText(Number(rest / day))} ${clock(rest % day, fsp)}`;
    }
    const inDay = ((micros % day) + day) % day;
    return `${dateText(Number((micros - inDay) / day))} ${clock(inDay, fsp)}`;
  };
}

export const time =
  (fsp: number) =>
  (micros: bigint): string =>
    `${micros < 0n ? '-' : ''}${clock(micros < 0n ? -micros : micros, fsp)}`;

/** `2024-02-29T12:00:00.5Z` */
export const timestamp =
  (fsp: number) =>
  (value: string): string =>
    value.startsWith('0000')
      ? `0000-00-00 00:00:00${fsp === 0 ? '' : `.${'0'.repeat(fsp)}`}`
      : value.replace('T', ' ').replace('Z', '');

export interface Geometry {
  readonly wkb: Buffer;
  readonly srid: number | null;
}
export const geometry = ({ wkb, srid }: Geometry): string => `${srid ?? 0} ${hex(wkb)}`;
/** The stored form is the SRID, little endian, and the WKB. ST_AsWKB would swap the axes of some. */
export const geometrySelect = (name: string): string =>
  `CONCAT(CONV(HEX(REVERSE(LEFT(CAST(${name} AS BINARY), 4))), 16, 10), ' ', HEX(SUBSTR(CAST(${name} AS BINARY), 5)))`;

export function vector(value: readonly number[]): string {
  const bytes = Buffer.alloc(value.length * 4);
  value.forEach((one, index) => bytes.writeFloatLE(one, index * 4));
  return hex(bytes);
}
