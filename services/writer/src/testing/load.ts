import { expect } from '@jest/globals';
import { sleep } from '@tapline/kernel';
import type { ItemRow, TopicWriter } from '@tapline/test-stack';
import { expectedRow, type WriterFixture } from './fixture.ts';

/** Changes at random among a few rows, and the table that results. */
export class Load {
  readonly table = new Map<number, ItemRow>();
  readonly #topic: TopicWriter;
  readonly #ids: number;

  constructor(topic: TopicWriter, ids: number) {
    this.#topic = topic;
    this.#ids = ids;
  }

  run(changes: number): void {
    for (let step = 0; step < changes; step++) {
      const id = Math.floor(Math.random() * this.#ids);
      if (Math.random() < 0.15) {
        this.#topic.remove(id);
        this.table.delete(id);
      } else {
        const row = {
          id,
          name: Math.random() < 0.1 ? null : `name ${this.#topic.version}`,
          price: `${step % 1000}.25`,
        };
        this.#topic.put(row);
        this.table.set(id, row);
      }
    }
  }

  async assertIn(fixture: WriterFixture): Promise<void> {
    const expected = new Map([...this.table].map(([id, row]) => [id, expectedRow(row)]));
    expect(await fixture.rows(this.#topic)).toEqual(expected);
  }
}

/** Polls every row's version in Redis and remembers whether one ever went back. */
export class Watcher implements AsyncDisposable {
  readonly wentBack: string[] = [];
  polls = 0;
  readonly #fixture: WriterFixture;
  readonly #seen = new Map<number, string>();
  readonly #prefix: string;
  readonly #ids: number;
  #on = true;
  readonly #done: Promise<void>;

  constructor(fixture: WriterFixture, topic: TopicWriter, ids: number) {
    this.#fixture = fixture;
    this.#prefix = topic.source;
    this.#ids = ids;
    this.#done = this.#watch();
  }

  async #watch(): Promise<void> {
    while (this.#on) {
      const pipeline = this.#fixture.redis.pipeline();
      for (let id = 0; id < this.#ids; id++) pipeline.hget(`${this.#prefix}:${id}`, '_v');
      const answers = await pipeline.exec().catch(() => null);
      for (const [id, [error, version]] of (answers ?? []).entries()) {
        if (error !== null || typeof version !== 'string') continue;
        const before = this.#seen.get(id) ?? '';
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
