import { expect, test } from '@jest/globals';
import { formatAddress, parseAddress, tlsOptions } from './config.ts';

test.each([
  ['localhost:9092', { host: 'localhost', port: 9092 }],
  ['[::1]:9092', { host: '::1', port: 9092 }],
])('%s is a broker address', (text, address) => {
  expect(parseAddress(text)).toEqual(address);
  expect(formatAddress(address)).toBe(text);
});

test.each(['localhost', ':9092', 'localhost:', 'localhost:0', 'localhost:70000', 'localhost:x'])(
  '%s is none',
  (text) => {
    expect(() => parseAddress(text)).toThrow(expect.objectContaining({ code: 'KAFKA_CONFIG' }));
  },
);

test('PEM text is used as it is, a path is read, and a missing file is named', () => {
  const pem = '-----BEGIN CERTIFICATE-----\n';
  expect(tlsOptions({ ca: pem, servername: undefined })).toEqual({ ca: pem });
  expect(tlsOptions(true)).toEqual({});
  expect(tlsOptions(undefined)).toBeUndefined();
  expect(() => tlsOptions({ key: '/nowhere/key.pem' })).toThrow(
    expect.objectContaining({ code: 'KAFKA_CONFIG', place: { path: '/nowhere/key.pem' } }),
  );
});
