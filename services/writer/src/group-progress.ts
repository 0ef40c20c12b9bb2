import type { Kafka } from '@tapline/kafka';
import type { WriterProgress } from '@tapline/sink';
import type { WriterConfig } from './config.ts';
import { topicsOf } from './topics.ts';

/** How far all members of the writer are together, by what its consumer group has committed. */
export function groupProgress({ name, source }: WriterConfig, kafka: Pick<Kafka, 'offsets'>): WriterProgress {
  const { topics, patterns } = topicsOf(source.topics);
  const named = new Set(topics);
  const group = kafka.offsets(name);
  return {
    consumes: (topic) => named.has(topic) || patterns.some((pattern) => pattern.test(topic)),
    async settledBelow(signal) {
      const settled = new Map<string, number[]>();
      for (const { topic, partition, offset } of await group.stored(signal)) {
        const offsets = settled.get(topic) ?? [];
        offsets[partition] = Number(offset);
        settled.set(topic, offsets);
      }
      return settled;
    },
  };
}
