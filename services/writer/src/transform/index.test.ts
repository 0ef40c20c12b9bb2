import { describe, expect, test } from '@jest/globals';
import { change, tombstone } from '@tapline/sink';
import { compileTransforms } from './index.ts';

const update = {
  ...change(1, { id: 7 }, { id: 7, email: 'a@b.c', phone: '1', note: null }),
  before: { id: 7, email: 'old@b.c', phone: '2', note: 'x' },
};

describe('transforms', () => {
  test('without steps a change is as it was', () => {
    expect(compileTransforms([], '')(update)).toBe(update);
  });

  test('include and exclude choose columns of both rows, and keep NULL', () => {
    expect(compileTransforms([{ include: ['id', 'note'] }], '')(update)).toMatchObject({
      before: { id: 7, note: 'x' },
      after: { id: 7, note: null },
    });
    expect(Object.keys(compileTransforms([{ exclude: ['email', 'phone'] }], '')(update)?.after ?? {})).toEqual([
      'id',
      'note',
    ]);
  });

  test('names of absent columns are chosen and renamed as the columns are', () => {
    const part = { ...update, absent: { before: [], after: ['a', 'b'] } };
    const absent = (...steps: Parameters<typeof compileTransforms>[0]): unknown =>
      compileTransforms(steps, '')(part)?.absent;
    expect(absent({ include: ['id', 'a'] })).toEqual({ before: [], after: ['a'] });
    expect(absent({ exclude: ['a'] }, { rename: { b: 'c' } })).toEqual({ before: [], after: ['c'] });
    expect(absent({ include: ['id'] })).toBeNull();
  });

  test('rename keeps the order and the key’s names', () => {
    const renamed = compileTransforms([{ rename: { email: 'mail', id: 'number' } }], '')(update);
    expect(Object.keys(renamed?.after ?? {})).toEqual(['number', 'mail', 'phone', 'note']);
    expect(renamed?.key).toEqual({ id: 7 });
  });

  test('rename onto another column is refused', () => {
    expect(() => compileTransforms([{ rename: { email: 'x', phone: 'x' } }], '')).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID' }),
    );
    expect(() => compileTransforms([{ rename: { email: 'phone' } }], '')(update)).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID' }),
    );
    expect(compileTransforms([{ rename: { email: 'phone', phone: 'email' } }], '')(update)?.after).toMatchObject({
      phone: 'a@b.c',
      email: '1',
    });
  });

  test('mask hides values of both rows, leaves NULL, and hash is keyed by the secret', () => {
    const steps = [{ mask: { email: 'hash', phone: 'fixed', note: 'null' } }] as const;
    const masked = compileTransforms(steps, '')(update);
    expect(masked?.after).toEqual({
      id: 7,
      email: 'd648b243a3e817eaa3309e00e183483f2867baadf522099f0c2121770536b25a',
      phone: '***',
      note: null,
    });
    expect(masked?.before).toMatchObject({ phone: '***', note: null });
    expect(compileTransforms(steps, 'secret')(update)?.after?.['email']).not.toBe(masked?.after?.['email']);
    expect(JSON.stringify(masked?.before)).not.toContain('old@b.c');
  });

  test('a key column may be hashed but not made the same for all', () => {
    expect(compileTransforms([{ mask: { id: 'hash' } }], '')(update)?.key?.['id']).toMatch(/^[0-9a-f]{64}$/);
    expect(() => compileTransforms([{ mask: { id: 'fixed' } }], '')(update)).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID' }),
    );
  });

  test('steps work in order, and a filter sees what came before it', () => {
    const transform = compileTransforms([{ rename: { email: 'mail' } }, { filter: "row.mail == 'a@b.c'" }], '');
    expect(transform(update)?.after).toHaveProperty('mail');
    expect(compileTransforms([{ filter: "row.mail == 'a@b.c'" }], '')(update)).toBeUndefined();
  });

  test('a tombstone passes the steps that are about columns', () => {
    const gone = tombstone(2, { id: 7 });
    expect(compileTransforms([{ include: ['id'] }, { mask: { email: 'hash' } }], '')(gone)).toEqual(gone);
  });
});
