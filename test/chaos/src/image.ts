/*
 * One way to write a value down, whether it comes out of mysqlbinlog, out of Avro or out of a SELECT, so that images are compared as text:
 * integers and decimals in digits, texts in double quotes (JSON), bytes as x'hex', points in time as `µs`/`days` since the epoch, NULL.
 */
export const NULL = 'NULL';

export function textValue(text: string): string {
  return JSON.stringify(text);
}

export function bytesValue(bytes: Uint8Array): string {
  return `x'${Buffer.from(bytes).toString('hex')}'`;
}

export function microsValue(micros: bigint): string {
  return `${micros}µs`;
}

/** `2026-01-02 03:04:05.000678`, also with `T`, `:` between the date's parts, and a `Z`. Taken as UTC. */
export function datetimeValue(text: string): string {
  const match = /^(\d{4})[-:](\d\d)[-:](\d\d)[ T](\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?Z?$/.exec(text);
  if (match === null) throw new Error(`not a point in time: ${text}`);
  const [, year, month, day, hour, minute, second, fraction = ''] = match;
  const millis = Date.UTC(Number(year), Number(month) - 1, Number(day), Number(hour), Number(minute), Number(second));
  return microsValue(BigInt(millis) * 1000n + BigInt(fraction.padEnd(6, '0').slice(0, 6)));
}

/** Seconds since the epoch with up to six decimals, as mysqlbinlog prints TIMESTAMP. */
export function timestampValue(seconds: string): string {
  const [whole = '0', fraction = ''] = seconds.split('.');
  return microsValue(BigInt(whole) * 1_000_000n + BigInt(fraction.padEnd(6, '0').slice(0, 6)));
}

/**
 * A whole row: the values in column order, without the NULLs at its end, so that a row written before its table got another column is the same
 * as that row read afterwards.
 */
export function rowImage(values: readonly string[]): string {
  let length = values.length;
  while (length > 0 && values[length - 1] === NULL) length--;
  return JSON.stringify(values.slice(0, length));
}

export function imageValues(image: string): string[] {
  return JSON.parse(image) as string[];
}
