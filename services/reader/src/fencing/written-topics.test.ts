import { expect, test } from '@jest/globals';
import type { ProducerLife, ProgressStore } from '@tapline/kafka';
import { WrittenTopics } from './written-topics.ts';

/** The keys and values of a progress topic, without the topic. */
class Entries implements Pick<ProgressStore, 'get' | 'keys' | 'save'> {
  readonly #values = new Map<string, Buffer>([['shop', Buffer.from('{}')]]);

  get(key: string): Buffer | undefined {
    return this.#values.get(key);
  }
  keys(prefix: string): string[] {
    return [...this.#values.keys()].filter((key) => key.startsWith(prefix));
  }
  async save(key: string, value: Uint8Array | null): Promise<void> {
    if (value === null) this.#values.delete(key);
    else this.#values.set(key, Buffer.from(value));
  }
  async take(entries: readonly (readonly [string, null])[]): Promise<void> {
    for (const [key] of entries) await this.save(key, null);
  }
}

const life = (epoch: number): ProducerLife => ({ identity: { id: 7n, epoch }, over: () => undefined });
const open = (entries: Entries, epoch: number): WrittenTopics =>
  new WrittenTopics(entries as unknown as ProgressStore, 'shop', life(epoch));

test('the next life knows every topic that earlier ones have declared, until it has taken over', async () => {
  const entries = new Entries();
  const first = open(entries, 1);
  expect(first.earlier.size).toBe(0);
  await first.declare(['a', 'b']);
  await first.declare(['c']);
  const second = open(entries, 2);
  expect([...second.earlier]).toEqual(['a', 'b', 'c']);
  await second.declare(['c', 'd']);
  // It died before it took over: what the first one wrote to is of interest still.
  const third = open(entries, 3);
  expect([...third.earlier]).toEqual(['a', 'b', 'c', 'd']);
  await entries.take(third.takeStale());
  expect(third.takeStale()).toEqual([]);
  await third.declare(['b']);
  expect([...open(entries, 4).earlier]).toEqual(['b']);
});

test('a life that has ended well leaves nothing to shut out, also not what it found', async () => {
  const entries = new Entries();
  await open(entries, 1).declare(['a']);
  const second = open(entries, 2);
  await second.declare(['b']);
  await entries.take(second.takeAll());
  expect(open(entries, 3).earlier.size).toBe(0);
  expect(entries.keys('')).toEqual(['shop']);
});
