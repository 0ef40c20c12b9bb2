import { describe, expect, test } from '@jest/globals';
import { type Change, neverAborted, type Sink } from '@tapline/sink';
import { Dice } from '@tapline/test-stack';
import { Crossings } from './testing/crossing.ts';
import { DocumentStore, type Kind } from './testing/document-store.ts';
import { ShopHistory } from './testing/history.ts';
import { Members } from './testing/members.ts';
import { Onlooker } from './testing/onlooker.ts';
import { Died, type Stop, StoppingClient } from './testing/stopping-client.ts';

const SEED = 20_261_122;
const ROUNDS = 12;
/** A call has about so many requests. */
const REQUESTS = 16;
/** Changes with rows of every table among them. */
const LAST = 10;
/** The two stores have what is leant on in common; each way of dying is tried on one. */
const STOPS: Readonly<Record<Kind, readonly Stop[]>> = {
  elasticsearch: ['waits', 'is not sent'],
  opensearch: ['is sent and not heard of'],
};

describe.each<[Kind]>([['elasticsearch'], ['opensearch']])('documents of several tables in %s', (kind) => {
  test('equal the join of the source whatever comes when, and never go back', async () => {
    const store = await DocumentStore.open(kind);
    const index = store.place();
    const dice = new Dice(SEED);
    const history = new ShopHistory(dice);
    await using members = new Members(() => store.sink({ index }), dice, history.partitions);
    await using onlooker = Onlooker.start(store.store, index);
    for (let round = 0; round < ROUNDS || !members.done; round++) {
      for (let step = 0; round < ROUNDS && step < 30; step++) history.step();
      if (dice.once(3)) history.compact();
      if (round < ROUNDS && dice.once(3)) members.rewind();
      await members.round();
    }
    expect(await store.documents(index)).toEqual(history.rows.documents());
    expect(members.cut).toBeGreaterThan(0);

    const hits = await store.hits(index);
    await members.replay();
    expect(await store.hits(index)).toEqual(hits);
    expect(onlooker.looks).toBeGreaterThan(20);
    expect(onlooker.backward).toEqual([]);
  });

  test.each<Stop>(STOPS[kind])(
    'are right wherever a request of one member %s and another member goes on',
    async (stop) => {
      const store = await DocumentStore.open(kind);
      const index = store.place();
      const crossings = new Crossings();
      await using other = await store.sink({ index });
      let mine: Member | undefined;
      for (let run = 0; run < 2 * REQUESTS; run++) {
        mine ??= await memberOn(store, index, crossings.changes.slice(-LAST));
        const { before, orders, customers } = crossings.next();
        const [first, second] = run < REQUESTS ? [orders, customers] : [customers, orders];
        await allApplied(other, before);
        const stopping = mine.client.stopAt(run % REQUESTS, stop);
        const applying = survives(allApplied(mine.sink, first));
        await Promise.race([stopping.reached, applying]);
        await allApplied(other, second);
        stopping.letGo();
        if (!(await applying)) {
          // Who died has committed nothing: somebody else is given its changes.
          await allApplied(other, first);
          await mine.sink[Symbol.asyncDispose]();
          mine = undefined;
        }
        expect([run, await store.documents(index)]).toEqual([run, crossings.rows.documents()]);
      }
      await mine?.sink[Symbol.asyncDispose]();
    },
  );
});

interface Member {
  readonly sink: Sink;
  readonly client: StoppingClient;
}

/** One that has been there for a while: it knows the indexes. */
async function memberOn(store: DocumentStore, index: string, changes: readonly Change[]): Promise<Member> {
  let client: StoppingClient | undefined;
  const sink = await store.sink({ index }, (inner) => (client = new StoppingClient(inner)));
  await allApplied(sink, changes);
  if (client === undefined) throw new Error('no client');
  return { sink, client };
}

async function allApplied(sink: Sink, changes: readonly Change[]): Promise<void> {
  const { verdicts, errors } = await sink.apply(changes, neverAborted());
  expect([...errors.values()]).toEqual([]);
  expect(verdicts).not.toContain('retry');
}

async function survives(work: Promise<void>): Promise<boolean> {
  try {
    await work;
    return true;
  } catch (error) {
    if (error instanceof Died) return false;
    throw error;
  }
}
