import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { TaplineError } from './errors.ts';
import { backoffMs, dispositionOf, retry } from './retry.ts';

const unreachable = (): TaplineError => new TaplineError('SOURCE_UNREACHABLE', { message: 'gone' });
const FAST = { firstDelayMs: 1, maxDelayMs: 1 };

describe('retry', () => {
  test('tries again while the failure is retryable, and tells each wait', async () => {
    const waits: number[] = [];
    const result = await retry(
      async (attempt) => {
        if (attempt < 3) throw unreachable();
        return attempt;
      },
      { ...FAST, onRetry: ({ attempt }) => waits.push(attempt) },
    );
    expect({ result, waits }).toEqual({ result: 3, waits: [1, 2] });
  });

  test.each([
    ['fatal', new TaplineError('INTERNAL', { message: 'x' })],
    ['unknown', new Error('x')],
  ])('a failure that is %s is not tried again', async (_, failure) => {
    let attempts = 0;
    const operation = async (): Promise<never> => {
      attempts++;
      throw failure;
    };
    await expect(retry(operation, FAST)).rejects.toBe(failure);
    expect(attempts).toBe(1);
  });

  test('attempts and deadline bound it', async () => {
    let attempts = 0;
    const operation = async (): Promise<never> => {
      attempts++;
      throw unreachable();
    };
    await expect(retry(operation, { ...FAST, attempts: 3 })).rejects.toThrow('gone');
    expect(attempts).toBe(3);
    attempts = 0;
    await expect(retry(operation, { firstDelayMs: 60_000, maxDelayMs: 60_000, deadlineMs: 10 })).rejects.toThrow(
      'gone',
    );
    expect(attempts).toBe(1);
  });

  test('an abort ends the wait with its reason', async () => {
    const controller = new AbortController();
    const reason = new Error('stop');
    const operation = async (): Promise<never> => {
      throw unreachable();
    };
    const options = { firstDelayMs: 60_000, signal: controller.signal, onRetry: () => controller.abort(reason) };
    await expect(retry(operation, options)).rejects.toBe(reason);
  });
});

test('a wait is between half and all of its nominal value, which doubles up to the limit', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 60 }), fc.double({ min: 0, max: 0.999, noNaN: true }), (attempt, random) => {
      const nominal = Math.min(5_000, 50 * 2 ** (attempt - 1));
      const wait = backoffMs(attempt, { firstDelayMs: 50, maxDelayMs: 5_000, random: () => random });
      expect(wait).toBeGreaterThanOrEqual(Math.floor(nominal / 2));
      expect(wait).toBeLessThanOrEqual(nominal);
    }),
  );
});

test('what is unknown is fatal, never poison', () => {
  expect(dispositionOf(new Error('x'))).toBe('fatal');
  expect(dispositionOf('text')).toBe('fatal');
  expect(dispositionOf(unreachable())).toBe('retryable');
});
