import fc from 'fast-check';
import { MYSQL, type Server, type TypeColumn } from './column.ts';
import {
  bits,
  dateText,
  datetime,
  decimal,
  float,
  geometry,
  geometrySelect,
  hex,
  plain,
  time,
  timestamp,
} from './decoded-text.ts';

/** A column type, and SQL for any value that it can hold. */
interface Kind extends Omit<TypeColumn, 'name' | 'values' | 'select'> {
  readonly sql: fc.Arbitrary<string>;
  readonly select?: (name: string) => string;
}

const digits = (value: number | bigint, width: number): string => String(value).padStart(width, '0');

function integers(): Kind[] {
  const widths: [string, bigint][] = [
    ['tinyint', 8n],
    ['smallint', 16n],
    ['mediumint', 24n],
    ['int', 32n],
    ['bigint', 64n],
  ];
  return widths.flatMap(([type, width]): Kind[] => {
    const half = 2n ** (width - 1n);
    return [
      { type, sql: fc.bigInt({ min: -half, max: half - 1n }).map(String), text: plain },
      {
        type: `${type} unsigned`,
        sql: fc.bigInt({ min: 0n, max: half * 2n - 1n }).map(String),
        text: type === 'bigint' ? decimal(0) : plain,
      },
    ];
  });
}

function decimals(): Kind[] {
  return [
    [65, 30],
    [38, 9],
    [30, 30],
    [18, 18],
    [19, 4],
    [10, 2],
    [9, 0],
    [3, 1],
  ].map(([precision = 0, scale = 0]): Kind => {
    const most = 10n ** BigInt(precision) - 1n;
    const sql = fc.bigInt({ min: -most, max: most }).map((unscaled) => {
      const all = digits(unscaled < 0n ? -unscaled : unscaled, scale + 1);
      return `${unscaled < 0n ? '-' : ''}${all.slice(0, all.length - scale)}.${all.slice(all.length - scale)}0`;
    });
    return { type: `decimal(${precision},${scale})`, sql, text: decimal(scale) };
  });
}

function floats(): Kind[] {
  const finite = { noNaN: true, noDefaultInfinity: true } as const;
  const literal = (value: number): string =>
    Object.is(value, -0) ? '-0e0' : `${value}${/e/.test(String(value)) ? '' : 'e0'}`;
  const select = (name: string): string => `${name} * 1e0`;
  return [
    { type: 'double', sql: fc.double(finite).map(literal), select, text: float },
    { type: 'float', sql: fc.float(finite).map(literal), select, text: float },
  ];
}

function times(): Kind[] {
  const part = (max: number): fc.Arbitrary<number> => fc.integer({ min: 0, max });
  const fractionOf = (fsp: number): fc.Arbitrary<string> =>
    fsp === 0 ? fc.constant('') : part(10 ** fsp - 1).map((fraction) => `.${digits(fraction, fsp)}`);
  // Zero parts and days that the month lacks, as ALLOW_INVALID_DATES takes them.
  const date = fc
    .tuple(part(9999), part(12), part(31))
    .map(([year, month, day]) => `${digits(year, 4)}-${digits(month, 2)}-${digits(day, 2)}`);
  const clock = fc.tuple(part(23), part(59), part(59)).map((parts) => parts.map((one) => digits(one, 2)).join(':'));
  const span = fc
    .tuple(fc.constantFrom('', '-'), part(838), part(59), part(58))
    .map(([sign, ...parts]) => `${sign}${parts.map((one) => digits(one, 2)).join(':')}`);
  const moment = fc
    .integer({ min: 1, max: 2 ** 31 - 1 })
    .map((seconds) => new Date(seconds * 1000).toISOString().slice(0, 19).replace('T', ' '));
  const quoted = (...parts: readonly fc.Arbitrary<string>[]): fc.Arbitrary<string> =>
    fc.tuple(...parts).map((texts) => `'${texts.join('')}'`);
  const ofPrecision = [0, 1, 2, 3, 4, 5, 6].flatMap((fsp): Kind[] => [
    {
      type: `datetime(${fsp})`,
      sql: quoted(date, fc.constant(' '), clock, fractionOf(fsp)),
      text: datetime(fsp),
    },
    { type: `timestamp(${fsp})`, sql: quoted(moment, fractionOf(fsp)), text: timestamp(fsp) },
    { type: `time(${fsp})`, sql: quoted(span, fractionOf(fsp)), text: time(fsp) },
  ]);
  return [
    { type: 'date', sql: quoted(date), text: dateText },
    { type: 'year', sql: fc.integer({ min: 1901, max: 2155 }).map(String), text: plain },
    ...ofPrecision,
  ];
}

