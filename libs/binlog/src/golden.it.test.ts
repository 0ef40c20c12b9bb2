import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { mysqlProgram } from '@tapline/test-stack';
import { type Collected, emptyCollection, keepEvent } from './testing/collect.ts';
import { decodeFile } from './testing/decode-file.ts';
import { parseVerbose, type VerboseValue } from './testing/mysqlbinlog-text.ts';
import type { WireColumn } from './types.ts';
import { WIRE_TYPE } from './wire-types.ts';

/*
 * The golden files in the words of MySQL's own mysqlbinlog. It does not know geometry (it stops within the event), prints FLOAT with six digits,
 * gives JSON differences as the functions that apply them (the next row before has the result), and rows of XA transactions where they
 * were prepared.
 */
const FOLDER = join(import.meta.dirname, '..', 'fixtures');
const NAMES = [
  'mysql-5.7',
  'mysql-5.7-nochecksum',
  'mysql-8.0',
  'mysql-8.0-partial-json',
  'mysql-9.7-images',
  'mysql-9.7-partial-json',
  'mysql-9.7-compressed-xa',
] as const;

const WITH_GEOMETRY = ['own'];
const IN_XA = ['xa'];
const NEITHER = new Set([...WITH_GEOMETRY, ...IN_XA]);

test.each(NAMES)('%s: every value of every row is what mysqlbinlog prints', async (name) => {
  const file = join(FOLDER, `${name}.bin`);
  const [program, ...first] = await mysqlProgram('mysqlbinlog');
  const { stdout, status } = spawnSync(program, [...first, '-v', '--base64-output=DECODE-ROWS', file], {
    env: { ...process.env, TZ: 'UTC' },
    encoding: 'latin1',
    maxBuffer: 64 << 20,
  });
  expect(status).toBe(0);
  const theirs = parseVerbose(stdout).filter(({ table }) => !NEITHER.has(table));
  const collected: Collected = emptyCollection();
  await decodeFile(readFileSync(file), (event) => keepEvent(event, collected));
  const ours = collected.changes.filter(({ table }) => !NEITHER.has(table.table));
  expect(theirs.length).toBeGreaterThan(10);
  expect(ours.map(({ op, table }) => [op, table.table])).toEqual(theirs.map(({ op, table }) => [op, table]));
  for (const [row, { table, before, after }] of ours.entries()) {
    for (const [image, values] of [
      ['before', before],
      ['after', after],
    ] as const) {
      const printed = theirs[row]?.[image] ?? new Map<number, VerboseValue>();
      const comparable = table.columns.map((column, i) => asPrinted(values[i], printed.get(i), column));
      expect({ row, image, values: comparable }).toEqual({
        row,
        image,
        values: table.columns.map((_, i) => printed.get(i)),
      });
    }
  }
});

/** Our text of a value in the form of theirs; theirs itself where they say how it is made and not what it is. */
function asPrinted(
  ours: string | null | undefined,
  theirs: VerboseValue | undefined,
  column: WireColumn,
): VerboseValue | undefined {
  if (ours === undefined || ours === null) return ours;
  if (theirs === undefined || theirs === null) return ours;
  switch (column.type) {
    case WIRE_TYPE.JSON:
      return /^(?:JSON_|@)/.test(theirs) ? theirs : Buffer.from(ours).toString('latin1');
    case WIRE_TYPE.STRING:
    case WIRE_TYPE.VARCHAR:
    case WIRE_TYPE.BLOB:
      return withoutPadding(Buffer.from(ours, 'hex').toString('latin1'), theirs);
    case WIRE_TYPE.VECTOR:
      return isSameVector(Buffer.from(ours, 'hex'), theirs) ? theirs : ours;
    case WIRE_TYPE.FLOAT:
      return Number(Number(ours).toPrecision(6)) === Number(theirs) ? theirs : ours;
    case WIRE_TYPE.DOUBLE:
      return Object.is(Number(theirs), Number(ours)) ? theirs : ours;
    case WIRE_TYPE.DATE:
      return ours.replaceAll('-', ':');
    case WIRE_TYPE.TIMESTAMP2:
      return secondsText(ours);
    case WIRE_TYPE.YEAR:
      // It adds 1900 to year 0 as well.
      return ours === '0000' ? '1900' : ours;
    case WIRE_TYPE.BIT:
    case WIRE_TYPE.SET:
      return BigInt(ours) === BigInt(`0b${theirs.slice(2, -1)}`) ? theirs : ours;
    case WIRE_TYPE.NEWDECIMAL:
      return ours;
    default:
      // Numbers without knowledge of their sign: `-1 (255)`.
      return theirs.split(/[ ()]+/).includes(ours) ? theirs : ours;
  }
}

/** BINARY(n) is printed without the zeros at its end. */
function withoutPadding(ours: string, theirs: string): string {
  return /^\0+$/.test(ours.slice(theirs.length)) ? ours.slice(0, theirs.length) : ours;
}

function secondsText(ours: string): string {
  const [whole = '', fraction] = ours.split('.');
  const seconds = whole.startsWith('0000') ? 0 : Date.parse(`${whole.replace(' ', 'T')}Z`) / 1000;
  return fraction === undefined ? String(seconds) : `${seconds}.${fraction}`;
}

/** `[1.00000e+00,-2.50000e+00]` */
function isSameVector(bytes: Buffer, theirs: string): boolean {
  const printed = theirs.slice(1, -1).split(',').map(Number);
  return (
    printed.length * 4 === bytes.length &&
    printed.every((number, i) => Number(bytes.readFloatLE(i * 4).toExponential(5)) === number)
  );
}
