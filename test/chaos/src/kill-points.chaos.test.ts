import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import { KILL_POINTS, type KillPoint } from '@tapline/kernel';
import { type KafkaBroker, openStack, openTopology } from '@tapline/test-stack';
import { KeptLogs } from './keep.ts';
import { chaosSeed, Random } from './random.ts';
import { readerScene } from './reader-scene.ts';
import { killedAt, launchUntil, lifeUntilKilled, liveUntil, STREAMING, stopCleanly } from './services.ts';

const LONG = process.env.TAPLINE_CHAOS === 'long';
/** Each with servers of its own, whose topics and binlog so stay small. */
const ROUNDS = LONG ? 7 : 1;
/** In each round. */
const KILLS = LONG ? 30 : 12;

/** Between two restarts of brokers: each costs as much as many lives. */
const REST_MS = LONG ? { least: 3000, most: 12_000 } : { least: 1000, most: 4000 };

/** The first lives die in the first load, later ones anywhere else: each point in turn, then any. */
const LOAD_KILLS = LONG ? 3 : 1;
const ALWAYS = KILL_POINTS.filter((point) => point !== 'mid-chunk');

/** The passage at which a life dies is chosen up to here; 1 where there is nothing else. */
const PASSAGES: Readonly<Partial<Record<KillPoint, number>>> = {
  'before-send': 30,
  'after-send': 30,
  'after-ack': 30,
  'before-progress': 5,
  'after-progress': 5,
  'mid-transaction': 100,
  'before-schema': 3,
  'after-schema': 3,
  'mid-chunk': 150,
  'after-anchor': 5,
};
/** A life that streams for so long without coming to its point is killed wherever it is. */
const LONGEST_LIFE_MS = 60_000;
const MOST_ELSEWHERE = Math.ceil(KILLS / 5);
const seed = chaosSeed();

const rounds = Array.from({ length: ROUNDS }, (_, i) => i + 1);
test.each(rounds)(
  `${KILLS} lives killed at chosen points, brokers restarted one after the other, tables altered all the time: exact (round %i)`,
  async (round) => {
    console.log(`round ${round}, seed ${seed}: play again with TAPLINE_CHAOS_SEED=${seed}`);
    const random = new Random(seed + round);
    await using stack = await openStack({ kafka: 3 });
    const topology = await openTopology(stack, {
      kind: 'mysql',
      // The reader sees no names of columns; the witness has them. It executes one transaction after the other and locks no gaps: else prepared
      // transactions would block what comes behind them.
      servers: [
        { 'binlog-row-metadata': 'MINIMAL' },
        { 'binlog-row-metadata': 'FULL', 'replica-parallel-workers': '1', 'transaction-isolation': 'READ-COMMITTED' },
      ],
    });
    const history = Promise.withResolvers<void>();
    const scene = await readerScene({
      stack: { ...stack, mysql: topology.source },
      seed: seed + round,
      rows: LONG ? 3000 : 1500,
      bigRows: LONG ? 20_000 : 5000,
      bigTransactions: LONG ? 4 : 2,
      alterAfterRows: random.int(500, 4000),
      ddl: history.promise,
      anchorMs: 500,
      witnesses: topology,
      // Small batches, so that a chunk and a transaction are many; few rows a chunk, so that lives meet the load at many of its steps.
      config: {
        kafka: { brokers: [...stack.kafka.address.brokers], batchBytes: 16_384 },
        progress: { intervalMs: 200 },
      },
    });
    const { reader } = scene;
    await using logs = new KeptLogs(reader);
    await using load = scene.startLoad(150);
    await using restarts = new RollingRestarts(stack.kafka.brokers, random.fork());
    const killed = new Map<KillPoint, number>();
    let elsewhere = 0;
    const plan = planOf(random);
    for (const point of plan) {
      const passage = random.int(1, PASSAGES[point] ?? 1);
      // The schema history begins with what the tables are then.
      const life = { working: STREAMING, onWorking: () => history.resolve(), longestMs: LONGEST_LIFE_MS };
      const where = await lifeUntilKilled(killedAt(stack, reader, point, passage), life);
      if (where !== undefined) killed.set(where, (killed.get(where) ?? 0) + 1);
      // Another life has to die there.
      else if (++elsewhere <= MOST_ELSEWHERE) plan.push(point);
    }
    await restarts.stop();
    const { rows, ddl, bigTransactions, xaTransactions } = await load.stop();
    await launchUntil(reader, STREAMING);
    await liveUntil(reader, () => scene.drained(), 'at the end of the binlog', 600_000);
    await stopCleanly(reader);

    const result = await scene.compare();
    console.log(
      `killed at ${JSON.stringify(Object.fromEntries(killed))}, ${elsewhere} anywhere; ${restarts.count} restarts of brokers; load: ${JSON.stringify({ rows, ddl, bigTransactions, xaTransactions })}; topics: ${JSON.stringify({ ...result, differences: undefined })}`,
    );
    expect(result.differences).toEqual([]);
    expect(KILL_POINTS.filter((point) => !killed.has(point))).toEqual([]);
    expect(restarts.count).toBeGreaterThan(LONG ? 2 : 1);
    expect(ddl).toBeGreaterThan(10);
    logs.passed();
  },
);

/** Where each life is to die. */
function planOf(random: Random): KillPoint[] {
  const plan: KillPoint[] = [...Array.from({ length: LOAD_KILLS }, () => 'mid-chunk' as const), ...ALWAYS];
  while (plan.length < KILLS) plan.push(random.pick(ALWAYS));
  return plan;
}

/** One broker after the other is stopped or killed and started again, until told to stop. */
class RollingRestarts implements AsyncDisposable {
  readonly #stop = new AbortController();
  readonly #done: Promise<void>;
  count = 0;

  constructor(brokers: readonly KafkaBroker[], random: Random) {
    this.#done = this.#run(brokers, random);
    this.#done.catch(() => undefined);
  }

  /** Resolves when every broker is there. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#done;
  }

  async #run(brokers: readonly KafkaBroker[], random: Random): Promise<void> {
    const { signal } = this.#stop;
    for (let turn = 0; !signal.aborted; turn++) {
      await sleep(random.int(REST_MS.least, REST_MS.most), undefined, { signal }).catch(() => undefined);
      if (signal.aborted) return;
      const broker = brokers[turn % brokers.length] as KafkaBroker;
      await (random.chance(0.5) ? broker.kill() : broker.stop());
      await sleep(random.int(0, 1500));
      await broker.start();
      this.count++;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop().catch(() => undefined);
  }
}
