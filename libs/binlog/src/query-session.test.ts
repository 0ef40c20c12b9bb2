import { describe, expect, test } from '@jest/globals';
import type { DdlSession } from '@tapline/schema';
import { EventReader } from './event-reader.ts';
import { readSession } from './query-session.ts';

function sessionOf(bytes: readonly number[], isMariadb = false): DdlSession {
  const buffer = Buffer.from(bytes);
  return readSession(new EventReader().reset(buffer, 0, buffer.length), isMariadb);
}

const u16 = (value: number): number[] => [value & 0xff, value >> 8];
const u64 = (value: number): number[] =>
  [...Buffer.from(BigInt(value).toString(16).padStart(16, '0'), 'hex')].reverse();
const text = (value: string): number[] => [value.length, ...Buffer.from(value)];
const COLLATIONS = [4, ...u16(45), ...u16(33), ...u16(255)];

describe('the session of a statement', () => {
  test('every variable of MySQL is known, so what stands behind it is found', () => {
    const bytes = [
      ...[0, 0, 0, 0, 1],
      ...[1, ...u64(2 ** 20 + 4)],
      ...[2, ...text('std'), 0],
      ...[3, 1, 0, 1, 0],
      ...[5, ...text('SYSTEM')],
      ...[6, ...text('std')],
      ...[7, 0, 0],
      ...[8, 45, 0],
      ...[9, 0, 0, 0, 0, 0, 0, 0, 0],
      ...[10, 0, 0, 0, 0],
      ...[11, ...text('root'), ...text('localhost')],
      ...[12, 2, ...Buffer.from('one\0two\0')],
      ...[12, 254],
      ...[13, 1, 2, 3],
      ...[16, 0],
      ...[17, 0, 0, 0, 0, 0, 0, 0, 0],
      ...[18, ...u16(45)],
      ...[19, 0],
      ...[20, 0],
      ...COLLATIONS,
    ];
    expect(sessionOf(bytes)).toEqual({
      sqlMode: 2 ** 20 + 4,
      explicitTimestamps: false,
      defaultCollations: [45],
      clientCollation: 45,
      connectionCollation: 33,
      serverCollation: 255,
    });
  });

  test('MariaDB’s own: flags that tell of TIMESTAMP, the phase of an ALTER, collations in front of the others', () => {
    const collations = [131, 2, ...u16(33), ...u16(2048), ...u16(45), ...u16(2304)];
    const bytes = [0, 0, 0, 0, 1, 128, 1, 2, 3, 129, ...u64(7), ...collations, ...COLLATIONS];
    expect(sessionOf([...bytes, 130, 2], true)).toEqual({
      explicitTimestamps: true,
      defaultCollations: [2048, 2304],
      clientCollation: 45,
      connectionCollation: 33,
      serverCollation: 255,
      alterPhase: 'start',
    });
    expect(sessionOf([130, 4, ...u64(9), 0, 0, 0, 0, 0], true)).toEqual({
      alterPhase: 'commit',
      explicitTimestamps: false,
    });
    expect(sessionOf([130, 8, ...u64(9)], true)).toEqual({ alterPhase: 'rollback' });
  });

  test('behind an unknown variable nothing is guessed, and one that is cut off is an error', () => {
    expect(sessionOf([7, 0, 0, 99, 1, 2, 3, ...COLLATIONS])).toEqual({});
    expect(() => sessionOf([1, 0, 0])).toThrow(/sql_mode needs 8 bytes/);
  });
});
