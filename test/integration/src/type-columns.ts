/** The servers that have a type. */
export type Server = 'mysql' | 'mysql80' | 'mariadb';

/** One column of the matrix: how it is made, what it is given, and how its decoded value is said in the words of a SELECT. */
export interface TypeColumn {
  readonly name: string;
  readonly type: string;
  /** SQL expressions; one a row. */
  readonly values: readonly string[];
  /** The SELECT expression whose text is expected; the plain column when absent. */
  readonly select?: string;
  /** The text of a value that avsc decoded. */
  readonly text: (value: never) => string;
  /** All of them, when absent. */
  readonly servers?: readonly Server[];
}

const MYSQL: readonly Server[] = ['mysql', 'mysql80'];
const DAY_MS = 86_400_000;

const plain = (value: number | bigint | string): string => String(value);
const hex = (value: Buffer): string => value.toString('hex').toUpperCase();
const number = (value: number): string => String(value);

/** Two's complement, big endian. */
function decimal(scale: number): (value: Buffer) => string {
  return (value) => {
    const unscaled = BigInt.asIntN(value.length * 8, BigInt(`0x${value.toString('hex')}`));
    const digits = (unscaled < 0n ? -unscaled : unscaled).toString().padStart(scale + 1, '0');
    const whole = `${unscaled < 0n ? '-' : ''}${digits.slice(0, digits.length - scale)}`;
    return scale === 0 ? whole : `${whole}.${digits.slice(-scale)}`;
  };
}

/** Bits come little endian. */
const bits = (value: Buffer): string =>
  BigInt(`0x${value.toReversed().reduce((text, byte) => text + byte.toString(16).padStart(2, '0'), '')}`).toString();

/**
 * A date that no calendar has is a sentinel far below all others: −2^31 + packed days, where packed = year × 512 + month × 32 + day;
 * −9e15 + packed × a day's milliseconds for date and time.
 */
