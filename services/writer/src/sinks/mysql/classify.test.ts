import { expect, test } from '@jest/globals';
import { classifyMysqlError } from '@tapline/mysql';
import { classify } from './classify.ts';

const server = { host: 'db', port: 3306, user: 'u' };

test.each([
  [1045, 'SINK_MYSQL_ACCESS', 'fatal'],
  [1213, 'SINK_MYSQL_BUSY', 'retryable'],
  [1290, 'SINK_MYSQL_READ_ONLY', 'retryable'],
  [1114, 'SINK_MYSQL_FULL', 'retryable'],
  [1146, 'SINK_MYSQL_TABLE', 'fatal'],
  [1054, 'SINK_MYSQL_COLUMN', 'fatal'],
  [1062, 'SINK_MYSQL_DUPLICATE', 'poison'],
  [1264, 'SINK_MYSQL_VALUE', 'poison'],
  [1153, 'SINK_MYSQL_PACKET', 'poison'],
  [1040, 'SINK_MYSQL_UNREACHABLE', 'retryable'],
  [8004, 'SINK_MYSQL_FULL', 'retryable'],
  [8025, 'SINK_MYSQL_PACKET', 'poison'],
  [9006, 'SINK_MYSQL_BUSY', 'retryable'],
  [9007, 'SINK_MYSQL_BUSY', 'retryable'],
  [59_999, 'SINK_MYSQL_FAILED', 'fatal'],
] as const)('error %i of the server is %s', (errno, code, disposition) => {
  const error = classify(classifyMysqlError({ errno, message: 'as the server says' }, server));
  expect(error).toMatchObject({ code, disposition });
  expect(error.message).toContain('as the server says');
});

test('what is about the connection is told by what libs/mysql has found, and no other error is taken for one of the server', () => {
  expect(classify(classifyMysqlError({ code: 'ECONNREFUSED' }, server)).code).toBe('SINK_MYSQL_UNREACHABLE');
  expect(classify(classifyMysqlError({ code: 'CERT_HAS_EXPIRED' }, server)).code).toBe('SINK_MYSQL_TLS');
  expect(classify(new Error('x')).code).toBe('SINK_MYSQL_FAILED');
});
