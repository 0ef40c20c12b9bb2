import type { TypeColumn } from './column.ts';
import { bits, decimal, float, plain } from './decoded-text.ts';

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
  const of = (name: string, type: string, scale: number, values: readonly string[]): TypeColumn => ({
    name,
    type,
    values,
    text: decimal(scale),
  });
  const longest = `${nines.slice(30)}.${nines.slice(35)}`;
  return [
    of('d_65_30', 'decimal(65,30)', 30, [`-${longest}`, longest, '0', `-0.${'0'.repeat(29)}1`, '1']),
    of('d_65_0', 'decimal(65,0)', 0, [nines, `-${nines}`, '0', '-1', '256']),
    of('d_30_30', 'decimal(30,30)', 30, [`0.${'123456789'.repeat(3)}123`, '-0.5', '0', `-0.${nines.slice(35)}`]),
    of('d_20_0', 'decimal(20,0) unsigned', 0, ['18446744073709551616', '0', '99999999999999999999']),
    of('d_19_4', 'decimal(19,4)', 4, ['-922337203685477.5808', '922337203685477.5807', '0.0001']),
    of('d_18_9', 'decimal(18,9)', 9, ['-999999999.999999999', '0.000000001', '1']),
    of('d_10_2', 'decimal(10,2)', 2, ['-0.01', '99999999.99', '-99999999.99', '1.5', '127']),
    of('d_5_5', 'decimal(5,5)', 5, ['0.99999', '-0.00001', '0', '0.5', '-0.99999']),
    of('d_1_0', 'decimal(1,0)', 0, ['-9', '9', '0']),
  ];
}

function floats(): TypeColumn[] {
  // A FLOAT's own value, as a DOUBLE: a plain SELECT shows six digits.
  const of = (name: string, type: string, values: readonly string[]): TypeColumn => ({
    name,
    type,
    values,
    select: `${name} * 1e0`,
    text: float,
  });
  return [
    of('f', 'float', ['-0.1', '3.4028234663852886e38', '1e-45', '0', '16777217', '-0e0', '-3.4028234663852886e38']),
    of('f_7_2', 'float(7,2)', ['12345.67', '-0.05', '0']),
    of('f2', 'double', [
      '-0.1',
      '1.7976931348623157e308',
      '5e-324',
      '0',
      '0.30000000000000004',
      '-0e0',
      '-2.2250738585072014e-308',
    ]),
    of('f2_20_3', 'double(20,3)', ['12345678901234567.891', '-0.001', '0']),
  ];
}

function bitFields(): TypeColumn[] {
  const of = (name: string, type: string, values: readonly string[]): TypeColumn => ({
    name,
    type,
    values,
    select: `${name} + 0`,
    text: bits,
  });
  return [
    {
      name: 'bit1',
      type: 'bit(1)',
      values: ["b'1'", "b'0'"],
      select: 'bit1 + 0',
      text: (value: boolean) => (value ? '1' : '0'),
    },
    of('bit8', 'bit(8)', ["b'10000000'", "b'0'", "b'11111111'"]),
    of('bit9', 'bit(9)', ["b'100000001'", "b'0'", "b'111111111'"]),
    of('bit64', 'bit(64)', [`b'1${'0'.repeat(62)}1'`, "b'0'", `b'${'1'.repeat(64)}'`]),
  ];
}

/** Every numeric type, with the ends of its range. */
export function numbers(): TypeColumn[] {
  return [...integers(), ...decimals(), ...floats(), ...bitFields()];
}
