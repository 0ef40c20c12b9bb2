import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { MASK, Redactor } from './redact.ts';

const secretText = fc
  .string({ minLength: 4, maxLength: 30 })
  .filter((text) => !MASK.includes(text) && text.trim() === text);

test('a known secret never comes through, wherever it stands', () => {
  fc.assert(
    fc.property(secretText, fc.string(), fc.string(), (secret, before, after) => {
      const redactor = new Redactor();
      redactor.add([secret]);
      const shown = JSON.stringify(redactor.data({ a: [{ b: before + secret + after }] }));
      const around = JSON.stringify({ a: [{ b: before + MASK + after }] });
      // What is left of it can only be what the surroundings held themselves.
      if (!around.includes(secret)) expect(shown).not.toContain(secret);
    }),
  );
});

test('of two secrets, the longer one is masked whole', () => {
  const redactor = new Redactor();
  redactor.add(['hunter', 'hunter22']);
  expect(redactor.text('pw hunter22!')).toBe(`pw ${MASK}!`);
});

test('a short secret is masked where it is the whole value', () => {
  const redactor = new Redactor();
  redactor.add(['abc', '']);
  expect(redactor.data({ value: 'abc', other: 'abcd' })).toEqual({ value: MASK, other: 'abcd' });
});

test('passwords in URLs and fields named like secrets are masked without being told', () => {
  const redactor = new Redactor();
  expect(redactor.text('to redis://user:pw@host:6379/0 and http://:x@h')).toBe(
    'to redis://user:***@host:6379/0 and http://:***@h',
  );
  expect(redactor.data({ password: 'x', saslPassword: 'y', api_key: 'z', keys: 1, passwords: true })).toEqual({
    password: MASK,
    saslPassword: MASK,
    api_key: MASK,
    keys: 1,
    passwords: true,
  });
});

test('data that JSON cannot hold is made printable', () => {
  const cyclic: Record<string, unknown> = { big: 1n, bytes: new Uint8Array(3), map: new Map([['a', 1]]), no: () => 1 };
  cyclic['self'] = cyclic;
  expect(() => JSON.stringify(new Redactor().data(cyclic))).not.toThrow();
  expect(new Redactor().data({ big: 1n, bytes: new Uint8Array(3), map: new Map([['a', 1]]) })).toEqual({
    big: '1',
    bytes: '3 bytes',
    map: { a: 1 },
  });
});
