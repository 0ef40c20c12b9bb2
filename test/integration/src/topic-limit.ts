import { sleep } from '@tapline/kernel';
import { whenReady } from '@tapline/test-stack';
import { ConfigResourceTypes, type Kafka, KafkaJSProtocolError } from 'kafkajs';

type TopicConfig = Readonly<Record<string, string>>;

/** What a broker says of a record that is larger than its topic takes, and of one that lacks the key by which the topic is compacted. */
const TOO_LARGE = 'MESSAGE_TOO_LARGE';
const NO_KEY = 'INVALID_RECORD';
/** At most, of a batch around one value. */
const AROUND_A_VALUE_BYTES = 100;

/**
 * All settings of a compacted topic anew, among them `max.message.bytes`; those that are not named at their defaults.
 *
 * The controller answers before the brokers act by a new setting, so records without a key are offered, none of which is ever taken, until they are
 * refused as they must be: one of the limit's size for that, which is looked at first, and a smaller one for its missing key.
 */
export async function limitTopic(kafka: Kafka, topic: string, config: TopicConfig): Promise<void> {
  const bytes = Number(config['max.message.bytes']);
  const admin = kafka.admin();
  const producer = kafka.producer();
  await Promise.all([admin.connect(), producer.connect()]);
  const refused = async (partition: number, length: number, wanted: string): Promise<void> => {
    const messages = [{ key: null, value: Buffer.alloc(length), partition }];
    const refusal = (): Promise<unknown> => producer.send({ topic, messages }).catch(typeOf);
    for (let type = await refusal(); type !== wanted; type = await refusal()) {
      if (type !== TOO_LARGE && type !== NO_KEY)
        throw new Error(`${topic} answered ${String(type)} to a record without a key`);
      await sleep(20);
    }
  };
  try {
    const resources = [{ type: ConfigResourceTypes.TOPIC, name: topic, configEntries: entriesOf(config) }];
    await admin.alterConfigs({ validateOnly: false, resources });
    for (const { partition } of await whenReady(() => admin.fetchTopicOffsets(topic))) {
      await refused(partition, bytes, TOO_LARGE);
      await refused(partition, Math.max(0, bytes - AROUND_A_VALUE_BYTES), NO_KEY);
    }
  } finally {
    await Promise.all([admin.disconnect(), producer.disconnect()]);
  }
}

export function entriesOf(config: TopicConfig): { name: string; value: string }[] {
  return Object.entries(config).map(([name, value]) => ({ name, value }));
}

/** Kafka's name of the error that a broker answered with, if it was one. */
function typeOf(error: unknown): unknown {
  const { cause = error } = error as { readonly cause?: unknown };
  return cause instanceof KafkaJSProtocolError ? cause.type : error;
}
