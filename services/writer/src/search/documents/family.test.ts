import { describe, expect, test } from '@jest/globals';
import { compareKeys, Family, type FamilyLimits, type Part } from './family.ts';

const LIMITS: FamilyLimits = { lists: ['items'], looked: ['customer'], maxItems: 2, maxBytes: 1000, forgetSeconds: 60 };
const NOW_MS = 1_700_000_000_000;
const NOW_SECONDS = NOW_MS / 1000;

function family(...parts: readonly Part[]): Family {
  const made = new Family('7', undefined, LIMITS);
  for (const part of parts) made.take(part, NOW_SECONDS);
  return made;
}

/** As the store gives it back. */
function again(kept: Family, nowMs = NOW_MS, limits = LIMITS): Family {
  return new Family('7', JSON.parse(kept.text(nowMs)) as Record<string, unknown>, limits);
}

function root(version: bigint, row: string | null = '{"id":7}', customer: string | null = null): Part {
  return { version, row, references: { customer } };
}

function item(key: string, version: bigint, row: string | null = `{"id":${key}}`): Part {
  return { as: 'items', key, version, row };
}

describe('a document', () => {
  test('has its rows as they are, lists in the order of their keys', () => {
    const made = family(root(5n, '{"id":7,"total":1.50}', '3'), item('10', 1n), item('9', 2n));
    made.look('customer', '3', { version: 4n, row: '{"big":18446744073709551615}' });
    const document = '{"id":7,"total":1.50,"items":[{"id":9},{"id":10}],"customer":{"big":18446744073709551615}}';
    expect(made.document()).toBe(document);
    expect(again(made).document()).toBe(document);
  });

  test('is not there without its root row, and has its parts when that comes back', () => {
    const made = family(item('1', 1n));
    expect([made.known, made.document()]).toEqual([false, undefined]);
    made.take(root(2n), NOW_SECONDS);
    made.take(root(3n, null), NOW_SECONDS);
    expect([made.known, made.document()]).toEqual([true, undefined]);
    const back = again(made);
    back.take(root(4n, '{}'), NOW_SECONDS);
    expect(back.document()).toBe('{"items":[{"id":1}],"customer":null}');
  });

  test('takes nothing that is not newer, also behind rows that left', () => {
    const made = again(family(root(5n), item('1', 3n), item('2', 4n, null)));
    expect(made.take(root(5n, '{"id":"old"}'), NOW_SECONDS)).toBe('stale');
    expect(made.take(item('1', 2n), NOW_SECONDS)).toBe('stale');
    expect(made.take(item('2', 3n), NOW_SECONDS)).toBe('stale');
    expect(made.changed).toBe(false);
    expect(made.take(item('2', 5n), NOW_SECONDS)).toBe('taken');
    expect(made.changed).toBe(true);
  });

  test('remembers a row that left for as long as it is told', () => {
    const made = family(item('1', 5n, null));
    expect(again(made).take(item('1', 4n), NOW_SECONDS)).toBe('stale');
    expect(again(again(made), NOW_MS + 61_000).take(item('1', 4n), NOW_SECONDS)).toBe('taken');
  });

  test('versions of 63 bits stay as they are', () => {
    const made = again(family(item('1', 2n ** 63n - 2n)));
    expect(made.take(item('1', 2n ** 63n - 2n), NOW_SECONDS)).toBe('stale');
    expect(made.take(item('1', 2n ** 63n - 1n), NOW_SECONDS)).toBe('taken');
  });

  test('its serial grows with each text and begins with the clock', () => {
    const made = family(root(1n));
    made.text(NOW_MS);
    expect(made.serial).toBe(NOW_MS * 1000);
    made.text(NOW_MS - 5000);
    expect(made.serial).toBe(NOW_MS * 1000 + 1);
  });
});

describe('a row that is looked up', () => {
  test('is what the root refers to now, and nothing older', () => {
    const made = family(root(1n, '{"id":7}', '3'));
    made.look('customer', '3', { version: 4n, row: '{"name":"new"}' });
    made.look('customer', '3', { version: 3n, row: '{"name":"old"}' });
    made.look('customer', '8', { version: 9n, row: '{"name":"other"}' });
    expect(made.document()).toContain('"customer":{"name":"new"}');
    made.take(root(2n, '{"id":7}', '8'), NOW_SECONDS);
    expect(made.document()).toContain('"customer":null');
    made.take(root(3n, '{"id":7}'), NOW_SECONDS);
    expect([...made.references()]).toEqual([]);
  });
});

describe('limits', () => {
  test('a list that is full takes changes of its rows, and others when one has left', () => {
    const made = family(root(1n), item('1', 1n), item('2', 1n));
    expect(made.take(item('3', 2n), NOW_SECONDS)).toBe('full');
    expect(made.take(item('2', 3n), NOW_SECONDS)).toBe('taken');
    expect(made.take(item('1', 4n, null), NOW_SECONDS)).toBe('taken');
    expect(made.take(item('3', 2n), NOW_SECONDS)).toBe('taken');
  });

  test('a row that makes the document too large leaves it as it was', () => {
    const made = again(family(root(1n, `{"a":"${'x'.repeat(900)}"}`)));
    expect(made.take(item('1', 1n, `{"b":"${'é'.repeat(50)}"}`), NOW_SECONDS)).toBe('full');
    expect(made.take(root(2n, `{"a":"${'x'.repeat(1000)}"}`), NOW_SECONDS)).toBe('full');
    expect(made.changed).toBe(false);
  });
});

test('keys are in the order of their columns, numbers by what they are worth', () => {
  const sorted = ['10', '9', '-1', 'b', 'a', '2:10', '2:9', '2'].sort(compareKeys);
  expect(sorted).toEqual(['-1', '2', '2:9', '2:10', '9', '10', 'a', 'b']);
});