const bytesLiteral = (bytes: Uint8Array): string => `x'${Buffer.from(bytes).toString('hex')}'`;
const textLiteral = (text: string): string => `CONVERT(${bytesLiteral(Buffer.from(text))} USING utf8mb4)`;

function strings(): Kind[] {
  const any = (maxLength: number): fc.Arbitrary<string> => fc.string({ unit: 'binary', maxLength }).map(textLiteral);
  const latin = fc
    .array(
      fc.integer({ min: 0x20, max: 0xff }).filter((code) => code < 0x7f || code >= 0xa0),
      { maxLength: 40 },
    )
    .map((codes) => textLiteral(String.fromCharCode(...codes)));
  const bytes = (maxLength: number): fc.Arbitrary<string> => fc.uint8Array({ maxLength }).map(bytesLiteral);
  const asHex = (name: string): string => `HEX(${name})`;
  const binary = (type: string, sql: fc.Arbitrary<string>): Kind => ({ type, sql, select: asHex, text: hex });
  return [
    { type: 'char(20) CHARACTER SET utf8mb4', sql: any(20), text: plain },
    { type: 'varchar(60) CHARACTER SET utf8mb4', sql: any(60), text: plain },
    { type: 'varchar(300) CHARACTER SET utf8mb4', sql: any(300), text: plain },
    { type: 'text CHARACTER SET utf8mb4', sql: any(2000), text: plain },
    { type: 'varchar(40) CHARACTER SET latin1', sql: latin, text: plain },
    binary('binary(16)', bytes(16)),
    binary('varbinary(40)', bytes(40)),
    binary('varbinary(400)', bytes(400)),
    binary('blob', bytes(2000)),
    binary('longblob', bytes(5000)),
  ];
}

function members(): Kind[] {
  const names = (count: number): string => Array.from({ length: count }, (_, i) => `'m${i}'`).join(',');
  const mask = (count: bigint): fc.Arbitrary<string> => fc.bigInt({ min: 0n, max: 2n ** count - 1n }).map(String);
  const asNumber = (name: string): string => `${name} + 0`;
  return [
    { type: `enum(${names(3)})`, sql: fc.integer({ min: 1, max: 3 }).map(String), text: plain },
    { type: `enum(${names(400)})`, sql: fc.integer({ min: 1, max: 400 }).map(String), text: plain },
    { type: `set(${names(20)})`, sql: mask(20n), text: plain },
    { type: `set(${names(64)})`, sql: mask(64n), text: plain },
    { type: 'bit(7)', sql: mask(7n), select: asNumber, text: bits },
    { type: 'bit(33)', sql: mask(33n), select: asNumber, text: bits },
    { type: 'bit(64)', sql: mask(64n), select: asNumber, text: bits },
  ];
}

function special(): Kind[] {
  const coordinate = fc.double({ noNaN: true, noDefaultInfinity: true });
  const point = fc.tuple(coordinate, coordinate).map(([x, y]) => {
    const wkb = Buffer.alloc(21);
    wkb[0] = 1;
    wkb.writeUInt32LE(1, 1);
    wkb.writeDoubleLE(x, 5);
    wkb.writeDoubleLE(y, 13);
    return `ST_GeomFromWKB(${bytesLiteral(wkb)})`;
  });
  // zongji loses such a key; the matrix has it.
  const document = fc
    .jsonValue({ maxDepth: 4, stringUnit: 'grapheme' })
    .map((value) => JSON.stringify(value))
    .filter((text) => !text.includes('__proto__'))
    .map(textLiteral);
  return [
    { type: 'point', sql: point, select: geometrySelect, text: geometry },
    { type: 'json', sql: document, text: plain, servers: MYSQL },
  ];
}

/** Columns of every type with `rows` random values each, every tenth NULL; the same for the same seed. */
export function randomColumns(server: Server, rows: number, seed: number): TypeColumn[] {
  const kinds = [
    ...integers(),
    ...decimals(),
    ...floats(),
    ...times(),
    ...strings(),
    ...members(),
    ...special(),
  ].filter(({ servers }) => servers?.includes(server) ?? true);
  return kinds.map(({ sql, select, type, text }, index): TypeColumn => {
    const name = `c${index}`;
    const values = fc.sample(fc.option(sql, { freq: 9, nil: 'NULL' }), { numRuns: rows, seed: seed + index });
    return { name, type, values, text, ...(select === undefined ? {} : { select: select(name) }) };
  });
}
