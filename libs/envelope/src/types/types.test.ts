import { describe, expect, test } from '@jest/globals';
import type { Column } from '@tapline/schema';
import { compileEnvelope } from '../compile.ts';
import { ChangeReader } from '../reader/change-reader.ts';
import type { Value } from '../reader/values.ts';
import { avscDecode, column, hex, imageOf, tableOf, written } from '../testing/encode.ts';
import { type ChangeMeta, TransactionContext } from '../transaction.ts';

const meta: ChangeMeta = {
  transaction: new TransactionContext().start({ gtid: '', commitMicros: 0n, file: 'f', serverId: 1 }),
  position: 0,
  row: 0,
  readMs: 0,
  totalOrder: 0,
  tableOrder: 0,
};

interface Seen {
  /** What plain avsc reads. */
  readonly avro: unknown;
  /** What ChangeReader gives. */
  readonly value: Value;
}

/** Encodes a value from its wire bytes and from its text, expects the same bytes, and reads them back twice. */
async function bothWays(type: Column, wire: Buffer | null, text: string | Buffer | null): Promise<Seen> {
  const envelope = compileEnvelope({ source: 's', table: tableOf([type]), keyColumns: [type.name] });
  envelope.bind({ key: 1, value: 2 });
  const image = imageOf([wire]);
  const row = [typeof text === 'string' ? Buffer.from(text) : text];
  const key = written((sink) => envelope.writeKey(sink, image));
  expect(written((sink) => envelope.writeKeyFromText(sink, row))).toEqual(key);
  const value = written((sink) => envelope.writeValue(sink, 'c', undefined, image, meta));
  const snapshot = written((sink) => envelope.writeSnapshotValue(sink, row, meta));
  expect(snapshot.toString('latin1').replace('\x02r', '\x02c')).toBe(value.toString('latin1'));

  const decoded = avscDecode(envelope.valueSchema, value.subarray(5)) as { after: Record<string, unknown> };
  const schemas = new Map([
    [1, envelope.keySchema as string],
    [2, envelope.valueSchema],
  ]);
  const reader = new ChangeReader({ schema: async (id) => schemas.get(id) as string });
  const change = await reader.read({
    topic: 't',
    partition: 0,
    offset: '0',
    key,
    value,
    headers: { v: Buffer.alloc(8) },
  });
  expect(change.key).toEqual(change.after);
  return { avro: decoded.after[type.name], value: (change.after as Record<string, Value>)[type.name] as Value };
}

type Case = readonly [Column, wire: Buffer, text: string | Buffer, avro: unknown, value: Value];

function check(title: string, cases: readonly Case[]): void {
  describe(`${title}`, () => {
    test.each(cases.map((c) => [`${c[0].columnType}${c[0].fsp ? `(${c[0].fsp})` : ''} ${String(c[4])}`, c] as const))(
      '%s',
      async (_, [type, wire, text, avro, value]) => {
        expect(await bothWays(type, wire, text)).toEqual({ avro, value });
        const nullable = { ...type, nullable: true };
        expect(await bothWays(nullable, wire, text)).toEqual({ avro, value });
        expect(await bothWays(nullable, null, null)).toEqual({ avro: null, value: null });
      },
    );
  });
}

const int = (type: string, unsigned = false): Column => column('c', type, { unsigned });

