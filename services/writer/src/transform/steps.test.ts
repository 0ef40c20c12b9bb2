import { describe, expect, test } from '@jest/globals';
import { type Change, change, type Row, tombstone } from '@tapline/sink';
import { compileTransforms } from './index.ts';
import { defineTransform, type TransformModule } from './module.ts';
import type { TransformStep } from './steps.ts';

function after(row: Row, ...steps: TransformStep[]): Row | null | undefined {
  return apply(change(1, { id: 7 }, { id: 7, ...row }), ...steps)?.after;
}

function apply(one: Change, ...steps: TransformStep[]): Change | undefined {
  return compileTransforms(steps, { secret: '' })(one);
}

const failing = (code: string): unknown => expect.objectContaining({ code });

describe('cast', () => {
  test.each<readonly [string, Row[string], Row[string]]>([
    ['text', 9_007_199_254_740_993n, '9007199254740993'],
    ['text', Buffer.from('Änn'), 'Änn'],
    ['integer', '12', 12n],
    ['integer', '12.00', 12n],
    ['integer', true, 1n],
    ['integer', '123456789012345678901', 123_456_789_012_345_678_901n],
    ['number', '12.50', 12.5],
    ['decimal', 12.5, '12.5'],
    ['boolean', 1, true],
    ['boolean', 0n, false],
    ['boolean', 'TRUE', true],
    ['hex', Buffer.from('ab'), '6162'],
    ['base64', Buffer.from('ab'), 'YWI='],
    ['epochMs', '2026-02-28T23:59:59Z', 1_772_323_199_000],
    ['epochMs', '2026-02-28T23:59:59.125', 1_772_323_199_125],
    ['epochMs', '1969-12-31', -86_400_000],
    ['epochMs', '0000-00-00', null],
    ['epochMs', '2020-00-15T00:00:00', null],
    ['text', null, null],
  ])('%s of %p is %p', (kind, value, expected) => {
    expect(after({ v: value }, { cast: { v: kind as 'text' } })).toEqual({ id: 7, v: expected });
  });

  test.each<readonly [string, Row[string]]>([
    ['integer', '12.5'],
    ['integer', 'x'],
    ['number', ''],
    ['number', 'x'],
    ['decimal', 'x'],
    ['boolean', 2],
    ['text', Buffer.from([0xff])],
    ['hex', 'ab'],
    ['epochMs', 'tomorrow'],
  ])('%s of %p is poison', (kind, value) => {
    expect(() => after({ v: value }, { cast: { v: kind as 'text' } })).toThrow(failing('TRANSFORM_FAILED'));
  });
});

describe('columns made of others', () => {
  test('a template shows NULL as nothing, and refuses bytes and what is no column', () => {
    const row = { first: 'Ann', last: null, n: 5n, data: Buffer.from('x') };
    expect(after(row, { template: { name: '${first} ${last}#${n}' } })).toMatchObject({ name: 'Ann #5' });
    expect(() => after(row, { template: { name: '${data}' } })).toThrow(failing('TRANSFORM_FAILED'));
    expect(() => after(row, { template: { name: '${middle}' } })).toThrow(failing('TRANSFORM_COLUMN'));
    expect(() => after(row, { template: { name: '${first' } })).toThrow(failing('CONFIG_INVALID'));
  });

  test('constants and computed columns stand in both rows; a computed one sees the row before its step', () => {
    const both = { ...change(1, { id: 7 }, { id: 7, price: '2.50', n: 3 }), before: { id: 7, price: '2.50', n: 2 } };
    const steps: TransformStep[] = [
      { constant: { region: 'eu', tier: 2, live: true } },
      { compute: { total: 'decimal(row.price) * row.n', n: 'row.n + 1' } },
    ];
    const done = apply(both, ...steps);
    expect(done?.after).toEqual({ id: 7, price: '2.50', n: 4n, region: 'eu', tier: 2, live: true, total: '7.50' });
    expect(done?.before).toMatchObject({ total: '5.00', n: 3n });
    expect(() => after({}, { compute: { x: '[row.id]' } })).toThrow(failing('TRANSFORM_FAILED'));
    expect(() => after({}, { compute: { x: 'row.' } })).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID', place: { path: 'transform[0].compute.x' } }),
    );
  });

  test('what hangs on a column that the row does not carry is absent too, never NULL', () => {
    const part: Change = { ...change(1, { id: 7 }, { id: 7, n: 3 }), absent: { before: [], after: ['price'] } };
    const done = apply(
      part,
      { compute: { total: 'decimal(row.price) * row.n', twice: 'row.n * 2' } },
      { template: { label: '${n} for ${price}' } },
    );
    expect(done?.after).toEqual({ id: 7, n: 3, twice: 6n });
    expect(done?.absent).toEqual({ before: [], after: ['price', 'total', 'label'] });
    expect(apply(part, { constant: { price: '0' } })).toMatchObject({ absent: null, after: { price: '0' } });
    expect(() => apply(part, { flatten: { price: 'p_' } })).toThrow(failing('ROW_PARTIAL'));
  });

  test('flatten puts the members of JSON objects in place of the column, exactly', () => {
    const doc = '{"city": "Oslo", "geo": {"lat": 1.5, "id": 9007199254740993}, "tags": [1, {"a": "b"}], "none": null}';
    expect(after({ a: doc, z: 1 }, { flatten: { a: 'a_' } })).toEqual({
      id: 7,
      a_city: 'Oslo',
      a_geo_lat: 1.5,
      a_geo_id: 9_007_199_254_740_993n,
      a_tags: '[1,{"a":"b"}]',
      a_none: null,
      z: 1,
    });
    for (const a of [null, '[1]', '"text"', '{broken'])
      expect(after({ a }, { flatten: { a: 'a_' } })).toEqual({ id: 7, a });
    expect(() => after({ a: '{"id": 1}' }, { flatten: { a: '' } })).toThrow(failing('TRANSFORM_FAILED'));
  });
});

