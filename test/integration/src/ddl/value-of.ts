import type { Column } from '@tapline/schema';

/** Highest value of each integer type, by its sign. */
const HIGHEST: Readonly<Record<string, readonly [signed: string, unsigned: string]>> = {
  tinyint: ['-128', '255'],
  smallint: ['-32768', '65535'],
  mediumint: ['-8388608', '16777215'],
  int: ['-2147483648', '4294967295'],
  bigint: ['-9223372036854775808', '18446744073709551615'],
};

const SHAPES: Readonly<Record<string, string>> = {
  geometry: 'POINT(1 2)',
  point: 'POINT(1 2)',
  linestring: 'LINESTRING(0 0,1 1,2 0)',
  polygon: 'POLYGON((0 0,0 3,3 3,3 0,0 0))',
  multipoint: 'MULTIPOINT(1 1,2 2)',
  multilinestring: 'MULTILINESTRING((0 0,1 1),(2 2,3 3))',
  multipolygon: 'MULTIPOLYGON(((0 0,0 3,3 3,3 0,0 0)))',
  geomcollection: 'GEOMETRYCOLLECTION(POINT(1 1))',
  geometrycollection: 'GEOMETRYCOLLECTION(POINT(1 1))',
};

const TEXT = "'Zürich, ''1'' 😀'";

/**
 * An SQL expression for a value that tells the column's type, length, sign and members apart from others. What is too long is cut by the server, which runs
 * without strict mode; undefined: the server makes the value.
 */
export function valueOf(column: Column, flavor: 'mysql' | 'mariadb', isNumbered: boolean): string | undefined {
  const { type, unsigned, fsp = 0, length = 1 } = column;
  if (column.generated !== undefined) return undefined;
  const integer = HIGHEST[type];
  // A column that numbers itself would be at its end after the highest value.
  if (integer !== undefined) return isNumbered ? '7' : integer[unsigned ? 1 : 0];
  const shape = SHAPES[type];
  if (shape !== undefined) return `ST_GeomFromText('${shape}', ${column.srid ?? 0})`;
  const fraction = fsp === 0 ? '' : `.${'123456'.slice(0, fsp)}`;
  switch (type) {
    case 'decimal':
      return decimalOf(column);
    case 'float':
    case 'double':
      return unsigned ? '1.5' : '-1.5';
    case 'bit':
      return `b'1${'01'.repeat(32).slice(0, length - 1)}'`;
    case 'year':
      return '2024';
    case 'date':
      return "'2024-02-29'";
    case 'time':
      return `'-12:34:56${fraction}'`;
    case 'datetime':
    case 'timestamp':
      return `'2024-02-29 12:34:56${fraction}'`;
    case 'enum':
      return String(column.members?.length ?? 1);
    case 'set':
      return String(2n ** BigInt(column.members?.length ?? 1) - 1n);
    case 'json':
      return `'{"a": [1, 2.5, "x", null]}'`;
    case 'longtext':
      // What MariaDB calls JSON must be JSON.
      return flavor === 'mariadb' ? `'{"a": [1, "ü"]}'` : TEXT;
    case 'vector':
      return `STRING_TO_VECTOR('[${Array.from({ length }, (_, i) => i % 7).join()}]')`;
    case 'uuid':
      return "'123e4567-e89b-12d3-a456-426655440000'";
    case 'inet6':
      return "'2001:db8::ff00:42:8329'";
    case 'inet4':
      return "'192.0.2.33'";
    default:
      if (/^vector/.test(column.columnType)) return `REPEAT(x'0000803f', ${length / 4})`;
      return /binary$|blob$/.test(type) ? "x'00ff10'" : TEXT;
  }
}

function decimalOf({ precision = 10, scale = 0, unsigned }: Column): string {
  const digits = '9876543210'.repeat(7).slice(0, precision);
  const whole = digits.slice(0, precision - scale) || '0';
  return `${unsigned ? '' : '-'}${whole}${scale === 0 ? '' : `.${digits.slice(precision - scale)}`}`;
}
