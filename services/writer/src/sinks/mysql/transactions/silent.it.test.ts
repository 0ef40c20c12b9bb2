import { expect, test } from '@jest/globals';
import { retry } from '@tapline/kernel';
import { change, neverAborted, SUITE_TOPIC, suiteTable, type TransactionSink } from '@tapline/sink';
import { testServers } from '@tapline/test-stack';
import { Scene } from '../testing/scene.ts';

const signal = neverAborted();
const PLACES = { at: () => ({ topic: SUITE_TOPIC, partition: 0, offset: 0 }) };

test('a member that says nothing in the middle of a transaction does not keep the next one from it, and commits nothing any more', async () => {
  const { host, port, user, password } = (await testServers('mysql')).mysql;
  await using scene = await Scene.open({ host, port, user, password }, suiteTable({ id: 'int', name: 'varchar(20)' }));
  const row = (name: string) => [change(1, { id: 1 }, { id: 1, name })];
  const applied = { version: 1n, places: new Map([[`${SUITE_TOPIC}/0`, 1]]) };
  // What takes a second is given up: then it is begun anew.
  const inTheMiddle = async (): Promise<TransactionSink> => {
    const member = await scene.transactions({ timeoutMs: 1000 });
    try {
      await member.takeOver(signal);
      expect((await member.write(row('lost'), PLACES, signal)).verdicts).toEqual(['applied']);
      return member;
    } catch (error) {
      await member[Symbol.asyncDispose]();
      throw error;
    }
  };
  await using silent = await retry(inTheMiddle, { signal });
  await using next = await scene.transactions();
  await retry(() => next.takeOver(signal), { signal, maxDelayMs: 200 });
  expect((await next.write(row('kept'), PLACES, signal)).verdicts).toEqual(['applied']);
  await next.commit(applied, signal);
  await expect(silent.commit(applied, signal)).rejects.toMatchObject({ disposition: 'retryable' });
  expect(await scene.rows()).toEqual([['1', 'kept']]);
});
