import type { TopicReader } from './topic.ts';

/** What is left of a compacted topic of rows (id, v): the newest value of every key that is not deleted, by id. */
export async function imageOf(topics: TopicReader, topic: string): Promise<Readonly<Record<string, unknown>>> {
  const held: Record<string, unknown> = {};
  for (const { key, op, after } of await topics.read(topic)) {
    const id = String(key?.['id']);
    if (op === 'd' || op === 't') delete held[id];
    else held[id] = after?.['v'];
  }
  return held;
}
