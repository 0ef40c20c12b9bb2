import { Kafka, logLevel } from 'kafkajs';

/** Whether a consumer group has committed everything that the topics hold now. */
export async function consumedAll(
  brokers: readonly string[],
  groupId: string,
  topics: readonly string[],
): Promise<boolean> {
  const admin = new Kafka({ brokers: [...brokers], logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  try {
    const committed = await admin.fetchOffsets({ groupId, topics: [...topics] });
    for (const { topic, partitions } of committed) {
      const done = new Map(partitions.map(({ partition, offset }) => [partition, BigInt(offset)]));
      for (const { partition, low, high } of await admin.fetchTopicOffsets(topic))
        if (BigInt(high) > BigInt(low) && (done.get(partition) ?? -1n) < BigInt(high)) return false;
    }
    return true;
  } finally {
    await admin.disconnect();
  }
}
