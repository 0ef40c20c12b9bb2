import { expect } from '@jest/globals';
import { sleep } from '@tapline/kernel';
import { Dice, type ItemRow, type TopicWriter } from '@tapline/test-stack';
import type { Redis } from 'ioredis';
import { expectedRow, type WriterFixture } from './fixture.ts';

const SEED = 4711;

/** Changes at random among a few rows, the same each time, and the table that results. */
export class Load {
  readonly table = new Map<number, ItemRow>();
  readonly #topic: TopicWriter;
  readonly #ids: number;
  readonly #dice = new Dice(SEED);

  constructor(topic: TopicWriter, ids: number) {
    this.#topic = topic;
    this.#ids = ids;
  }

  /** Every row, so that from now on one that is not there is missing; with `removing: 0` none goes. */
  fill(): void {
    for (let id = 0; id < this.#ids; id++) this.#put(id, id);
  }

  run(changes: number, removing = 0.15): void {
    for (let step = 0; step < changes; step++) {
      const id = this.#dice.roll(this.#ids);
      if (this.#dice.roll(1000) < removing * 1000) {
        this.#topic.remove(id);
        this.table.delete(id);
      } else this.#put(id, step);
    }
  }

  #put(id: number, step: number): void {
    const name = this.#dice.once(10) ? null : `name ${this.#topic.version}`;
    const row = { id, name, price: `${step % 1000}.25` };
    this.#topic.put(row);
    this.table.set(id, row);
  }

  async assertIn(fixture: WriterFixture): Promise<void> {
    const expected = new Map([...this.table].map(([id, row]) => [id, expectedRow(row)]));
    expect(await fixture.rows(this.#topic)).toEqual(expected);
  }
}

/** Polls every row's version in Redis and remembers whether one ever went back, or was gone. */
export class Watcher implements AsyncDisposable {
  readonly wentBack: string[] = [];
  readonly vanished: string[] = [];
  polls = 0;
  readonly #redis: Redis;
  readonly #seen = new Map<number, string>();
  readonly #prefix: string;
  readonly #ids: number;
  #on = true;
  readonly #done: Promise<void>;

  constructor(redis: Redis, topic: TopicWriter, ids: number) {
    this.#redis = redis;
    this.#prefix = topic.source;
    this.#ids = ids;
    this.#done = this.#watch();
  }

  async #watch(): Promise<void> {
    while (this.#on) {
      const pipeline = this.#redis.pipeline();
      for (let id = 0; id < this.#ids; id++) pipeline.hget(`${this.#prefix}:${id}`, '_v');
      const answers = await pipeline.exec().catch(() => null);
      for (const [id, [error, version]] of (answers ?? []).entries()) {
        if (error !== null) continue;
        const before = this.#seen.get(id) ?? '';
        if (version === null && before !== '') this.vanished.push(`row ${id} behind ${before}`);
        if (typeof version !== 'string') continue;
        if (version < before) this.wentBack.push(`row ${id}: ${before} → ${version}`);
        this.#seen.set(id, version);
      }
      this.polls++;
      await sleep(2);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#on = false;
    await this.#done;
  }
}
