import { describe, expect, test } from '@jest/globals';
import { deferred, orAbort, whenAborted } from './async.ts';
import { TaplineError } from './errors.ts';
import { Lifecycle, type RunningService } from './lifecycle.ts';
import { type Logger, silentLogger } from './log.ts';

const NEVER = new Promise<never>(() => undefined);

interface Trial {
  readonly lifecycle: Lifecycle;
  readonly states: string[];
  readonly running: Promise<void>;
  disposals: number;
}

function trial(service: Partial<RunningService>, limits: { drainMs?: number; abortMs?: number } = {}): Trial {
  const started = deferred();
  const states: string[] = [];
  const note = (_: string, fields: { state?: unknown } = {}): void => {
    if (typeof fields.state === 'string') states.push(fields.state);
    if (fields.state === 'running') started.resolve();
  };
  const log: Logger = { ...silentLogger, info: note, error: note };
  const lifecycle = new Lifecycle({
    log,
    ...limits,
    open: async () => ({
      run: (stop) => whenAborted(stop),
      ...service,
      async [Symbol.asyncDispose](): Promise<void> {
        result.disposals++;
        await service[Symbol.asyncDispose]?.();
      },
    }),
  });
  const result: Trial = { lifecycle, states, running: started.promise, disposals: 0 };
  return result;
}

describe('ends as it should', () => {
  test('stop, drain, dispose, and every state is logged', async () => {
    const steps: string[] = [];
    const one = trial({
      async run(stop): Promise<void> {
        await whenAborted(stop);
        steps.push('finished what was in hand');
      },
      async drain(): Promise<void> {
        steps.push('drained');
      },
      async [Symbol.asyncDispose](): Promise<void> {
        steps.push('disposed');
      },
    });
    const ended = one.lifecycle.run();
    await one.running;
    one.lifecycle.stop('test');
    expect(await ended).toBe(true);
    expect(steps).toEqual(['finished what was in hand', 'drained', 'disposed']);
    expect(one.states).toEqual(['opening', 'running', 'draining', 'disposing', 'stopped']);
    expect(one.disposals).toBe(1);
  });

  test('work that is done needs no signal', async () => {
    const one = trial({ run: async () => undefined });
    expect(await one.lifecycle.run()).toBe(true);
    expect(one.states).toEqual(['opening', 'running', 'disposing', 'stopped']);
  });

  test('cancelling is not an error', async () => {
    const one = trial({ run: (stop) => orAbort(NEVER, stop) });
    const ended = one.lifecycle.run();
    await one.running;
    one.lifecycle.stop('test');
    expect(await ended).toBe(true);
  });

  test('a stop while opening ends it before it runs', async () => {
    const lifecycle = new Lifecycle({ log: silentLogger, open: (stop) => orAbort(NEVER, stop) });
    const ended = lifecycle.run();
    lifecycle.stop('test');
    expect(await ended).toBe(true);
    expect(lifecycle.state).toBe('stopped');
  });
});

describe('fails', () => {
  const broken = new TaplineError('INTERNAL', { message: 'broken' });

  test('an error in the work disposes, then fails', async () => {
    const one = trial({ run: () => Promise.reject(broken) });
    expect(await one.lifecycle.run()).toBe(false);
    expect(one.states).toEqual(['opening', 'running', 'disposing', 'failed']);
    expect([one.lifecycle.failure, one.disposals]).toEqual([broken, 1]);
  });

  test('an error while opening', async () => {
    const lifecycle = new Lifecycle({ log: silentLogger, open: () => Promise.reject(broken) });
    expect(await lifecycle.run()).toBe(false);
    expect([lifecycle.state, lifecycle.failure]).toEqual(['failed', broken]);
  });

  test('an error while disposing', async () => {
    const one = trial({ run: async () => undefined, [Symbol.asyncDispose]: () => Promise.reject(broken) });
    expect(await one.lifecycle.run()).toBe(false);
    expect(one.lifecycle.failure).toBe(broken);
  });

  test('work that does not finish before the deadline is aborted, even when it ignores that', async () => {
    const one = trial({ run: () => NEVER }, { drainMs: 5, abortMs: 5 });
    const ended = one.lifecycle.run();
    await one.running;
    one.lifecycle.stop('test');
    expect(await ended).toBe(false);
    expect(one.lifecycle.failure).toMatchObject({ code: 'SERVICE_ABORTED' });
    expect(one.disposals).toBe(1);
  });

  test('a second signal aborts at once', async () => {
    const one = trial({ run: (_, abort) => orAbort(NEVER, abort) }, { drainMs: 3_600_000 });
    const ended = one.lifecycle.run();
    await one.running;
    one.lifecycle.stop('test');
    one.lifecycle.stop('test');
    expect(await ended).toBe(false);
    expect(one.lifecycle.failure).toMatchObject({ code: 'SERVICE_ABORTED' });
  });

  test('a stray error ends it as failed', async () => {
    const one = trial({}, { abortMs: 5 });
    const ended = one.lifecycle.run();
    await one.running;
    one.lifecycle.fail(broken);
    expect(await ended).toBe(false);
    expect(one.lifecycle.failure).toBe(broken);
  });
});