function dateText(days: number): string {
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

function datetime(fsp: number): (value: bigint) => string {
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

const time = (fsp: number) => (micros: bigint) =>
  `${micros < 0n ? '-' : ''}${clock(micros < 0n ? -micros : micros, fsp)}`;
/** `2024-02-29T12:00:00.5Z` */
const timestamp =
  (fsp: number) =>
  (value: string): string =>
    value.startsWith('0000')
      ? `0000-00-00 00:00:00${fsp === 0 ? '' : `.${'0'.repeat(fsp)}`}`
      : value.replace('T', ' ').replace('Z', '');

interface Geometry {
  readonly wkb: Buffer;
  readonly srid: number | null;
}
const geometry = ({ wkb, srid }: Geometry): string => `${srid ?? 0} ${hex(wkb)}`;
/** The stored form is the SRID, little endian, and the WKB. ST_AsWKB would swap the axes of some. */
const geometrySelect = (name: string): string =>
  `CONCAT(CONV(HEX(REVERSE(LEFT(CAST(${name} AS BINARY), 4))), 16, 10), ' ', HEX(SUBSTR(CAST(${name} AS BINARY), 5)))`;

function vector(value: readonly number[]): string {
  const bytes = Buffer.alloc(value.length * 4);
  value.forEach((one, index) => bytes.writeFloatLE(one, index * 4));
  return hex(bytes);
}

function integers(): TypeColumn[] {
  const widths: [string, bigint][] = [
    ['tinyint', 8n],
    ['smallint', 16n],
    ['mediumint', 24n],
    ['int', 32n],
    ['bigint', 64n],
  ];
  return widths.flatMap(([type, width]): TypeColumn[] => {
    const half = 2n ** (width - 1n);
    const unsigned = ['0', '1', String(half - 1n), String(half), String(half * 2n - 1n)];
    return [
      { name: `s_${type}`, type, values: [String(-half), '-1', '0', '1', String(half - 1n)], text: plain },
      { name: `u_${type}`, type: `${type} unsigned`, values: unsigned, text: type === 'bigint' ? decimal(0) : plain },
    ];
  });
}

function decimals(): TypeColumn[] {
  const nines = '9'.repeat(65);
  return [
    {
      name: 'd_65_30',
      type: 'decimal(65,30)',
      values: [
        `-${nines.slice(30)}.${nines.slice(35)}`,
        `${nines.slice(30)}.${nines.slice(35)}`,
        '0',
        '-0.000000000000000000000000000001',
        '1',
      ],
      text: decimal(30),
    },
    { name: 'd_65_0', type: 'decimal(65,0)', values: [nines, `-${nines}`, '0', '-1', '256'], text: decimal(0) },
    {
      name: 'd_10_2',
      type: 'decimal(10,2)',
      values: ['-0.01', '99999999.99', '-99999999.99', '1.5', '127'],
      text: decimal(2),
    },
    { name: 'd_5_5', type: 'decimal(5,5)', values: ['0.99999', '-0.00001', '0', '0.5', '-0.99999'], text: decimal(5) },
  ];
}

function floats(): TypeColumn[] {
  // A FLOAT's own value, as a DOUBLE: a plain SELECT shows six digits.
  const exact = (name: string): string => `${name} * 1e0`;
  return [
    {
      name: 'f',
      type: 'float',
      values: ['-0.1', '3.4028234663852886e38', '1e-45', '0', '16777217'],
      select: exact('f'),
      text: number,
    },
    {
      name: 'f2',
      type: 'double',
      values: ['-0.1', '1.7976931348623157e308', '5e-324', '0', '0.30000000000000004'],
      select: exact('f2'),
      text: number,
    },
  ];
}

function times(): TypeColumn[] {
  const dates = [
    "'1000-01-01'",
    "'9999-12-31'",
    "'2024-02-29'",
    "'0000-00-00'",
    "'2024-00-10'",
    "'1969-12-31'",
    "'2023-02-31'",
  ];
  const result: TypeColumn[] = [
    { name: 'da', type: 'date', values: dates, text: dateText },
    { name: 'y', type: 'year', values: ['0', '1901', '2155', '2024', '1970'], select: 'y + 0', text: plain },
  ];
  for (const fsp of [0, 1, 3, 4, 6]) {
    const fraction = fsp === 0 ? '' : `.${'987654'.slice(0, fsp)}`;
    const moments = dates.map((date) => `${date.slice(0, -1)} 23:59:59${fraction}'`);
    result.push(
      { name: `dt${fsp}`, type: `datetime(${fsp})`, values: moments, text: datetime(fsp) },
      {
        name: `ts${fsp}`,
        type: `timestamp(${fsp})`,
        values: [
          `'1970-01-01 00:00:01${fraction}'`,
          `'2038-01-19 03:14:07'`,
          `'2024-03-31 01:30:00${fraction}'`,
          "'0000-00-00 00:00:00'",
          `'2024-10-27 00:30:00${fraction}'`,
        ],
        text: timestamp(fsp),
      },
      {
        name: `t${fsp}`,
        type: `time(${fsp})`,
        values: ["'-838:59:59'", "'838:59:59'", `'-00:00:00${fraction}'`, "'00:00:00'", `'12:34:56${fraction}'`],
        text: time(fsp),
      },
    );
  }
  return result;
}

function texts(): TypeColumn[] {
  const european = ["'é€ß'", "''", "' a '", "'it''s'", "'back\\\\slash'"];
  const chinese = ["'中文'", "''", "'a中'", "'ab'", "'文'"];
  const inCharset = (name: string, type: string, charset: string, values: readonly string[]): TypeColumn => ({
    name,
    type: `${type} CHARACTER SET ${charset}`,
    values,
    text: plain,
  });
  return [
    inCharset('c_utf8mb4', 'char(10)', 'utf8mb4', ["'😀é中'", "''", "'a  '", "'\\0'", "'\\n\\r'"]),
    inCharset('v_utf8mb3', 'varchar(300)', 'utf8mb3', ["REPEAT('中', 300)", ...european.slice(1)]),
    inCharset('v_latin1', 'varchar(20)', 'latin1', european),
    inCharset('v_gbk', 'varchar(20)', 'gbk', chinese),
    inCharset('v_big5', 'varchar(20)', 'big5', chinese),
    inCharset('v_sjis', 'varchar(20)', 'sjis', ["'日本'", "''", "'ｱｲｳ'", "'ab'", "'表'"]),
    inCharset('v_ucs2', 'varchar(20)', 'ucs2', chinese),
    inCharset('v_utf16', 'varchar(20)', 'utf16', ["'😀'", ...chinese.slice(1)]),
    inCharset('v_cp1251', 'varchar(20)', 'cp1251', ["'Привет'", "''", "'a'", "'Ж'", "'ы'"]),
    inCharset('t_tiny', 'tinytext', 'utf8mb4', european),
    inCharset('t_long', 'longtext', 'utf8mb4', ["REPEAT('ü', 70000)", "''", "'x'", "'\\t'", "'😀'"]),
  ];
}

function binaries(): TypeColumn[] {
  const values = ["x''", "x'00'", "x'FF00FE'", "x'61620000'", "x'275C0A'"];
  const column = (name: string, type: string, given: readonly string[] = values): TypeColumn => ({
    name,
    type,
    values: given,
    select: `HEX(${name})`,
    text: hex,
  });
  return [
    column('b_fixed', 'binary(4)'),
    column('b_wide', 'binary(255)'),
    column('b_var', 'varbinary(300)', [...values.slice(1), "REPEAT(x'FF', 300)"]),
    column('b_tiny', 'tinyblob'),
    column('b_blob', 'blob', [...values.slice(1), "REPEAT(x'00FF', 30000)"]),
    column('b_long', 'longblob'),
    {
      name: 'bit1',
      type: 'bit(1)',
      values: ["b'1'", "b'0'"],
      select: 'bit1 + 0',
      text: (value: boolean) => (value ? '1' : '0'),
    },
    { name: 'bit9', type: 'bit(9)', values: ["b'100000001'", "b'0'", "b'111111111'"], select: 'bit9 + 0', text: bits },
    {
      name: 'bit64',
      type: 'bit(64)',
      values: [`b'1${'0'.repeat(62)}1'`, "b'0'", `b'${'1'.repeat(64)}'`],
      select: 'bit64 + 0',
      text: bits,
    },
  ];
}

function members(): TypeColumn[] {
  const many = Array.from({ length: 300 }, (_, index) => `'m${index}'`);
  const sixtyFour = Array.from({ length: 64 }, (_, index) => `'s${index}'`);
  return [
    {
      name: 'e',
      type: "enum('a','b,c','it''s','','back\\\\slash')",
      values: ["'a'", "'b,c'", "'it''s'", "''", "'back\\\\slash'"],
      text: plain,
    },
    { name: 'e_wide', type: `enum(${many.join(',')})`, values: ["'m0'", "'m255'", "'m256'", "'m299'"], text: plain },
    { name: 'e_latin', type: "enum('é','ü') CHARACTER SET latin1", values: ["'é'", "'ü'"], text: plain },
    { name: 'e_gbk', type: "enum('中','文') CHARACTER SET gbk", values: ["'中'", "'文'"], text: plain },
    {
      name: 'st',
      type: "set('a','b c','it''s')",
      values: ["''", "'a'", "'a,b c'", "'it''s'", "'a,b c,it''s'"],
      text: plain,
    },
    {
      name: 'st_wide',
      type: `set(${sixtyFour.join(',')})`,
      values: ["'s0,s63'", "''", "'s31,s32'", '18446744073709551615', "'s63'"],
      text: plain,
    },
    { name: 'st_latin', type: "set('é','ü') CHARACTER SET latin1", values: ["'é'", "'é,ü'", "''"], text: plain },
  ];
}

function special(): TypeColumn[] {
  const shapes = [
    "ST_GeomFromText('LINESTRING(0 0, 1.5 -2)')",
    "ST_GeomFromText('POLYGON((0 0,4 0,4 4,0 0))')",
    "ST_GeomFromText('MULTIPOINT(1 1,2 2)')",
    "ST_GeomFromText('GEOMETRYCOLLECTION(POINT(1 2))')",
  ];
  const documents = [
    `'{"b": 1, "a": [1, 2.5, "x", null, true], "long key": {"😀": "\\\\u00e9\\\\n"}}'`,
    "'null'",
    "'[]'",
    "'18446744073709551615'",
    "'-1.5e10'",
    'CAST(CAST(1.10 AS DECIMAL(5,2)) AS JSON)',
    "JSON_OBJECT('t', TIMESTAMP('2024-02-29 01:02:03.5'), 'd', DATE('2024-02-29'), 'h', TIME('-11:22:33'))",
    "JSON_OBJECT('bin', CAST(x'00FF' AS BINARY))",
    "CONCAT('[\"', REPEAT('a', 70000), '\"]')",
  ];
  return [
    { name: 'j', type: 'json', values: documents, text: plain, servers: MYSQL },
    { name: 'j_maria', type: 'json', values: documents.slice(0, 5), text: plain, servers: ['mariadb'] },
    { name: 'g', type: 'geometry', values: shapes, select: geometrySelect('g'), text: geometry },
    {
      name: 'p',
      type: 'point',
      values: ["ST_GeomFromText('POINT(1.25 -7)')", "ST_GeomFromText('POINT(0 0)')"],
      select: geometrySelect('p'),
      text: geometry,
    },
    {
      name: 'p_4326',
      type: 'point SRID 4326',
      values: ["ST_GeomFromText('POINT(1 2)', 4326)"],
      select: geometrySelect('p_4326'),
      text: geometry,
      servers: MYSQL,
    },
    {
      name: 'vec',
      type: 'vector(3)',
      values: ["STRING_TO_VECTOR('[1,-2.5,3e38]')", "STRING_TO_VECTOR('[0,1.2e-38,0.1]')"],
      select: 'HEX(vec)',
      text: vector,
      servers: ['mysql'],
    },
    { name: 'v_virtual', type: 'int AS (id * 2) VIRTUAL', values: [], text: plain },
    { name: 'v_stored', type: 'int AS (id * 3) STORED', values: [], text: plain },
    { name: 'hidden', type: 'int INVISIBLE', values: ['1', '2'], text: plain },
  ];
}

/** Every type that the server has, nullable, with edge values. */
export function typeColumns(server: Server): TypeColumn[] {
  const all = [
    ...integers(),
    ...decimals(),
    ...floats(),
    ...times(),
    ...texts(),
    ...binaries(),
    ...members(),
    ...special(),
  ];
  return all.filter(({ servers }) => servers?.includes(server) ?? true);
}
