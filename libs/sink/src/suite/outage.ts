import assert from 'node:assert/strict';
import type { Change } from '@tapline/envelope';
import { TaplineError } from '@tapline/kernel';
import type { Sink, Verdict } from '../contract.ts';
import { type ContractCase, change, ITEM, neverAborted, required, type SinkBench, settle } from './bench.ts';

const signal = neverAborted();
const ROWS = 200;

function rows(version: number, name: string): Change[] {
  return Array.from({ length: ROWS }, (_, id) => change(version + id, { id }, { id, name }));
}

/** `retry` of each change and a rejection that is retryable say the same. */
async function tried(sink: Sink, changes: readonly Change[]): Promise<readonly Verdict[]> {
  try {
    const { verdicts, errors } = await sink.apply(changes, signal);
    for (const error of errors.values()) assert.equal(error.disposition, 'retryable', String(error));
    return verdicts;
  } catch (error) {
    assert.ok(error instanceof TaplineError && error.disposition === 'retryable', String(error));
    return changes.map(() => 'retry');
  }
}

async function assertNamed(bench: SinkBench, name: string): Promise<void> {
  for (const id of [0, 1, ROWS / 2, ROWS - 1]) assert.deepEqual(await bench.read({ id }), bench.expected({ id, name }));
}

/** The cases about stores that are away for a while. */
export const OUTAGE_CASES: readonly ContractCase[] = [
  {
    name: 'a store that is gone is a reason to retry, and the same sink goes on when it is back',
    table: ITEM,
    needs: 'interrupt',
    async run(bench) {
      await using sink = await bench.open();
      await settle(sink, rows(1, 'before'));
      const outage = await required(bench.interrupt?.bind(bench))();
      try {
        const verdicts = await tried(sink, rows(1000, 'after'));
        assert.ok(verdicts.every((verdict) => verdict === 'retry'));
      } finally {
        await outage[Symbol.asyncDispose]();
      }
      await settle(sink, rows(1000, 'after'));
      await assertNamed(bench, 'after');
    },
  },
  {
    name: 'a store that goes in the middle of a call leaves every change applied or to be tried again',
    table: ITEM,
    needs: 'interrupt',
    async run(bench) {
      await using sink = await bench.open();
      await settle(sink, rows(1, 'before'));
      for (let round = 1; round <= 3; round++) {
        const changes = rows(round * 1000, `round ${round}`);
        const open = [0, 1, 2, 3].map((part) => tried(sink, changes.slice(part * 50, part * 50 + 50)));
        const outage = await required(bench.interrupt?.bind(bench))();
        const verdicts = (await Promise.all(open)).flat();
        await outage[Symbol.asyncDispose]();
        const again = await settle(sink, changes);
        for (const [index, verdict] of verdicts.entries())
          if (verdict === 'applied') assert.equal(again[index], 'stale', `change ${index} was said to be applied`);
        await assertNamed(bench, `round ${round}`);
      }
    },
  },
  {
    name: 'a store that answers late is waited for, or tried again, and nothing is lost',
    table: ITEM,
    needs: 'stall',
    async run(bench) {
      await using sink = await bench.open();
      await settle(sink, rows(1, 'before'));
      const stall = await required(bench.stall?.bind(bench))();
      const open = tried(sink, rows(1000, 'after'));
      const late = setTimeout(() => void stall[Symbol.asyncDispose](), 300);
      const verdicts = await open;
      clearTimeout(late);
      await stall[Symbol.asyncDispose]();
      assert.ok(verdicts.every((verdict) => verdict === 'applied' || verdict === 'retry'));
      await settle(sink, rows(1000, 'after'));
      await assertNamed(bench, 'after');
    },
  },
  {
    name: 'an abort ends a call to a store that does not answer',
    table: ITEM,
    needs: 'stall',
    async run(bench) {
      const abort = new AbortController();
      {
        await using sink = await bench.open();
        await settle(sink, rows(1, 'before'));
        const stall = await required(bench.stall?.bind(bench))();
        const open = sink.apply(rows(1000, 'after'), abort.signal);
        abort.abort(new Error('the test stops'));
        await assert.rejects(open, (error) => error === abort.signal.reason);
        await stall[Symbol.asyncDispose]();
      }
      await using sink = await bench.open();
      await settle(sink, rows(1000, 'after'));
      await assertNamed(bench, 'after');
    },
  },
];
