import { describe, expect, test } from '@jest/globals';
import { partitionName } from '@tapline/kafka';
import { createMetrics, type Deferred, deferred, TaplineError } from '@tapline/kernel';
import {
  type AppliedPlace,
  type ApplyResult,
  allApplied,
  type Change,
  change,
  type Place,
  Tally,
  type TransactionSink,
} from '@tapline/sink';
import { Gatherer, type Watermark } from './gatherer.ts';
import { Life, type LifeParts } from './life.ts';

const NOTES = { topic: 's.transactions', partition: 0, position: 7 };
const DATA = { topic: 's.shop.item', partition: 0 };
const away = new TaplineError('SINK_MYSQL_UNREACHABLE', { message: 'away' });

/** A target in memory, and what it is asked in front of each step. */
class Target implements TransactionSink {
  readonly applied: bigint[] = [];
  readonly commits: AppliedPlace[] = [];
  readonly holds: TransactionSink['holds'];
  /** Each write waits for it. */
  writing: Promise<void> = Promise.resolve();
  #open: bigint[] = [];

  constructor(holds: (call: number) => ((place: Place) => boolean) | undefined = () => undefined) {
    let calls = 0;
    this.holds = async () => holds(++calls);
  }

  takeOver(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  assigned(): void {}

  async write(changes: readonly Change[]): Promise<ApplyResult> {
    await this.writing;
    this.#open.push(...changes.map(({ version }) => version));
    return allApplied(changes.length);
  }

  commit(applied: AppliedPlace): Promise<void> {
    this.commits.push(applied);
    this.applied.push(...this.#open.splice(0));
    return Promise.resolve();
  }

  rollBack(): Promise<void> {
    this.#open = [];
    return Promise.resolve();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }
}

/** A life that goes on at offset 5 of its partition. */
class Scene implements AsyncDisposable {
  readonly gatherer = new Gatherer({ notes: NOTES, applied: 100n, isElsewhere: () => false });
  readonly queue = this.gatherer.open(DATA, 5);
  readonly states: string[] = [];
  readonly failure: Deferred<unknown> = deferred<unknown>();
  readonly life: Life;

  constructor(sink: TransactionSink, progress: LifeParts['progress'] = { newest: () => Promise.resolve(undefined) }) {
    this.life = new Life(
      {
        gatherer: this.gatherer,
        sink,
        pipeline: undefined as never,
        kafka: undefined as never,
        progress,
        parking: undefined,
        enter: (state) => this.states.push(state),
        tally: new Tally(createMetrics('test')),
        limits: { changes: 100, bytes: 100_000, partitionBytes: 100_000 },
        retries: () => undefined,
      },
      (error) => this.failure.resolve(error),
    );
  }

  /** A row of a load, which waits for nothing by itself. */
  load(version: number): void {
    const shared = { change: change(version, { id: version }, { id: version }, 'r'), transaction: undefined };
    const offset = this.queue.position;
    this.gatherer.read(this.queue, { ...shared, offset });
    this.queue.add({ ...shared, offset, queue: this.queue, bytes: 10, record: undefined, isLoaded: true });
    this.life.wake();
  }

  get place(): number | undefined {
    return this.life.places.get(partitionName(DATA));
  }

  async until(holds: () => boolean): Promise<void> {
    const over = this.failure.promise.then((error) => Promise.reject(error));
    while (!holds()) await Promise.race([over, new Promise((resolve) => setImmediate(resolve))]);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.life.end();
  }
}

describe('where partitions go on', () => {
  test('is known before the first step: the target may be ahead of the group, and all that is left may wait for a statement that waits for the group', async () => {
    const asked = deferred<void>();
    await using scene = new Scene(
      new Target((call) => {
        if (call > 1) asked.resolve();
        return () => true;
      }),
    );
    scene.load(101);
    await asked.promise;
    expect(scene.life.places).toEqual(
      new Map([
        [partitionName(DATA), 5],
        [partitionName(NOTES), 7],
      ]),
    );
  });

  test('is behind what is left out at the end, and never behind what is in hand', async () => {
    const target = new Target();
    const writing = deferred<void>();
    await using scene = new Scene(target);
    scene.load(101);
    await scene.until(() => target.applied.length === 1);
    await scene.until(() => scene.place === 6);
    // A filter leaves out what stands at 6.
    scene.queue.position = 7;
    scene.life.wake();
    expect(scene.place).toBe(7);
    target.writing = writing.promise;
    scene.load(102);
    await scene.until(() => scene.life.isBusy);
    expect(scene.place).toBeLessThan(8);
    writing.resolve();
    await scene.until(() => scene.place === 8);
    expect(target.applied).toEqual([101n, 102n]);
    expect(target.commits.at(-1)?.places).toEqual(new Map([[partitionName(DATA), 8]]));
  });
});

describe('what is away is waited for', () => {
  test('the target, when it is asked what has to wait', async () => {
    const target = new Target((call) => {
      if (call <= 2) throw away;
      return undefined;
    });
    await using scene = new Scene(target);
    scene.load(101);
    await scene.until(() => target.applied.length === 1);
    await scene.until(() => scene.states.length === 3);
    expect(scene.states).toEqual(['retrying', 'retrying', 'consuming']);
  });

  test('Kafka, when the reader’s progress is asked for', async () => {
    const target = new Target();
    const watermark: Watermark = { version: 101n, offset: (place) => (place.topic === DATA.topic ? 6 : 8) };
    let calls = 0;
    await using scene = new Scene(target, {
      newest: () => (++calls === 1 ? Promise.reject(away) : Promise.resolve(watermark)),
    });
    scene.gatherer.note({ status: 'END', id: 'u:1', commitMs: 0, tables: [['d.t', 2]], version: 101n, offset: 7 });
    scene.queue.position = 6;
    scene.life.wake();
    await scene.until(() => target.commits.length === 1);
    expect(target.commits[0]?.version).toBe(101n);
    expect(scene.states).toEqual(['retrying', 'consuming']);
  });

  test('and what waiting does not mend ends it', async () => {
    const refused = new TaplineError('SINK_MYSQL_ACCESS', { message: 'no entry' });
    await using scene = new Scene(
      new Target(() => {
        throw refused;
      }),
    );
    scene.load(101);
    expect(await scene.failure.promise).toBe(refused);
  });
});
