import type { Kafka } from '@tapline/kafka';
import { type Logger, TaplineError } from '@tapline/kernel';
import type { ReaderConfig } from '../config.ts';
import type { Life } from '../fencing/life.ts';
import { progressTopicOf } from '../progress/record.ts';
import { topicSpecs } from '../publish/topic-opener.ts';
import type { Source } from '../source/open-source.ts';

/**
 * In front of a first start: topics that hold records already tell of an earlier reader of this name whose progress is lost. With the progress topic the word of what its
 * lives had written to is gone too, so they are shut out of all of these. A load makes good for what was committed since; without one that would be missing in silence.
 *
 * @throws TaplineError PROGRESS_LOST when nothing would be loaded and the stream would begin now.
 */
export async function takeOverTopics(
  config: ReaderConfig,
  source: Pick<Source, 'tables' | 'keys' | 'shape'>,
  parts: {
    readonly kafka: Pick<Kafka, 'reader' | 'topics'>;
    readonly life: Life;
    readonly log: Logger;
    readonly signal: AbortSignal;
  },
): Promise<void> {
  const { kafka, life, log, signal } = parts;
  const wanted = topicSpecs(config, source).map(({ topic }) => topic);
  // Of many tables some topics are still to be made.
  const topics = await kafka.topics.existing(wanted, signal);
  const ends = await kafka.reader.endOffsetsOf(topics, signal);
  const used = [...ends].filter(([, ofTopic]) => ofTopic.some((end) => end > 0n)).map(([topic]) => topic);
  const [first] = used;
  if (first === undefined) return;
  const { snapshot, start } = config;
  if (snapshot.mode === 'never' && start.from === 'latest' && start.gtidSet === '') throw progressLost(config, used);
  log.warn('topics of this source hold records already, and there is no progress record', {
    topics: used.length,
    first,
    snapshot: snapshot.mode,
    start,
  });
  await life.fence.shutOut(used, signal);
}

function progressLost({ name }: ReaderConfig, used: readonly string[]): TaplineError {
  return new TaplineError('PROGRESS_LOST', {
    message: `${used.length} topics hold records already, the first of them ${used[0]}, and ${progressTopicOf(name)} has no progress record: what was committed since nobody would publish.`,
    place: { source: name, topic: used[0] ?? '' },
  });
}
