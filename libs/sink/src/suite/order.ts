import assert from 'node:assert/strict';
import type { Change, Row } from '@tapline/envelope';
import type { Verdict } from '../contract.ts';
import { type ContractCase, change, ITEM, neverAborted, type SinkBench, settle, tombstone } from './bench.ts';
import { suiteTable } from './tables.ts';

const signal = neverAborted();
const NOTED = suiteTable({ id: 'int', name: 'varchar(100)', note: 'varchar(100)' });

async function verdicts(bench: SinkBench, changes: readonly Change[]): Promise<readonly Verdict[]> {
  await using sink = await bench.open();
  return (await sink.apply(changes, signal)).verdicts;
}

/** Of one of several sinks at work: what another one is at, a store may want to be tried again. */
async function settled(bench: SinkBench, changes: readonly Change[]): Promise<readonly Verdict[]> {
  await using sink = await bench.open();
  return await settle(sink, changes);
}

/** A history of a few rows with inserts, updates, deletes, re-inserts and a key change, and the state that it ends in. */
function history(): { changes: Change[]; end: Map<number, Row | undefined> } {
  const changes: Change[] = [];
  const end = new Map<number, Row | undefined>();
  let version = 1000;
  for (let step = 0; step < 300; step++) {
    const id = (step * 7) % 11;
    const key = { id };
    if (step % 13 === 5) {
      changes.push(change(++version, key), tombstone(++version, key));
      end.set(id, undefined);
    } else {
      const row = { id, name: `name ${step}`, note: step % 3 === 0 ? null : `note ${step}` };
      changes.push(change(++version, key, row));
      end.set(id, row);
    }
  }
  return { changes, end };
}

async function assertEnd(bench: SinkBench, end: ReadonlyMap<number, Row | undefined>): Promise<void> {
  for (const [id, row] of end) {
    const expected = row === undefined ? undefined : bench.expected(row);
    assert.deepEqual(await bench.read({ id }), expected, `row ${id}`);
  }
}

