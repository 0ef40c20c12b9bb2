import { MARIADB_SERVERS, MYSQL, MYSQL_SERVERS, type TypeColumn } from './column.ts';
import { geometry, geometrySelect, hex, plain, vector } from './decoded-text.ts';

const WKT: Readonly<Record<string, readonly string[]>> = {
  point: ['POINT(1.25 -7)', 'POINT(0 0)', 'POINT(1e300 -0.5)'],
  linestring: ['LINESTRING(0 0,1.5 -2)', 'LINESTRING(0 0,1 1,2 2,3 3)'],
  polygon: ['POLYGON((0 0,4 0,4 4,0 0))', 'POLYGON((0 0,9 0,9 9,0 9,0 0),(2 2,4 2,4 4,2 2))'],
  multipoint: ['MULTIPOINT(1 1,2 2)', 'MULTIPOINT(0 0)'],
  multilinestring: ['MULTILINESTRING((0 0,1 1),(2 2,3 3))'],
  multipolygon: ['MULTIPOLYGON(((0 0,0 1,1 1,0 0)),((5 5,5 6,6 6,5 5)))'],
  geometrycollection: [
    'GEOMETRYCOLLECTION(POINT(1 2))',
    'GEOMETRYCOLLECTION(POINT(1 1),LINESTRING(0 0,1 1),POLYGON((0 0,4 0,4 4,0 0)))',
  ],
};

function spatial(): TypeColumn[] {
  const of = (name: string, type: string, values: readonly string[]): TypeColumn => ({
    name,
    type,
    values,
    select: geometrySelect(name),
    text: geometry,
  });
  const made = (wkt: string): string => `ST_GeomFromText('${wkt}')`;
  const kinds = Object.entries(WKT).map(([type, texts]) => of(`g_${type}`, type, texts.map(made)));
  return [
    ...kinds,
    of(
      'g',
      'geometry',
      Object.values(WKT).flatMap(([first = '']) => [made(first)]),
    ),
    of('g_srid', 'geometry', ["ST_GeomFromText('POINT(48.1 11.5)', 4326)", "ST_GeomFromText('POINT(1 2)', 0)"]),
    {
      ...of('p_4326', 'point SRID 4326', ["ST_GeomFromText('POINT(48.1 11.5)', 4326)"]),
      servers: MYSQL_SERVERS,
    },
  ];
}

const DOCUMENTS = [
  `'{"b": 1, "a": [1, 2.5, "x", null, true], "long key": {"😀": "\\\\u00e9\\\\n"}}'`,
  "'null'",
  "'[]'",
  "'{}'",
  `'""'`,
  `'"text \\\\"quoted\\\\" é😀 \\\\u0001"'`,
  "'true'",
  `'{"__proto__": {"a": 1}, "constructor": []}'`,
  "'18446744073709551615'",
  "'-9223372036854775808'",
  "'-0.5'",
];

/** Only MySQL has a binary form, with kinds that JSON's text has not. */
const BINARY_DOCUMENTS = [
  "'[1, 1.5, 1e300, 12345678901234567890, -32769, 65536, 0.1, 1e-300]'",
  'CAST(CAST(1.10 AS DECIMAL(5,2)) AS JSON)',
  `JSON_ARRAY(CAST(${'9'.repeat(35)}.${'9'.repeat(30)} AS DECIMAL(65,30)), 0.000, -0.1)`,
  "JSON_OBJECT('t', TIMESTAMP('2024-02-29 01:02:03.5'), 'd', DATE('2024-02-29'), 'h', TIME('-11:22:33'))",
  "JSON_ARRAY(CAST('9999-12-31 23:59:59.999999' AS DATETIME(6)), CAST('0000-00-00' AS DATE), CAST('838:59:59' AS TIME))",
  "JSON_OBJECT('bin', CAST(x'00FF' AS BINARY), 'bit', b'101', 'text', 'x')",
  "JSON_OBJECT('', JSON_OBJECT(), '😀', JSON_ARRAY(JSON_ARRAY()), 'a\"b', NULL)",
  `CONCAT('{"k": [', REPEAT('{"a": [null, false]}, ', 500), '0]}')`,
];

function documents(): TypeColumn[] {
  return [
    { name: 'j', type: 'json', values: [...DOCUMENTS, ...BINARY_DOCUMENTS], text: plain, servers: MYSQL },
    // 5.7 prints a whole double without `.0`, which nothing here knows of.
    { name: 'j_whole', type: 'json', values: ["'-1.5e10'", "'[1e0, -0e0]'"], text: plain, servers: MYSQL_SERVERS },
    { name: 'j_text', type: 'json', values: DOCUMENTS, text: plain, servers: MARIADB_SERVERS },
  ];
}

function ofOneServer(): TypeColumn[] {
  const of = (name: string, type: string, values: readonly string[]): Omit<TypeColumn, 'text'> => ({
    name,
    type,
    values,
    select: `HEX(${name})`,
  });
  return [
    {
      ...of('vec', 'vector(3)', ["STRING_TO_VECTOR('[1,-2.5,3e38]')", "STRING_TO_VECTOR('[0,1.2e-38,-0.0]')"]),
      text: vector,
      servers: ['mysql'],
    },
    {
      // As bytes: its binlog says no more of it.
      ...of('vec_bytes', 'vector(3)', ["VEC_FromText('[1,-2.5,300000]')", "VEC_FromText('[0,0.5,-0.0]')"]),
      text: hex,
      servers: ['mariadb118'],
    },
    {
      ...of('uuid', 'uuid', ["'123e4567-e89b-12d3-a456-426614174000'", "'0190163d-8694-739b-aea5-966c26f8ad91'"]),
      text: hex,
      servers: ['mariadb', 'mariadb118'],
    },
    { ...of('inet6', 'inet6', ["'::1'", "'2001:db8::'", "'::'"]), text: hex, servers: MARIADB_SERVERS },
    {
      ...of('inet4', 'inet4', ["'1.2.3.0'", "'0.0.0.0'", "'255.255.255.255'"]),
      text: hex,
      servers: ['mariadb', 'mariadb118'],
    },
  ];
}

/** Columns that the server fills, or hides from SELECT *. */
function filled(): TypeColumn[] {
  const none: readonly string[] = [];
  return [
    { name: 'v_virtual', type: 'int AS (id * 2) VIRTUAL', values: none, text: plain },
    { name: 'v_virtual_text', type: "varchar(30) AS (CONCAT('n°', id)) VIRTUAL", values: none, text: plain },
    { name: 'v_stored', type: 'int AS (id * 3) STORED', values: none, text: plain },
    { name: 'd_int', type: "int DEFAULT '-7'", values: none, text: plain },
    { name: 'd_text', type: "varchar(20) DEFAULT 'é''\\\\'", values: none, text: plain },
    {
      name: 'hidden',
      type: 'int INVISIBLE',
      values: ['1', '2'],
      text: plain,
      servers: ['mysql80', 'mysql', ...MARIADB_SERVERS],
    },
  ];
}

/** JSON of all kinds, geometry of all kinds, what only one server has, and columns that the server fills. */
export function special(): TypeColumn[] {
  return [...documents(), ...spatial(), ...ofOneServer(), ...filled()];
}
