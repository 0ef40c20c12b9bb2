import { describe, expect, test } from '@jest/globals';
import { change, tombstone } from '@tapline/sink';
import { compileTransforms } from './index.ts';
import type { Transform } from './rows.ts';
import type { TransformStep } from './steps.ts';

const compile = (steps: readonly TransformStep[]): Transform => compileTransforms(steps, { secret: '' });

const update = {
  ...change(1, { id: 7 }, { id: 7, email: 'a@b.c', phone: '1', note: null }),
  before: { id: 7, email: 'old@b.c', phone: '2', note: 'x' },
};

describe('transforms', () => {
  test('without steps a change is as it was', () => {
    expect(compile([])(update)).toBe(update);
  });

  test('include and exclude choose columns of both rows, and keep NULL', () => {
    expect(compile([{ include: ['id', 'note'] }])(update)).toMatchObject({
      before: { id: 7, note: 'x' },
      after: { id: 7, note: null },
    });
    expect(Object.keys(compile([{ exclude: ['email', 'phone'] }])(update)?.after ?? {})).toEqual(['id', 'note']);
  });

  test('names of absent columns are chosen and renamed as the columns are', () => {
    const part = { ...update, absent: { before: [], after: ['a', 'b'] } };
    const absent = (...steps: TransformStep[]): unknown => compile(steps)(part)?.absent;
    expect(absent({ include: ['id', 'a'] })).toEqual({ before: [], after: ['a'] });
    expect(absent({ exclude: ['a'] }, { rename: { b: 'c' } })).toEqual({ before: [], after: ['c'] });
    expect(absent({ include: ['id'] })).toBeNull();
  });

  test('rename keeps the order and the key’s names', () => {
    const renamed = compile([{ rename: { email: 'mail', id: 'number' } }])(update);
    expect(Object.keys(renamed?.after ?? {})).toEqual(['number', 'mail', 'phone', 'note']);
    expect(renamed?.key).toEqual({ id: 7 });
  });

  test('rename onto another column is refused', () => {
    expect(() => compile([{ rename: { email: 'x', phone: 'x' } }])).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID' }),
    );
    expect(() => compile([{ rename: { email: 'phone' } }])(update)).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID' }),
    );
    expect(compile([{ rename: { email: 'phone', phone: 'email' } }])(update)?.after).toMatchObject({
      phone: 'a@b.c',
      email: '1',
    });
  });

  test('mask hides values of both rows, leaves NULL, and hash is keyed by the secret', () => {
    const steps = [{ mask: { email: 'hash', phone: 'fixed', note: 'null' } }] as const;
    const masked = compile(steps)(update);
    expect(masked?.after).toEqual({
      id: 7,
      email: 'd648b243a3e817eaa3309e00e183483f2867baadf522099f0c2121770536b25a',
      phone: '***',
      note: null,
    });
    expect(masked?.before).toMatchObject({ phone: '***', note: null });
    expect(compileTransforms(steps, { secret: 'secret' })(update)?.after?.['email']).not.toBe(masked?.after?.['email']);
    expect(JSON.stringify(masked?.before)).not.toContain('old@b.c');
  });

  test('a key column may be hashed but not made the same for all', () => {
    expect(compile([{ mask: { id: 'hash' } }])(update)?.key?.['id']).toMatch(/^[0-9a-f]{64}$/);
    expect(() => compile([{ mask: { id: 'fixed' } }])(update)).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID' }),
    );
  });

  test('steps work in order, and a filter sees what came before it', () => {
    const transform = compile([{ rename: { email: 'mail' } }, { filter: "row.mail == 'a@b.c'" }]);
    expect(transform(update)?.after).toHaveProperty('mail');
    expect(() => compile([{ filter: "row.mail == 'a@b.c'" }])(update)).toThrow(
      expect.objectContaining({ code: 'TRANSFORM_COLUMN' }),
    );
  });

  test('a tombstone passes the steps that are about columns', () => {
    const gone = tombstone(2, { id: 7 });
    expect(compile([{ include: ['id'] }, { mask: { email: 'hash' } }])(gone)).toEqual(gone);
  });
});