test('where deletes rows that it does not hold for, and lets every delete through', () => {
  const where: TransformStep = { where: "row.status == 'paid'" };
  const row = { id: 7, status: 'open' };
  expect(apply(change(1, { id: 7 }, { ...row, status: 'paid' }), where)).toMatchObject({ op: 'u', version: 1n });
  expect(apply(change(2, { id: 7 }, row), where)).toMatchObject({ op: 'd', after: null, before: row, version: 2n });
  expect(apply({ ...change(3, { id: 7 }), before: row }, where)).toMatchObject({ op: 'd', version: 3n });
  expect(apply(tombstone(4, { id: 7 }), where)).toEqual(tombstone(4, { id: 7 }));
});

test('renameKey renames key columns only, and never two to one', () => {
  const one = change(1, { id: 7, part: 1 }, { id: 7, part: 1 });
  expect(apply(one, { renameKey: { id: 'orderId' } })).toMatchObject({
    key: { orderId: 7, part: 1 },
    after: { id: 7 },
  });
  expect(() => apply(one, { renameKey: { id: 'part' } })).toThrow(failing('CONFIG_INVALID'));
});

test('steps for some tables or topics are done for those only, tombstones included', () => {
  const only = (of: { tables?: string[]; topics?: string[] }): TransformStep => ({
    for: { ...of, steps: [{ mask: { id: 'hash' } }] },
  });
  const one = change(1, { id: 7 }, { id: 7 });
  const masked = (step: TransformStep, given: Change = one): boolean => apply(given, step)?.key?.['id'] !== 7;
  expect(masked(only({ tables: ['shop.item'] }))).toBe(true);
  expect(masked(only({ tables: ['shop.i*'] }), tombstone(1, { id: 7 }))).toBe(true);
  expect(masked(only({ tables: ['shop.ite', 'hop.item', 'shop.item2', 'shopXitem'] }))).toBe(false);
  expect(masked(only({ topics: ['suite.*'] }))).toBe(true);
  expect(masked(only({ topics: ['other.*'] }))).toBe(false);
  expect(() => apply(one, only({}))).toThrow(failing('CONFIG_INVALID'));
  expect(() => apply(one, { for: { tables: ['x'], steps: [{ filter: '1' }] } })).toThrow(
    expect.objectContaining({ place: { path: 'transform[0].for.steps[0].filter' } }),
  );
});

describe('a module', () => {
  const run = (module: TransformModule, one: Change = change(1, { id: 7 }, { id: 7 })): Change | undefined =>
    compileTransforms([{ module: './m.ts' }], { secret: '', modules: new Map([['./m.ts', module]]) })(one);

  test('gives the change to write, or none', () => {
    const module = defineTransform({
      transform: (one) => (one.after?.['id'] === 7 ? { ...one, after: { ...one.after, seen: true } } : null),
    });
    expect(run(module)?.after).toEqual({ id: 7, seen: true });
    expect(run(module, change(1, { id: 8 }, { id: 8 }))).toBeUndefined();
  });

  test.each<readonly [string, TransformModule, RegExp]>([
    [
      'an error, with its stack',
      { transform: () => JSON.parse('{') as never },
      /transform\[0\]\.module threw.*steps\.test\.ts/s,
    ],
    ['something else than a change', { transform: () => ({}) as never }, /no change/],
    ['a promise', { transform: (async () => null) as never }, /a promise/],
    ['another key', { transform: (one) => ({ ...one, key: { id: 1 } }) }, /changesKeys/],
    ['another version', { transform: (one) => ({ ...one, version: 9n }) }, /version/],
  ])('%s is poison', (_, module, message) => {
    expect(() => run(module)).toThrow(
      expect.objectContaining({
        code: 'TRANSFORM_FAILED',
        disposition: 'poison',
        message: expect.stringMatching(message),
      }),
    );
  });

  test('changes keys where it says so', () => {
    const module: TransformModule = { changesKeys: true, transform: (one) => ({ ...one, key: { id: 1 } }) };
    expect(run(module)?.key).toEqual({ id: 1 });
  });
});
