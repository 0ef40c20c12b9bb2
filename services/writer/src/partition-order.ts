import type { Kafka } from '@tapline/kafka';
import { TaplineError } from '@tapline/kernel';
import type { PartitionOrder } from '@tapline/sink';
import type { WriterConfig } from './config.ts';

/**
 * Undefined where a partition's order does not say all of its rows: other people's topics number their changes otherwise, a dead letter may be tried again when all behind
 * it is applied, and a transform may make one row of several keys.
 */
export function partitionOrder(
  { source, onError, transform }: Pick<WriterConfig, 'source' | 'onError' | 'transform'>,
  { topics }: Pick<Kafka, 'topics'>,
): PartitionOrder | undefined {
  if (source.format !== 'tapline' || onError !== 'stop' || transform.length > 0) return undefined;
  return {
    async partitionsOf(topic, signal) {
      const found = await topics.describe(topic, signal);
      if (found !== undefined) return found.partitions;
      throw new TaplineError('TOPIC_MISSING', { message: `Topic ${topic} is not there any more.`, place: { topic } });
    },
  };
}
