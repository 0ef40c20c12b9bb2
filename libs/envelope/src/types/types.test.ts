import type { Column } from '@tapline/schema';
import { check } from '../testing/both-ways.ts';
import { column, hex } from '../testing/encode.ts';

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
  // Where the catalogue may have lost characters, rows are selected as texts.
  [column('c', 'enum', { members: ['a?', 'b'] }), hex('01'), 'a?', 'a?', 'a?'],
  [column('c', 'set', { members: ['a?', 'b'] }), hex('03'), 'a?,b', 'a?,b', 'a?,b'],
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
