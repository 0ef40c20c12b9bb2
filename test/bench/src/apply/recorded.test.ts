import { expect, test } from '@jest/globals';
import { httpRequests } from './http.ts';
import { respCommands } from './resp.ts';

test('what was sent to Redis is parted into its commands, byte for byte', () => {
  const info = Buffer.from('*1\r\n$4\r\ninfo\r\n');
  const call = Buffer.from('*5\r\n$7\r\nEVALSHA\r\n$3\r\nabc\r\n$1\r\n2\r\n$1\r\na\r\n$4\r\n\r\n*1\r\n');
  const commands = respCommands(Buffer.concat([info, call, info]));
  expect(commands.map(({ name, third }) => [name, third])).toEqual([
    ['INFO', undefined],
    ['EVALSHA', '2'],
    ['INFO', undefined],
  ]);
  expect(commands.map(({ bytes }) => bytes)).toEqual([info, call, info]);
});

test('what was sent over HTTP is parted into its requests, with bodies of a known length, in chunks, or none', () => {
  const sent =
    'GET / HTTP/1.1\r\nhost: a\r\n\r\n' +
    'POST /_bulk?a=b HTTP/1.1\r\ncontent-length: 6\r\n\r\n{}\r\n{}' +
    'POST /_bulk HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\na\r\n0123456789\r\n0\r\n\r\n' +
    'HEAD /x HTTP/1.1\r\n\r\n';
  expect(httpRequests(Buffer.from(sent)).map(({ method, path, body }) => [method, path, body.toString()])).toEqual([
    ['GET', '/', ''],
    ['POST', '/_bulk?a=b', '{}\r\n{}'],
    ['POST', '/_bulk', 'abc0123456789'],
    ['HEAD', '/x', ''],
  ]);
});
