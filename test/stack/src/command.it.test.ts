import { expect, test } from '@jest/globals';
import { TaplineError } from '@tapline/kernel';
import { runCommand } from './command.ts';

async function failureOf(work: Promise<unknown>): Promise<TaplineError> {
  const error: unknown = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (error instanceof TaplineError) return error;
  throw new Error(`no TaplineError but ${String(error)}`);
}

test('a missing program is told with the package that brings it', async () => {
  const error = await failureOf(runCommand('tapline-no-such-program', [], { package: 'that-package' }));
  expect(error.code).toBe('STACK_PREREQUISITE');
  expect(error.remedy).toContain('that-package');
});

test('a program that fails is told with the end of what it printed', async () => {
  const error = await failureOf(runCommand('sh', ['-c', 'echo reason >&2; exit 3'], { package: 'dash' }));
  expect(error.code).toBe('STACK_START_FAILED');
  expect(error.message).toMatch(/ended with 3:\nreason$/);
});
