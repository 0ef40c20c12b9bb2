import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { editDistance, envName, nearest, showPath } from './paths.ts';

test('paths are shown as people write them', () => {
  expect(showPath(['source', 'tls', 'ca'])).toBe('source.tls.ca');
  expect(showPath(['keys', 'shop.log', 0])).toBe('keys["shop.log"][0]');
});

test('the name of the environment variable', () => {
  expect(envName('reader', ['source', 'serverId'])).toBe('TAPLINE_READER_SOURCE_SERVER_ID');
  expect(envName('reader', ['sasl2', 'x'])).toBe('TAPLINE_READER_SASL2_X');
});

test('the distance is 0 for equal words, symmetric, and at most the longer length', () => {
  const word = fc.string({ maxLength: 8 });
  fc.assert(
    fc.property(word, word, (a, b) => {
      expect(editDistance(a, b)).toBe(editDistance(b, a));
      expect(editDistance(a, b)).toBeLessThanOrEqual(Math.max(a.length, b.length));
      expect(editDistance(a, b) === 0).toBe(a === b);
      expect(editDistance(a, b, 3)).toBe(Math.min(3, editDistance(a, b)));
    }),
  );
});

test('one typing mistake is one step', () => {
  const at = fc.nat({ max: 7 });
  fc.assert(
    fc.property(at, (index) => {
      const word = 'password';
      expect(editDistance(word, word.slice(0, index) + word.slice(index + 1))).toBe(1);
      expect(editDistance(word, `${word.slice(0, index)}#${word.slice(index)}`)).toBe(1);
      expect(editDistance(word, `${word.slice(0, index)}#${word.slice(index + 1)}`)).toBe(1);
    }),
  );
  expect(editDistance('hots', 'host')).toBe(1);
});

test('the nearest name, and none when none is near', () => {
  const known = ['host', 'port', 'serverId', 'heartbeatMs'];
  expect(nearest('server_id', known)).toBe('serverId');
  expect(nearest('hartbeatMs', known)).toBe('heartbeatMs');
  expect(nearest('prot', known)).toBe('port');
  expect(nearest('colour', known)).toBeUndefined();
});
