import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { GtidSet } from './gtid-set.ts';
import { MariadbPosition } from './mariadb-position.ts';

const A = '3e11fa47-71ca-11e1-9e33-c80aa9429562';
const B = '4f22fa47-71ca-11e1-9e33-c80aa9429562';
const code = 'SOURCE_GTID_INVALID';

describe('GtidSet', () => {
  test.each([
    ['', ''],
    [`${A}:1`, `${A}:1`],
    [`${A}:1-1`, `${A}:1`],
    [`${A.toUpperCase()}:1-5:6`, `${A}:1-6`],
    [`${A.replaceAll('-', '')}:3`, `${A}:3`],
    [`${B}:7,\n ${A}:5-9:1-3`, `${A}:1-3:5-9,${B}:7`],
    [`${A}:1-3:tag_b:1:Tag_A:2-4:4-9`, `${A}:1-3:tag_a:2-9:tag_b:1`],
    [`${A}:x:1,${A}:1`, `${A}:1:x:1`],
    [`${A}:1-9223372036854775807`, `${A}:1-9223372036854775807`],
  ])('parses %j and prints it as the server does', (text, printed) => {
    expect(GtidSet.parse(text).toString()).toBe(printed);
  });

  test.each([
    'x',
    A,
    `${A}:`,
    `${A}:0`,
    `${A}:5-3`,
    `${A}:1-2-3`,
    `${A}:9223372036854775808`,
    `${A}:0x5`,
    `${A}:1;DROP`,
    `${A.slice(1)}:1`,
  ])('refuses %j', (text) => {
    expect(() => GtidSet.parse(text)).toThrow(expect.objectContaining({ code }));
  });

  test('adds and finds single transactions, tagged ones apart', () => {
    const set = new GtidSet();
    for (const gtid of [`${A}:1`, `${A}:2`, `${A}:4`, `${A}:t:9`, `${A}:3`]) set.add(gtid);
    expect(set.toString()).toBe(`${A}:1-4:t:9`);
    expect([`${A}:4`, `${A}:5`, `${A}:t:9`, `${A}:9`, `${B}:1`].map((gtid) => set.contains(gtid))).toEqual([
      true,
      false,
      true,
      false,
      false,
    ]);
    expect(set.size).toBe(5n);
    for (const bad of ['', ':1', A, `${A}:`, `${A}:t:`, `${A}:1:1`, `${A}x:1`]) {
      expect(() => set.add(bad)).toThrow(expect.objectContaining({ code }));
    }
  });

  // The model: a plain set of single transactions.
  const gtid = fc.record({ source: fc.constantFrom(A, B, `${A}:t`), number: fc.integer({ min: 1, max: 30 }) });
  const gtids = fc
    .array(gtid, { maxLength: 40 })
    .map((list) => list.map(({ source, number }) => `${source}:${number}`));
  const setOf = (list: readonly string[]): GtidSet => {
    const set = new GtidSet();
    for (const one of list) set.add(one);
    return set;
  };

  test('behaves as a set of single transactions does', () => {
    fc.assert(
      fc.property(gtids, gtids, (left, right) => {
        const [a, b] = [setOf(left), setOf(right)];
        const [inA, inB] = [new Set(left), new Set(right)];
        expect(a.size).toBe(BigInt(inA.size));
        expect(a.union(b).equals(setOf([...left, ...right]))).toBe(true);
        expect(a.subtract(b).equals(setOf(left.filter((one) => !inB.has(one))))).toBe(true);
        expect(a.includes(b)).toBe(right.every((one) => inA.has(one)));
        expect(right.every((one) => a.contains(one) === inA.has(one))).toBe(true);
        expect(GtidSet.parse(a.toString()).equals(a)).toBe(true);
        expect(a.equals(setOf(left))).toBe(true);
      }),
    );
  });
});

describe('MariadbPosition', () => {
  test('keeps the last transaction of each domain', () => {
    const position = MariadbPosition.parse(' 1-7-3,0-1-42 ');
    position.add('0-1-43');
    position.add('2-1-18446744073709551615');
    expect(position.toString()).toBe('0-1-43,1-7-3,2-1-18446744073709551615');
    expect(['0-1-43', '0-1-44', '0-2-1', '9-1-1'].map((gtid) => position.contains(gtid))).toEqual([
      true,
      false,
      false,
      false,
    ]);
    position.add('0-2-40');
    expect(position.contains('0-1-41')).toBe(false);
    expect(position.includes(MariadbPosition.parse('0-2-40,1-7-1'))).toBe(true);
    expect(position.includes(MariadbPosition.parse('3-1-1'))).toBe(false);
  });

  test('is what each domain came to last, in whatever order domains take turns', () => {
    const gtid = fc.tuple(fc.nat(3), fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 99 }));
    fc.assert(
      fc.property(fc.array(gtid, { maxLength: 30 }), (list) => {
        const position = new MariadbPosition();
        const last = new Map<number, string>();
        for (const [domain, server, sequence] of list) {
          position.add(`${domain}-${server}-${sequence}`);
          last.set(domain, `${domain}-${server}-${sequence}`);
        }
        expect(position.toString()).toBe([...last.values()].toSorted().join(','));
        expect(MariadbPosition.parse(position.toString()).equals(position)).toBe(true);
        expect([...last.values()].every((one) => position.contains(one))).toBe(true);
        expect(position.includes(position)).toBe(true);
        expect(position.isEmpty).toBe(list.length === 0);
      }),
    );
  });

  test.each([
    ['a domain that it has nothing of', '0-1-9,2-1-1', false, true],
    ['a later transaction of the same server', '0-1-10', false, true],
    ['itself', '0-1-9', true, false],
    ['an earlier one, and less domains', '1-1-2', true, false],
    ['a later one of another server, where numbers are in order', '0-2-10', true, true],
    ['a later one of another server, where they may not be', '0-2-10', false, false],
  ])('lacks surely, of %s', (_, other, ordered, lacks) => {
    expect(MariadbPosition.parse('0-1-9,1-1-3').lacks(MariadbPosition.parse(other), ordered)).toBe(lacks);
  });

  test.each(['0-1', '0-1-2-3', 'a-b-c', '0-1-1,0-2-2', '4294967296-1-1', '0-1-18446744073709551616', `${A}:1`])(
    'refuses %j',
    (text) => {
      expect(() => MariadbPosition.parse(text)).toThrow(expect.objectContaining({ code }));
    },
  );
});
