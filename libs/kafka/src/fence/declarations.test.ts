import { expect, test } from '@jest/globals';
import { type Deferred, deferred, TaplineError } from '@tapline/kernel';
import { Declarations } from './declarations.ts';

const turn = (): Promise<void> => new Promise((done) => setImmediate(done));

test('what is wanted at once is declared together, what comes meanwhile in the next go, and nothing twice', async () => {
  const calls: { topics: readonly string[]; done: Deferred<void> }[] = [];
  let declaredTimes = 0;
  const declarations = new Declarations({
    declare: (topics) => {
      const done = deferred();
      calls.push({ topics, done });
      return done.promise;
    },
    onDeclared: () => declaredTimes++,
    onFailed: (error) => {
      throw error;
    },
  });
  for (const topic of ['a', 'b', 'a']) declarations.want(topic);
  await turn();
  expect(declarations.has('a')).toBe(false);
  for (const topic of ['b', 'c']) declarations.want(topic);
  expect(calls.map(({ topics }) => topics)).toEqual([['a', 'b']]);
  calls[0]?.done.resolve();
  await turn();
  expect([declarations.has('a'), declarations.has('b'), declarations.has('c')]).toEqual([true, true, false]);
  expect(calls.map(({ topics }) => topics)).toEqual([['a', 'b'], ['c']]);
  calls[1]?.done.resolve();
  await turn();
  declarations.want('d');
  await turn();
  expect(calls.map(({ topics }) => topics)).toEqual([['a', 'b'], ['c'], ['d']]);
  expect(declaredTimes).toBe(2);
});

test('what cannot be declared fails: nothing may be written to a topic that later lives do not know of', async () => {
  const failures: TaplineError[] = [];
  const error = new TaplineError('KAFKA_FENCED', { message: 'later' });
  const declarations = new Declarations({
    declare: () => Promise.reject(error),
    onDeclared: () => undefined,
    onFailed: (failure) => failures.push(failure),
  });
  declarations.want('a');
  await turn();
  expect(failures).toEqual([error]);
  expect(declarations.has('a')).toBe(false);
});