check('integers', [
  [int('tinyint'), hex('80'), '-128', -128, -128],
  [int('tinyint'), hex('7f'), '127', 127, 127],
  [int('tinyint', true), hex('ff'), '255', 255, 255],
  [int('smallint'), hex('0080'), '-32768', -32768, -32768],
  [int('smallint', true), hex('ffff'), '65535', 65535, 65535],
  [int('mediumint'), hex('000080'), '-8388608', -8388608, -8388608],
  [int('mediumint'), hex('ffff7f'), '8388607', 8388607, 8388607],
  [int('mediumint', true), hex('ffffff'), '16777215', 16777215, 16777215],
  [int('int'), hex('00000080'), '-2147483648', -2147483648, -2147483648],
  [int('int'), hex('ffffff7f'), '2147483647', 2147483647, 2147483647],
  [int('int'), hex('2a000000'), '00042', 42, 42],
  [int('int', true), hex('ffffffff'), '4294967295', 4294967295n, 4294967295],
  [int('bigint'), hex('0000000000000080'), '-9223372036854775808', -(2n ** 63n), -(2n ** 63n)],
  [int('bigint'), hex('ffffffffffffff7f'), '9223372036854775807', 2n ** 63n - 1n, 2n ** 63n - 1n],
  [int('bigint'), hex('ffffffffffffffff'), '-1', -1n, -1n],
  [int('bigint'), hex('0000000001000000'), '4294967296', 4294967296n, 4294967296n],
  [int('bigint', true), hex('ffffffffffffffff'), '18446744073709551615', hex('00ffffffffffffffff'), 2n ** 64n - 1n],
  [int('bigint', true), hex('0000000000000000'), '0', hex('00'), 0n],
  [int('bigint', true), hex('8000000000000000'), '128', hex('0080'), 128n],
  [int('bigint', true), hex('0001000000000000'), '256', hex('0100'), 256n],
  [int('year'), hex('00'), '0000', 0, 0],
  [int('year'), hex('01'), '1901', 1901, 1901],
  [int('year'), hex('ff'), '2155', 2155, 2155],
]);

const bit = (length: number): Column => column('c', 'bit', { length });

check('bits', [
  [bit(1), hex('00'), hex('00'), false, false],
  [bit(1), hex('01'), hex('01'), true, true],
  [bit(2), hex('02'), hex('02'), hex('02'), 2n],
  [bit(33), hex('0155555555'), hex('0155555555'), hex('5555555501'), 0x1_5555_5555n],
  [bit(64), hex('ffffffffffffffff'), hex('ffffffffffffffff'), hex('ffffffffffffffff'), 2n ** 64n - 1n],
]);

const decimal = (precision: number, scale: number): Column => column('c', 'decimal', { precision, scale });

check('decimals', [
  [decimal(12, 2), hex('800000000000'), '0.00', hex('00'), '0.00'],
  [decimal(12, 2), hex('800000000a32'), '10.50', hex('041a'), '10.50'],
  [decimal(12, 2), hex('7ffffffff5cd'), '-10.50', hex('fbe6'), '-10.50'],
  [decimal(12, 2), hex('7ffffffffffe'), '-0.01', hex('ff'), '-0.01'],
  [decimal(5, 5), hex('800001'), '0.00001', hex('01'), '0.00001'],
  [decimal(5, 5), hex('7e7960'), '-0.99999', hex('fe7961'), '-0.99999'],
  [decimal(10, 0), hex('7ffffffff8'), '-7', hex('f9'), '-7'],
  [decimal(10, 0), hex('893b9ac9ff'), '9999999999', hex('02540be3ff'), '9999999999'],
  [
    decimal(38, 10),
    hex('810dfb38d2075bcd1500bc614e00bc614e09'),
    '1234567890123456789012345678.0123456789',
    hex('0949b0f6f0023313c449904ecc674515'),
    '1234567890123456789012345678.0123456789',
  ],
  [
    decimal(38, 10),
    hex('7ef204c72df8a432eaff439eb1ff439eb1f6'),
    '-1234567890123456789012345678.0123456789',
    hex('f6b64f090ffdccec3bb66fb13398baeb'),
    '-1234567890123456789012345678.0123456789',
  ],
  [decimal(15, 0), hex('8f423f3b9ac9ff'), '999999999999999', hex('038d7ea4c67fff'), '999999999999999'],
  [decimal(16, 0), hex('800f424000000000'), '1000000000000000', hex('038d7ea4c68000'), '1000000000000000'],
  [decimal(16, 0), hex('7f768fa0f0d0f5fe'), '-9007199254740993', hex('dfffffffffffff'), '-9007199254740993'],
  [
    decimal(65, 0),
    hex('e33b9ac9ff3b9ac9ff3b9ac9ff3b9ac9ff3b9ac9ff3b9ac9ff3b9ac9ff'),
    '9'.repeat(65),
    hex('00f316271c7fc3908a8bef464e3945ef7a253609ffffffffffffffff'),
    '9'.repeat(65),
  ],
  [
    decimal(65, 30),
    hex('7a0a1f00c4653600c4653600c4653600c4653600c4653600c4653600fc18'),
    `-${'9'.repeat(35)}.${'9'.repeat(30)}`,
    hex('ff0ce9d8e3803c6f757410b9b1c6ba1085dac9f60000000000000001'),
    `-${'9'.repeat(35)}.${'9'.repeat(30)}`,
  ],
  [decimal(30, 30), hex('7ffffffffffffffffffffffffffe'), `-0.${'0'.repeat(29)}1`, hex('ff'), `-0.${'0'.repeat(29)}1`],
  [decimal(3, 0), hex('7f7f'), '-128', hex('80'), '-128'],
  [decimal(3, 0), hex('8080'), '128', hex('0080'), '128'],
  [decimal(1, 1), hex('7a'), '-0.5', hex('fb'), '-0.5'],
]);

