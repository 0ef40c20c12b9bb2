/** Two ASCII digits at `at`. */
export function digits2(bytes: Buffer, at: number): number {
  return (bytes[at] as number) * 10 + (bytes[at + 1] as number) - 528;
}

export function digits4(bytes: Buffer, at: number): number {
  return digits2(bytes, at) * 100 + digits2(bytes, at + 2);
}

/** The digits from `at` to the end as a fraction of a second in microseconds: `5` → 500,000. Nothing there: 0. */
export function fractionMicros(bytes: Buffer, at: number): number {
  let micros = 0;
  let unit = 100_000;
  for (let i = at; i < bytes.length && unit >= 1; i++) {
    micros += ((bytes[i] as number) - 48) * unit;
    unit /= 10;
  }
  return micros;
}

/** 1 to 6 bytes, unsigned. */
export function readBigEndian(buffer: Buffer, offset: number, bytes: number): number {
  let value = 0;
  for (let i = 0; i < bytes; i++) value = value * 256 + (buffer[offset + i] as number);
  return value;
}

/** 1 to 4 bytes, unsigned. */
export function readLittleEndian(buffer: Buffer, offset: number, bytes: number): number {
  let value = 0;
  for (let i = bytes - 1; i >= 0; i--) value = value * 256 + (buffer[offset + i] as number);
  return value;
}

/** The fraction behind datetime and timestamp: (fsp + 1) / 2 bytes big endian in hundredths, ten-thousandths or millionths. */
export function readFraction(buffer: Buffer, offset: number, fsp: number): number {
  if (fsp === 0) return 0;
  if (fsp <= 2) return (buffer[offset] as number) * 10_000;
  if (fsp <= 4) return readBigEndian(buffer, offset, 2) * 100;
  return readBigEndian(buffer, offset, 3);
}
