import { Writable } from 'node:stream';
import { expect, test } from '@jest/globals';
import { TaplineError } from './errors.ts';
import { createLogger, type Logger, type LogOptions } from './log.ts';
import { Redactor } from './redact.ts';

function capture(options: LogOptions = {}): { log: Logger; lines: string[] } {
  const lines: string[] = [];
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done): void {
      lines.push(chunk.toString());
      done();
    },
  });
  return { log: createLogger({ ...options, stream }), lines };
}

test('one JSON object a line, with the fields of the logger and its parents', () => {
  const { log, lines } = capture({ fields: { service: 'reader' } });
  log.child({ table: 'a.b' }).info('hello', { rows: 5n });
  expect(lines).toHaveLength(1);
  expect(lines[0]).toMatch(/\n$/);
  const { time, ...rest } = JSON.parse(lines[0] ?? '') as Record<string, unknown>;
  expect(rest).toEqual({ level: 'info', message: 'hello', service: 'reader', table: 'a.b', rows: '5' });
  expect(new Date(String(time)).getTime()).toBeGreaterThan(0);
});

test('fields cannot overwrite time, level or message', () => {
  const { log, lines } = capture();
  log.warn('real', { message: 'fake', level: 'fake', time: 'fake' });
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({ level: 'warn', message: 'real' });
  expect(lines[0]).not.toContain('fake');
});

test('lines below the level are not written', () => {
  const { log, lines } = capture({ level: 'warn' });
  log.info('no');
  log.debug('no');
  log.error('yes');
  expect(lines).toHaveLength(1);
  expect([log.enabled('info'), log.enabled('error')]).toEqual([false, true]);
});

test('an error is described, and secrets are masked, in both formats', () => {
  for (const format of ['json', 'text'] as const) {
    const redactor = new Redactor();
    redactor.add(['hunter2']);
    const { log, lines } = capture({ format, redactor });
    const error = new TaplineError('INTERNAL', { message: 'saw hunter2', cause: new Error('hunter2') });
    log.error('broken by hunter2', { error, detail: { deep: 'hunter2' } });
    expect(lines.join('')).toContain('INTERNAL');
    expect(lines.join('')).toContain('***');
    expect(lines.join('')).not.toContain('hunter2');
  }
});
