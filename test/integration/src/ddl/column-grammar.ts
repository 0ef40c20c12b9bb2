import type { Random } from './random.ts';

/** What a server takes. */
export interface Dialect {
  readonly flavor: 'mysql' | 'mariadb';
  /** 90700, 101106. */
  readonly version: number;
}

type Spell = (random: Random) => string;

const INTEGERS = [
  'TINYINT',
  'SMALLINT',
  'MEDIUMINT',
  'INT',
  'INTEGER',
  'BIGINT',
  'INT1',
  'INT2',
  'INT3',
  'INT4',
  'INT8',
  'MIDDLEINT',
];
const CHARSETS = ['latin1', 'utf8mb4', 'utf8', 'ascii', 'latin2', 'ucs2', 'utf16', 'gbk', 'sjis', 'cp1251', 'binary'];
const COLLATIONS = ['utf8mb4_bin', 'latin1_swedish_ci', 'utf8mb4_unicode_ci', 'utf8_general_ci', 'latin1_bin'];

const text = (random: Random): string => {
  const choice = random.below(10);
  if (choice === 0) return ` CHARACTER SET ${random.pick(CHARSETS)}`;
  if (choice === 1) return ` CHARSET ${random.pick(CHARSETS)} `;
  if (choice === 2) return ` COLLATE ${random.pick(COLLATIONS)}`;
  if (choice === 3) return ' CHARACTER SET utf8mb4 COLLATE utf8mb4_bin';
  return choice === 4 ? random.pick([' BINARY', ' ASCII', ' CHARACTER SET latin1 BINARY']) : '';
};

/** Character sets in which ASCII is itself: the members of others do not survive CONVERT TO. */
const textOfMembers = (random: Random): string =>
  random.pick(['', '', ' CHARACTER SET latin1', ' COLLATE utf8mb4_bin', ' CHARACTER SET utf8mb4']);

const sign = (random: Random): string => random.pick(['', '', '', ' UNSIGNED', ' UNSIGNED ZEROFILL', ' SIGNED']);
const fraction = (random: Random): string => random.pick(['', '', '(0)', '(3)', '(6)']);

const MEMBERS = [
  "'new'",
  "'paid'",
  "'it''s'",
  "'a,b'",
  "'(x)'",
  "'trailing '",
  "'back\\\\slash'",
  '"double"',
  "''",
  "'y\\'z'",
];
const members = (random: Random): string =>
  `(${random.some(MEMBERS, 1 + random.below(6)).join(random.pick([',', ', ']))})`;

/** Types in the ways in which people spell them, the usual ones more often. */
const TYPES: readonly Spell[] = [
  (r) => `${r.pick(INTEGERS)}${r.pick(['', '', '(11)', '(1)', '(5)'])}${sign(r)}`,
  (r) => `INT${sign(r)}`,
  (r) => `BIGINT(20)${sign(r)}`,
  (r) => r.pick(['BOOL', 'BOOLEAN', 'TINYINT(1)']),
  (r) =>
    `${r.pick(['DECIMAL', 'NUMERIC', 'DEC', 'FIXED'])}${r.pick(['', '(10)', '(12,2)', '(65,30)', '(5,5)', '(0)', '(19.0)'])}${sign(r)}`,
  (r) =>
    r.pick([
      'FLOAT',
      'DOUBLE',
      'REAL',
      'DOUBLE PRECISION',
      'FLOAT(7,4)',
      'FLOAT(24)',
      'FLOAT(53)',
      'DOUBLE(16,4)',
      'FLOAT4',
      'FLOAT8',
    ]),
  (r) => `BIT${r.pick(['', '(1)', '(12)', '(64)'])}`,
  (r) => r.pick(['DATE', 'YEAR', 'YEAR(4)']),
  (r) => `TIME${fraction(r)}`,
  (r) => `DATETIME${fraction(r)}`,
  (r) => `TIMESTAMP${fraction(r)} NULL`,
  (r) => `VARCHAR(${r.pick([1, 10, 64, 191, 255, 256, 1000])})${text(r)}`,
  (r) => `varchar(255)${text(r)}`,
  (r) => `CHAR${r.pick(['', '(0)', '(1)', '(32)', '(36)', '(255)'])}${text(r)}`,
  (r) =>
    r.pick([
      'NCHAR(5)',
      'NATIONAL VARCHAR(20)',
      'NVARCHAR(9)',
      'CHARACTER VARYING(12)',
      'CHAR BYTE',
      'NATIONAL CHARACTER(3)',
    ]),
  (r) =>
    `${r.pick(['TEXT', 'TINYTEXT', 'MEDIUMTEXT', 'LONGTEXT', 'TEXT(100)', 'TEXT(70000)', 'LONG', 'LONG VARCHAR'])}${text(r)}`,
  (r) =>
    r.pick([
      'BLOB',
      'TINYBLOB',
      'MEDIUMBLOB',
      'LONGBLOB',
      'BLOB(300)',
      'LONG VARBINARY',
      'VARBINARY(16)',
      'BINARY(16)',
      'BINARY',
    ]),
  (r) => `ENUM${members(r)}${textOfMembers(r)}`,
  (r) => `SET ${members(r)}${textOfMembers(r)}`,
  () => 'JSON',
];

