import type { OffsetRange } from '../progress/snapshot-progress.ts';
import type { TopicReader } from '../resume/tails.ts';
import type { Leftovers } from './loader.ts';

/** Reads what earlier lives left of an unfinished chunk. */
export async function readLeftovers(
  ranges: readonly OffsetRange[],
  keyText: (key: Buffer) => string,
  parts: { kafka: Pick<TopicReader, 'reader'>; signal: AbortSignal },
): Promise<Leftovers> {
  const keys = new Map<string, Set<string>>();
  const deletes = new Map<string, Buffer[]>();
  for (const range of ranges) {
    const ofTopic = keys.get(range.topic) ?? new Set();
    keys.set(range.topic, ofTopic);
    let last: { readonly key: Buffer; readonly ended: boolean } | undefined;
    for await (const records of parts.kafka.reader.read({ ...range, signal: parts.signal })) {
      for (const { key, value } of records) {
        if (key === null) continue;
        ofTopic.add(keyText(key));
        last = { key: Buffer.from(key), ended: value === null };
      }
    }
    // Each tombstone follows its delete at once, so in a partition the last one alone may lack it.
    if (last?.ended === false) deletes.set(range.topic, [...(deletes.get(range.topic) ?? []), last.key]);
  }
  return { keys, deletes };
}