check('dates and times', [
  [column('c', 'date'), hex('21640f'), '1970-01-01', 0, '1970-01-01'],
  [column('c', 'date'), hex('5cd40f'), '2026-02-28', 20512, '2026-02-28'],
  [column('c', 'date'), hex('21d007'), '1000-01-01', -354285, '1000-01-01'],
  [column('c', 'date'), hex('9f1f4e'), '9999-12-31', 2932896, '9999-12-31'],
  [column('c', 'date'), hex('210000'), '0000-01-01', -719528, '0000-01-01'],
  [column('c', 'date'), hex('5dd00f'), '2024-02-29', 19782, '2024-02-29'],
  [column('c', 'date'), hex('5cd80e'), '1900-02-28', -25509, '1900-02-28'],
  [column('c', 'date'), hex('000000'), '0000-00-00', -2147483648, '0000-00-00'],
  [column('c', 'date'), hex('0fc80f'), '2020-00-15', -2146449393, '2020-00-15'],
  [column('c', 'date'), hex('40c80f'), '2020-02-00', -2146449344, '2020-02-00'],
  [column('c', 'date'), hex('5dce0f'), '2023-02-29', -2146447779, '2023-02-29'],
  [column('c', 'date'), hex('5dd80e'), '1900-02-29', -2146510755, '1900-02-29'],
  [column('c', 'date'), hex('ff1f4e'), '9999-15-31', -2142363649, '9999-15-31'],
  [column('c', 'datetime', { fsp: 0 }), hex('9963ff7efb'), '1999-12-31 23:59:59', 946684799000n, '1999-12-31T23:59:59'],
  [
    column('c', 'datetime', { fsp: 1 }),
    hex('99b8c200000a'),
    '2026-01-01 00:00:00.1',
    1767225600100n,
    '2026-01-01T00:00:00.1',
  ],
  [
    column('c', 'datetime', { fsp: 2 }),
    hex('99b8c200000c'),
    '2026-01-01 00:00:00.12',
    1767225600120n,
    '2026-01-01T00:00:00.12',
  ],
  [
    column('c', 'datetime', { fsp: 3 }),
    hex('99b8c2000004ce'),
    '2026-01-01 00:00:00.123',
    1767225600123n,
    '2026-01-01T00:00:00.123',
  ],
  [
    column('c', 'datetime', { fsp: 4 }),
    hex('99b8c2000004d2'),
    '2026-01-01 00:00:00.1234',
    1767225600123400n,
    '2026-01-01T00:00:00.1234',
  ],
  [
    column('c', 'datetime', { fsp: 5 }),
    hex('99b8c2000001e23a'),
    '2026-01-01 00:00:00.12345',
    1767225600123450n,
    '2026-01-01T00:00:00.12345',
  ],
  [
    column('c', 'datetime', { fsp: 6 }),
    hex('99b8c2000001e240'),
    '2026-01-01 00:00:00.123456',
    1767225600123456n,
    '2026-01-01T00:00:00.123456',
  ],
  [
    column('c', 'datetime', { fsp: 0 }),
    hex('8cb2420000'),
    '1000-01-01 00:00:00',
    -30610224000000n,
    '1000-01-01T00:00:00',
  ],
  [
    column('c', 'datetime', { fsp: 6 }),
    hex('8cb2420000000001'),
    '1000-01-01 00:00:00.000001',
    -30610223999999999n,
    '1000-01-01T00:00:00.000001',
  ],
  [
    column('c', 'datetime', { fsp: 6 }),
    hex('fef3ff7efb0f423f'),
    '9999-12-31 23:59:59.999999',
    253402300799999999n,
    '9999-12-31T23:59:59.999999',
  ],
  [
    column('c', 'datetime', { fsp: 3 }),
    hex('fef3ff7efb2706'),
    '9999-12-31 23:59:59.999',
    253402300799999n,
    '9999-12-31T23:59:59.999',
  ],
  [
    column('c', 'datetime', { fsp: 6 }),
    hex('99027f7efb0f423f'),
    '1969-12-31 23:59:59.999999',
    -1n,
    '1969-12-31T23:59:59.999999',
  ],
  [
    column('c', 'datetime', { fsp: 6 }),
    hex('9ca24b7be20b4e81'),
    '2255-06-05 23:47:34.740993',
    9007199254740993n,
    '2255-06-05T23:47:34.740993',
  ],
  [
    column('c', 'datetime', { fsp: 0 }),
    hex('8000000000'),
    '0000-00-00 00:00:00',
    -9000000000000000n,
    '0000-00-00T00:00:00',
  ],
  [
    column('c', 'datetime', { fsp: 6 }),
    hex('8000000000000000'),
    '0000-00-00 00:00:00.000000',
    -9000000000000000000n,
    '0000-00-00T00:00:00.000000',
  ],
  [
    column('c', 'datetime', { fsp: 0 }),
    hex('99a51ec8b8'),
    '2020-00-15 12:34:56',
    -8910640322704000n,
    '2020-00-15T12:34:56',
  ],
  [
    column('c', 'datetime', { fsp: 6 }),
    hex('99a5bf7efb0f423f'),
    '2020-02-31 23:59:59.999999',
    -8910633369600000001n,
    '2020-02-31T23:59:59.999999',
  ],
  [
    column('c', 'datetime', { fsp: 3 }),
    hex('fef3c17efb2706'),
    '9999-12-00 23:59:59.999',
    -8557642972800001n,
    '9999-12-00T23:59:59.999',
  ],
  [column('c', 'time', { fsp: 0 }), hex('800000'), '00:00:00', 0n, '00:00:00'],
  [column('c', 'time', { fsp: 0 }), hex('80c8b8'), '12:34:56', 45296000000n, '12:34:56'],
  [column('c', 'time', { fsp: 0 }), hex('4b9105'), '-838:59:59', -3020399000000n, '-838:59:59'],
  [column('c', 'time', { fsp: 6 }), hex('b46efb000000'), '838:59:59.000000', 3020399000000n, '838:59:59.000000'],
  [column('c', 'time', { fsp: 6 }), hex('4b9105f0bdc1'), '-838:59:58.999999', -3020398999999n, '-838:59:58.999999'],
  [column('c', 'time', { fsp: 1 }), hex('80000032'), '00:00:00.5', 500000n, '00:00:00.5'],
  [column('c', 'time', { fsp: 1 }), hex('7fffffce'), '-00:00:00.5', -500000n, '-00:00:00.5'],
  [column('c', 'time', { fsp: 2 }), hex('7fffffff'), '-00:00:00.01', -10000n, '-00:00:00.01'],
  [column('c', 'time', { fsp: 3 }), hex('7fefffd8fa'), '-01:00:00.999', -3600999000n, '-01:00:00.999'],
  [column('c', 'time', { fsp: 4 }), hex('7ff104d8f1'), '-00:59:59.9999', -3599999900n, '-00:59:59.9999'],
  [column('c', 'time', { fsp: 6 }), hex('80c8b809fbf1'), '12:34:56.654321', 45296654321n, '12:34:56.654321'],
  [column('c', 'time', { fsp: 6 }), hex('7fffffffffff'), '-00:00:00.000001', -1n, '-00:00:00.000001'],
  [column('c', 'time', { fsp: 6 }), hex('7fffff000000'), '-00:00:01.000000', -1000000n, '-00:00:01.000000'],
  [column('c', 'time', { fsp: 2 }), hex('7fffff00'), '-00:00:01.00', -1000000n, '-00:00:01.00'],
  [column('c', 'timestamp', { fsp: 0 }), hex('00000000'), '0', '0000-00-00T00:00:00Z', '0000-00-00T00:00:00Z'],
  [
    column('c', 'timestamp', { fsp: 6 }),
    hex('00000000000000'),
    '0.000000',
    '0000-00-00T00:00:00Z',
    '0000-00-00T00:00:00Z',
  ],
  [column('c', 'timestamp', { fsp: 0 }), hex('00000001'), '1', '1970-01-01T00:00:01Z', '1970-01-01T00:00:01Z'],
  [
    column('c', 'timestamp', { fsp: 6 }),
    hex('7fffffff0f423f'),
    '2147483647.999999',
    '2038-01-19T03:14:07.999999Z',
    '2038-01-19T03:14:07.999999Z',
  ],
  [column('c', 'timestamp', { fsp: 0 }), hex('6b0073bb'), '1795191739', '2026-11-20T16:22:19Z', '2026-11-20T16:22:19Z'],
  [
    column('c', 'timestamp', { fsp: 1 }),
    hex('6b0073bb32'),
    '1795191739.5',
    '2026-11-20T16:22:19.5Z',
    '2026-11-20T16:22:19.5Z',
  ],
  [
    column('c', 'timestamp', { fsp: 2 }),
    hex('6b0073bb05'),
    '1795191739.05',
    '2026-11-20T16:22:19.05Z',
    '2026-11-20T16:22:19.05Z',
  ],
  [
    column('c', 'timestamp', { fsp: 3 }),
    hex('6b0073bb04ce'),
    '1795191739.123',
    '2026-11-20T16:22:19.123Z',
    '2026-11-20T16:22:19.123Z',
  ],
  [
    column('c', 'timestamp', { fsp: 4 }),
    hex('6b0073bb000c'),
    '1795191739.0012',
    '2026-11-20T16:22:19.0012Z',
    '2026-11-20T16:22:19.0012Z',
  ],
  [
    column('c', 'timestamp', { fsp: 5 }),
    hex('6b0073bb00000a'),
    '1795191739.00001',
    '2026-11-20T16:22:19.00001Z',
    '2026-11-20T16:22:19.00001Z',
  ],
  [
    column('c', 'timestamp', { fsp: 6 }),
    hex('65e11a7f000000'),
    '1709251199.000000',
    '2024-02-29T23:59:59.000000Z',
    '2024-02-29T23:59:59.000000Z',
  ],
  [column('c', 'timestamp', { fsp: 0 }), hex('ffffffff'), '4294967295', '2106-02-07T06:28:15Z', '2106-02-07T06:28:15Z'],
]);