/** Only MySQL's: MariaDB hashes a key over shapes at first, and forgets that at the next ALTER. */
const SHAPES: Spell = (r) =>
  r.pick([
    'GEOMETRY',
    'POINT',
    'LINESTRING',
    'POLYGON',
    'MULTIPOINT',
    'MULTILINESTRING',
    'MULTIPOLYGON',
    'GEOMETRYCOLLECTION',
  ]);

const TYPES_OF: readonly { readonly fits: (dialect: Dialect) => boolean; readonly types: readonly Spell[] }[] = [
  { fits: ({ flavor }) => flavor === 'mysql', types: [SHAPES] },
  {
    fits: ({ flavor, version }) => flavor === 'mysql' && version >= 90_000,
    types: [(r) => `VECTOR(${r.pick([3, 16])})`],
  },
  {
    fits: ({ flavor, version }) => flavor === 'mysql' && version >= 80_000,
    types: [(r) => `${r.pick(['POINT', 'GEOMETRY'])} NOT NULL SRID ${r.pick([0, 4326])}`],
  },
  {
    fits: ({ flavor }) => flavor === 'mariadb',
    types: [() => 'INET6', (r) => `${r.pick(['VARCHAR(100)', 'TEXT', 'BLOB'])} COMPRESSED`],
  },
  { fits: ({ flavor, version }) => flavor === 'mariadb' && version >= 100_700, types: [() => 'UUID'] },
  { fits: ({ flavor, version }) => flavor === 'mariadb' && version >= 110_700, types: [() => 'VECTOR(4)'] },
];

/** What may stand behind any type, in any place among the others. */
const ATTRIBUTES: readonly Spell[] = [
  () => 'NOT NULL',
  () => 'NULL',
  () => 'DEFAULT NULL',
  (r) =>
    `COMMENT ${r.pick(["'plain'", "'with, comma'", "'it''s; NOT NULL)'", '"FIRST"', "'-- no comment'", "'/* neither */'"])}`,
  (r) => `/* ${r.pick(['NOT NULL', 'COMMENT', "it's"])} */`,
  (r) => `-- ${r.pick(['to the end', 'PRIMARY KEY,', "don't"])}\n`,
];

/** `type attribute …`: attributes that contradict each other are left to the server to refuse. */
export function columnDefinition(random: Random, dialect: Dialect): string {
  const types = [...TYPES, ...TYPES_OF.filter(({ fits }) => fits(dialect)).flatMap((one) => one.types)];
  const type = random.pick(types)(random);
  return [type, ...random.some(ATTRIBUTES, random.pick([0, 0, 1, 1, 2])).map((spell) => spell(random))].join(' ');
}

/** A column whose value comes out of `from`. */
export function generatedColumn(random: Random, { flavor }: Dialect, from: string): string {
  const type = random.pick(['INT', 'BIGINT', 'VARCHAR(50)', 'CHAR(10)']);
  const kept = random.pick(flavor === 'mariadb' ? ['VIRTUAL', 'STORED', 'PERSISTENT', ''] : ['VIRTUAL', 'STORED', '']);
  const expression = random.pick([
    `length(${from})`,
    `concat(${from}, ',', ')')`,
    `(${from} is null)`,
    `coalesce(${from}, 'x')`,
  ]);
  return `${type} ${random.pick(['AS', 'GENERATED ALWAYS AS'])} (${expression}) ${kept}`;
}

/** A number with a default, in the many ways in which literals are written. */
export function numberWithDefault(random: Random): string {
  const value = random.pick(['0', '-1', '+1', '1.5', '1e3', "'7'", "b'101'", "x'0a'", '0x0A', 'TRUE', '1.0e+2']);
  return `${random.pick(['INT', 'BIGINT', 'DOUBLE', 'DECIMAL(10,2)'])} ${random.pick(['NOT NULL ', ''])}DEFAULT ${value}`;
}

/** A time that sets itself. */
export function timeWithDefault(random: Random): string {
  const digits = random.pick(['', '(3)', '(6)']);
  const now = random.pick(['CURRENT_TIMESTAMP', 'NOW', 'LOCALTIME', 'LOCALTIMESTAMP']);
  const call = digits !== '' || now === 'NOW' ? `${now}${digits || '()'}` : now;
  const type = random.pick(['DATETIME', 'TIMESTAMP']);
  return `${type}${digits} ${random.pick(['NOT NULL', 'NULL'])} DEFAULT ${call}${random.pick(['', ` ON UPDATE ${call}`])}`;
}
