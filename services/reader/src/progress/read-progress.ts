import type { Kafka } from '@tapline/kafka';
import type { ReaderConfig } from '../config.ts';
import { decodeProgress, type ProgressRecord, progressTopicOf } from './record.ts';

/** The newest progress record, read without the reader's store, which would make the topic; undefined when there is none. @throws TaplineError PROGRESS_UNREADABLE. */
export async function readProgress(
  { name }: Pick<ReaderConfig, 'name'>,
  kafka: Pick<Kafka, 'reader' | 'topics'>,
  signal?: AbortSignal,
): Promise<ProgressRecord | undefined> {
  const topic = progressTopicOf(name);
  if ((await kafka.topics.describe(topic, signal)) === undefined) return undefined;
  let newest: ProgressRecord | undefined;
  for await (const records of kafka.reader.read({ topic, partition: 0, signal })) {
    for (const { key, value } of records) {
      if (key?.toString() === name) newest = value === null ? undefined : decodeProgress(value, topic);
    }
  }
  return newest;
}
