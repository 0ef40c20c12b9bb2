import { expect, test } from '@jest/globals';
import { KAFKA_CODES } from './codes/kafka.ts';
import { SINK_CODES } from './codes/sink.ts';
import { SOURCE_CODES } from './codes/source.ts';
import { TAPLINE_CODES } from './codes/tapline.ts';
import { describeError, printableError } from './describe-error.ts';
import { ERROR_CODES } from './error-codes.ts';
import { TaplineError } from './errors.ts';
import { Redactor } from './redact.ts';

test('an error becomes one object with code, place, remedy and its causes, outermost first', () => {
  const root = Object.assign(new Error('connect failed'), { code: 'ECONNREFUSED' });
  const cause = new Error('driver gave up', { cause: root });
  const error = new TaplineError('SOURCE_UNREACHABLE', { message: 'no answer', place: { address: 'h:1' }, cause });
  expect(describeError(error)).toEqual({
    code: 'SOURCE_UNREACHABLE',
    disposition: 'retryable',
    message: 'no answer',
    place: { address: 'h:1' },
    remedy: ERROR_CODES.SOURCE_UNREACHABLE.remedy,
    causes: ['driver gave up', 'ECONNREFUSED: connect failed'],
  });
});

test('what Tapline did not raise is INTERNAL, with its stack', () => {
  const described = describeError(new TypeError('x is not a function'));
  expect(described).toMatchObject({ code: 'INTERNAL', disposition: 'fatal', message: 'x is not a function' });
  expect(described.stack).toContain('describe-error.test');
  expect(describeError('text')).toMatchObject({ code: 'INTERNAL', message: 'string thrown: text' });
});

test('secrets are masked in the message, the place, the causes and the stack', () => {
  const redactor = new Redactor();
  redactor.add(['hunter2']);
  const error = new TaplineError('INTERNAL', {
    message: 'hunter2',
    place: { path: 'hunter2' },
    cause: new Error('mysql://root:topsecret@h and hunter2'),
  });
  const all = JSON.stringify([
    describeError(error, redactor),
    describeError(new Error('hunter2'), redactor),
    printableError(error, redactor),
  ]);
  expect(all).not.toContain('hunter2');
  expect(all).not.toContain('topsecret');
});

test('a cycle of causes ends', () => {
  const a = new Error('a');
  a.cause = new Error('b', { cause: a });
  expect(describeError(a).causes?.length).toBe(8);
});

test('people get where and what to do', () => {
  const error = new TaplineError('CONFIG_INVALID', {
    message: 'bad',
    place: { path: 'reader.yaml:3:5' },
    remedy: 'mend it',
  });
  expect(printableError(error)).toBe('CONFIG_INVALID: bad\n  where: reader.yaml:3:5\n  remedy: mend it');
});

test('codes are sorted, and each says what it means and what to do', () => {
  for (const table of [KAFKA_CODES, SINK_CODES, SOURCE_CODES, TAPLINE_CODES]) {
    expect(Object.keys(table)).toEqual(Object.keys(table).toSorted());
  }
  for (const [code, { summary, remedy }] of Object.entries(ERROR_CODES)) {
    expect(code).toMatch(/^[A-Z][A-Z0-9_]*$/);
    expect([code, summary, remedy].map((text) => text.trim().length > 0)).toEqual([true, true, true]);
    expect(`${code} ${summary}`).toMatch(/\.$/);
  }
});