const float = (type: string): Column => column('c', type);
const vector = column('c', 'vector', { length: 3 });

check('floats', [
  [float('float'), hex('cdccccbd'), '-0.10000000149011612', Math.fround(-0.1), -0.1],
  [float('float'), hex('00000080'), '-0', -0, -0],
  [float('float'), hex('ffff7f7f'), '3.4028234663852886e38', 3.4028234663852886e38, 3.4028235e38],
  [float('float'), hex('01000000'), '1.401298464324817e-45', 1.401298464324817e-45, 1.4013e-45],
  [float('float'), hex('00008f4b'), '18743296', 18743296, 18743296],
  [float('double'), hex('9c7500883ce4377e'), '1e300', 1e300, 1e300],
  [float('double'), hex('0000000000000080'), '-0', -0, -0],
  [float('double'), hex('9a9999999999b93f'), '0.1', 0.1, 0.1],
  [float('double'), hex('0100000000000000'), '5e-324', 5e-324, 5e-324],
  [
    vector,
    hex('0000c03f 00000040 cdccccbd'),
    hex('0000c03f 00000040 cdccccbd'),
    [1.5, 2, Math.fround(-0.1)],
    '[1.5,2,-0.1]',
  ],
  [vector, hex(''), hex(''), [], '[]'],
]);