/** The cases about versions: replays, deletes, order. */
export const ORDER_CASES: readonly ContractCase[] = [
  {
    name: 'a row that is inserted, updated and deleted is there, changed and gone',
    table: ITEM,
    async run(bench) {
      await using sink = await bench.open();
      const key = { id: 1 };
      for (const [version, row] of [
        [1, { id: 1, name: 'a' }],
        [2, { id: 1, name: 'b' }],
        [3, undefined],
      ] as const) {
        assert.deepEqual((await sink.apply([change(version, key, row)], signal)).verdicts, ['applied']);
        assert.deepEqual(await bench.read(key), row === undefined ? undefined : bench.expected(row));
      }
    },
  },
  {
    name: 'several changes of one key in one call take effect in order',
    table: ITEM,
    async run(bench) {
      const key = { id: 1 };
      const last = { id: 1, name: 'c' };
      const all = [change(1, key, { id: 1, name: 'a' }), change(2, key), change(3, key, last)];
      assert.deepEqual(await verdicts(bench, all), ['applied', 'applied', 'applied']);
      assert.deepEqual(await bench.read(key), bench.expected(last));
    },
  },
  {
    name: 'an empty call is answered with no verdicts',
    table: ITEM,
    async run(bench) {
      assert.deepEqual(await verdicts(bench, []), []);
    },
  },
  {
    name: 'a history replayed from anywhere ends in the same state',
    table: NOTED,
    async run(bench) {
      const { changes, end } = history();
      await verdicts(bench, changes);
      await assertEnd(bench, end);
      for (const from of [0, 1, 57, 150, 299]) {
        const replayed = await verdicts(bench, changes.slice(from));
        assert.ok(
          replayed.every((verdict) => verdict === 'stale'),
          `replayed from ${from}`,
        );
        await assertEnd(bench, end);
      }
    },
  },
  {
    name: 'an older or equal version is stale and changes nothing',
    table: ITEM,
    async run(bench) {
      const key = { id: 1 };
      const row = { id: 1, name: 'new' };
      assert.deepEqual(await verdicts(bench, [change(20, key, row)]), ['applied']);
      assert.deepEqual(
        await verdicts(bench, [change(19, key, { id: 1, name: 'old' }), change(20, key, { id: 1, name: 'same' })]),
        ['stale', 'stale'],
      );
      assert.deepEqual(await verdicts(bench, [change(19, key)]), ['stale']);
      assert.deepEqual(await bench.read(key), bench.expected(row));
    },
  },
  {
    name: 'versions are compared as 63-bit numbers, not as text or floating point',
    table: ITEM,
    async run(bench) {
      const key = { id: 1 };
      const steps = [9n, 10n, 2n ** 53n, 2n ** 53n + 1n, 2n ** 62n, 2n ** 63n - 1n];
      for (const version of steps) {
        const row = { id: 1, name: String(version) };
        assert.deepEqual(await verdicts(bench, [change(version, key, row)]), ['applied'], String(version));
        assert.equal(await bench.version(key), version);
        assert.deepEqual(
          await verdicts(bench, [change(version - 1n, key, { id: 1, name: 'old' })]),
          ['stale'],
          String(version),
        );
        assert.deepEqual(await bench.read(key), bench.expected(row));
      }
    },
  },
  {
    name: 'a replay does not bring a deleted row back',
    table: ITEM,
    async run(bench) {
      const key = { id: 1 };
      const insert = change(1, key, { id: 1, name: 'a' }, 'c');
      await verdicts(bench, [insert, change(2, key)]);
      assert.deepEqual(await verdicts(bench, [insert]), ['stale']);
      assert.equal(await bench.read(key), undefined);
      assert.equal(await bench.version(key), 2n);
    },
  },
  {
    name: 'a delete of a row that was never there leaves its version behind',
    table: ITEM,
    async run(bench) {
      const key = { id: 1 };
      assert.deepEqual(await verdicts(bench, [change(5, key)]), ['applied']);
      assert.deepEqual(await verdicts(bench, [change(4, key, { id: 1, name: 'a' })]), ['stale']);
      assert.equal(await bench.read(key), undefined);
    },
  },
  {
    name: 'a row that is deleted and inserted again is there',
    table: ITEM,
    async run(bench) {
      const key = { id: 1 };
      const again = { id: 1, name: 'again' };
      await verdicts(bench, [change(1, key, { id: 1, name: 'a' })]);
      await verdicts(bench, [change(2, key), tombstone(3, key)]);
      assert.deepEqual(await verdicts(bench, [change(4, key, again, 'c')]), ['applied']);
      assert.deepEqual(await bench.read(key), bench.expected(again));
      assert.deepEqual(await verdicts(bench, [change(2, key), tombstone(3, key)]), ['stale', 'stale']);
      assert.deepEqual(await bench.read(key), bench.expected(again));
    },
  },
  {
    name: 'a delete and a new insert in one call leave the new row',
    table: NOTED,
    async run(bench) {
      const key = { id: 1 };
      await verdicts(bench, [change(1, key, { id: 1, name: 'a', note: 'old' })]);
      const again = { id: 1, name: 'again', note: null };
      const all = [change(2, key), tombstone(3, key), change(4, key, again, 'c'), change(5, { id: 2 })];
      assert.deepEqual(
        await verdicts(bench, all),
        all.map(() => 'applied'),
      );
      assert.deepEqual(await bench.read(key), bench.expected(again));
      assert.equal(await bench.version(key), 4n);
    },
  },
  {
    name: 'a replay from the start beside new changes changes nothing but what is new',
    table: NOTED,
    async run(bench) {
      const { changes, end } = history();
      await verdicts(bench, changes);
      const fresh = Array.from({ length: 11 }, (_, id) => change(5000 + id, { id }, { id, name: 'fresh', note: null }));
      const [replayed, applied] = await Promise.all([settled(bench, changes), settled(bench, fresh)]);
      assert.ok(replayed.every((verdict) => verdict === 'stale'));
      assert.ok(applied.every((verdict) => verdict === 'applied'));
      for (const id of end.keys()) end.set(id, { id, name: 'fresh', note: null });
      await assertEnd(bench, end);
    },
  },
  {
    name: 'a tombstone alone deletes with its own version',
    table: ITEM,
    async run(bench) {
      const key = { id: 1 };
      await verdicts(bench, [change(1, key, { id: 1, name: 'a' })]);
      assert.deepEqual(await verdicts(bench, [tombstone(2, key)]), ['applied']);
      assert.equal(await bench.read(key), undefined);
      assert.equal(await bench.version(key), 2n);
    },
  },
  {
    name: 'a change of the key leaves nothing under the old one',
    table: ITEM,
    async run(bench) {
      const row = { id: 2, name: 'moved' };
      await verdicts(bench, [change(1, { id: 1 }, { id: 1, name: 'moved' })]);
      await verdicts(bench, [change(2, { id: 1 }), tombstone(2, { id: 1 }), change(3, { id: 2 }, row, 'c')]);
      assert.equal(await bench.read({ id: 1 }), undefined);
      assert.deepEqual(await bench.read({ id: 2 }), bench.expected(row));
    },
  },
  {
    name: 'nobody who looks on ever sees a row go back while histories are replayed side by side',
    table: NOTED,
    run: watched,
  },
];

/** Three sinks replay the same history from different places while a watcher polls the versions that the store holds. */
async function watched(bench: SinkBench): Promise<void> {
  const { changes, end } = history();
  const watching = { on: true };
  const watcher = (async () => {
    const seen = new Map<number, bigint>();
    while (watching.on) {
      for (const id of end.keys()) {
        const version = await bench.version({ id });
        const before = seen.get(id) ?? -1n;
        assert.ok((version ?? -1n) >= before, `row ${id} went back from version ${before} to ${version}`);
        if (version !== undefined) seen.set(id, version);
      }
    }
  })();
  const replays = [0, 90, 180].map(async (from) => {
    await using sink = await bench.open();
    for (let at = from; at < changes.length; at += 10) await settle(sink, changes.slice(at, at + 10));
  });
  // The watcher only ends early by failing, which must not leave the replays unhandled.
  const ended = await Promise.allSettled(replays);
  watching.on = false;
  await watcher;
  for (const result of ended) if (result.status === 'rejected') throw result.reason;
  await assertEnd(bench, end);
}
