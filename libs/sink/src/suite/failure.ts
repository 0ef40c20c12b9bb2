import assert from 'node:assert/strict';
import { TaplineError } from '@tapline/kernel';
import { type ContractCase, change, ITEM, neverAborted, required, settle, tombstone } from './bench.ts';

const signal = neverAborted();

/** The cases about what goes wrong: poison, a store that refuses, an abort, disposal. */
export const FAILURE_CASES: readonly ContractCase[] = [
  {
    name: 'one row that cannot be applied is poison with its reason, and the other keys of the call are applied',
    table: ITEM,
    needs: 'spoil',
    async run(bench) {
      await required(bench.spoil?.bind(bench))({ id: 2 });
      await using sink = await bench.open();
      const rows = [1, 2, 3].map((id) => ({ id, name: `row ${id}` }));
      const changes = rows.map((row) => change(row.id, { id: row.id }, row));
      const result = await sink.apply(changes, signal);
      assert.deepEqual(result.verdicts, ['applied', 'poison', 'applied']);
      const error = result.errors.get(1);
      assert.ok(error instanceof TaplineError && error.disposition === 'poison', String(error));
      assert.equal(result.errors.size, 1);
      for (const id of [1, 3]) assert.deepEqual(await bench.read({ id }), bench.expected({ id, name: `row ${id}` }));
      await required(bench.mend?.bind(bench))({ id: 2 });
      assert.deepEqual((await sink.apply(changes, signal)).verdicts, ['stale', 'applied', 'stale']);
      assert.deepEqual(await bench.read({ id: 2 }), bench.expected({ id: 2, name: 'row 2' }));
    },
  },
  {
    name: 'a store that refuses writes is a reason to retry, nothing is half applied, and the same changes go through afterwards',
    table: ITEM,
    needs: 'refuseWrites',
    async run(bench) {
      await using sink = await bench.open();
      const rows = Array.from({ length: 250 }, (_, id) => ({ id, name: `row ${id}` }));
      const changes = rows.map((row) => change(row.id + 1, { id: row.id }, row));
      const refusal = await required(bench.refuseWrites?.bind(bench))();
      try {
        const result = await sink.apply(changes, signal);
        assert.ok(result.verdicts.every((verdict) => verdict === 'retry'));
        for (const error of result.errors.values()) {
          assert.ok(error instanceof TaplineError && error.disposition === 'retryable', String(error));
        }
        assert.equal(result.errors.size, changes.length);
        assert.equal(await bench.read({ id: 0 }), undefined);
      } finally {
        await refusal[Symbol.asyncDispose]();
      }
      assert.ok((await settle(sink, changes)).every((verdict) => verdict === 'applied'));
      for (const id of [0, 100, 249])
        assert.deepEqual(await bench.read({ id }), bench.expected({ id, name: `row ${id}` }));
    },
  },
  {
    name: 'an abort in the middle of a call ends it, and the changes can be given again',
    table: ITEM,
    async run(bench) {
      const rows = Array.from({ length: 3000 }, (_, id) => ({ id, name: `row ${id}` }));
      const changes = rows.map((row) => change(row.id + 1, { id: row.id }, row));
      {
        await using sink = await bench.open();
        const abort = new AbortController();
        const open = sink.apply(changes, abort.signal);
        abort.abort(new Error('the test stops'));
        await open.then(
          (result) => assert.equal(result.verdicts.length, changes.length),
          (error: unknown) => assert.equal(error, abort.signal.reason),
        );
        await assert.rejects(sink.apply(changes, abort.signal));
      }
      await using sink = await bench.open();
      const again = await sink.apply(changes, signal);
      assert.ok(again.verdicts.every((verdict) => verdict === 'applied' || verdict === 'stale'));
      for (const id of [0, 1500, 2999])
        assert.deepEqual(await bench.read({ id }), bench.expected({ id, name: `row ${id}` }));
    },
  },
  {
    name: 'a sink may be disposed of twice, and refuses work afterwards',
    table: ITEM,
    async run(bench) {
      const sink = await bench.open();
      await sink.apply([change(1, { id: 1 }, { id: 1, name: 'a' })], signal);
      await sink[Symbol.asyncDispose]();
      await sink[Symbol.asyncDispose]();
      const late = await sink.apply([tombstone(2, { id: 1 })], signal).then(
        (result) => result.verdicts[0],
        () => 'rejected' as const,
      );
      assert.ok(late === 'rejected' || late === 'retry', String(late));
      assert.deepEqual(await bench.read({ id: 1 }), bench.expected({ id: 1, name: 'a' }));
    },
  },
  {
    name: 'a healthy store passes the check',
    table: ITEM,
    async run(bench) {
      await using sink = await bench.open();
      await sink.check?.(signal);
    },
  },
];