const text = (type: string, rest: Partial<Column> = {}): Column => column('c', type, { charset: 'utf8mb4', ...rest });
const long = 'long '.repeat(100);

check('text and bytes', [
  [text('char', { length: 10 }), Buffer.from('é'), 'é', 'é', 'é'],
  [text('varchar', { length: 10 }), hex(''), '', '', ''],
  [text('varchar', { length: 100 }), Buffer.from('naïve 💥'), 'naïve 💥', 'naïve 💥', 'naïve 💥'],
  [text('longtext'), Buffer.from(long), long, long, long],
  [text('tinytext', { charset: 'ascii' }), Buffer.from('a'), 'a', 'a', 'a'],
  [column('c', 'binary', { length: 4 }), hex('0102'), hex('01020000'), hex('01020000'), hex('01020000')],
  [column('c', 'binary', { length: 2 }), hex(''), hex('0000'), hex('0000'), hex('0000')],
  [column('c', 'varbinary', { length: 4 }), hex('010200'), hex('010200'), hex('010200'), hex('010200')],
  [column('c', 'blob'), hex('00ff'), hex('00ff'), hex('00ff'), hex('00ff')],
]);

const members = Array.from({ length: 64 }, (_, i) => `m${i}`);
const enumeration = column('c', 'enum', { members: ['a', 'b,c', 'é'] });
const set = column('c', 'set', { members: ['x', 'y', 'z'] });
const set64 = column('c', 'set', { members });

