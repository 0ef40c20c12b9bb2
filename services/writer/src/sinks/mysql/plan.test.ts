import { describe, expect, test } from '@jest/globals';
import { type Change, change } from '@tapline/sink';
import { type Item, itemOf, stepsOf, wavesOf } from './plan.ts';
import { type Target, targetOf } from './target.ts';

const column = { type: 'varchar', columnType: 'varchar(20)', nullable: true, unsigned: false } as const;
const collation = 'utf8mb4_0900_ai_ci';

function target(): Target {
  const table = {
    database: 'shop',
    name: 'item',
    columns: [
      { ...column, name: 'id', type: 'int', columnType: 'int' },
      { ...column, name: 'u', charset: 'utf8mb4', collation },
    ],
    primaryKey: ['id'],
    uniqueKeys: [{ name: 'by_u', columns: ['u'] }],
  };
  return targetOf(table, {
    keyNames: ['id'],
    guard: { kind: 'versions' },
    versions: 'v',
    dialect: { flavor: 'mysql', rowAlias: true, unicode: 'uca900' },
  });
}

/** `[id, value, value before]`; no value: a delete. */
function items(...rows: readonly (readonly [id: number, u: string | null | undefined, before?: string])[]): Item[] {
  const table = target();
  return rows.map(([id, u, before], index) => {
    const made: Change = change(index + 1, { id }, u === undefined ? undefined : { id, u });
    return itemOf(index, { ...made, before: before === undefined ? null : { id, u: before } }, table);
  });
}

const ids = (list: readonly { readonly index: number }[]): number[] => list.map(({ index }) => index);

describe('lanes', () => {
  test('changes that have nothing in common go side by side, those of a row one after the other', () => {
    const [wave, ...others] = wavesOf(items([1, 'a'], [2, 'b'], [1, 'c', 'a'], [3, null], [2, undefined, 'b']), 2);
    expect(others).toEqual([]);
    expect(wave?.map(ids)).toEqual([
      [0, 2],
      [1, 3, 4],
    ]);
  });

  test('a change waits for all lanes when it touches what several of them have', () => {
    const waves = wavesOf(items([1, 'x', 'a'], [2, 'b'], [3, 'A', 'b'], [4, 'd']), 2);
    expect(waves.map((wave) => wave.map(ids))).toEqual([
      [[0], [1]],
      [[2], [3]],
    ]);
  });

  test('values that a collation may hold for equal share a lane, NULLs do not', () => {
    const waves = wavesOf(items([1, 'Straße '], [2, 'STRASSE'], [3, null], [4, null]), 4);
    expect(waves.map((wave) => wave.map(ids))).toEqual([[[0, 1], [2], [3]]]);
  });
});

describe('steps', () => {
  test('changes of a row become its last one, which stands for all of them', () => {
    const [step, ...others] = stepsOf(items([1, 'a'], [2, 'b'], [1, 'c', 'a'], [1, undefined, 'c']), () => undefined);
    expect(others).toEqual([]);
    expect(step?.map(({ after, indexes }) => ({ after, indexes }))).toEqual([
      { after: null, indexes: [0, 2, 3] },
      { after: { id: 2, u: 'b' }, indexes: [1] },
    ]);
  });

  test('a row that takes what another one gives up comes in a later step', () => {
    const steps = stepsOf(items([1, 'x', 'a'], [2, 'a', 'b'], [3, 'b']), () => undefined);
    expect(steps.map((step) => step.map(({ item }) => item.index))).toEqual([[0], [1], [2]]);
  });

  test('what is older than a change before it is stale, and an update keeps what it does not carry', () => {
    const stale: number[] = [];
    const [first, second, third] = items([1, 'a'], [1, 'b', 'a'], [1, 'c', 'b']);
    const older = { ...(third as Item), change: { ...(third as Item).change, version: 2n } };
    const partial = {
      ...(second as Item),
      change: { ...(second as Item).change, after: { id: 1 }, absent: { before: [], after: ['u'] } },
    };
    const [step] = stepsOf([first as Item, partial, older], (index) => stale.push(index));
    expect(stale).toEqual([2]);
    expect(step?.map(({ after }) => after)).toEqual([{ id: 1, u: 'a' }]);
  });
});