check('enum and set', [
  [enumeration, hex('01'), '1', 'a', 'a'],
  [enumeration, hex('02'), '2', 'b,c', 'b,c'],
  [enumeration, hex('03'), '3', 'é', 'é'],
  [enumeration, hex('00'), '0', '', ''],
  [
    column('c', 'enum', { members: Array.from({ length: 300 }, (_, i) => `e${i}`) }),
    hex('2c01'),
    '300',
    'e299',
    'e299',
  ],
  [set, hex('05'), '5', 'x,z', 'x,z'],
  [set, hex('00'), '0', '', ''],
  [set64, hex('0100000000000080'), '9223372036854775809', 'm0,m63', 'm0,m63'],
  [set64, hex('ffffffffffffffff'), '18446744073709551615', members.join(','), members.join(',')],
]);

const point = hex('00000000 01 01000000 000000000000f03f 0000000000000040');
const line = hex('e6100000 01 02000000 01000000 0000000000000000 0000000000000000');

check('spatial', [
  [column('c', 'point'), point, point, { x: 1, y: 2, wkb: point.subarray(4), srid: null }, point],
  [column('c', 'linestring'), line, line, { wkb: line.subarray(4), srid: 4326 }, line],
  [column('c', 'geometry'), point, point, { wkb: point.subarray(4), srid: null }, point],
]);
