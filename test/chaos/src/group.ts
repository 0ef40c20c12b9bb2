import { whenReady } from '@tapline/test-stack';
import { type Admin, Kafka, logLevel } from 'kafkajs';

/** Whether a consumer group has committed everything that the topics hold now. */
export async function consumedAll(
  brokers: readonly string[],
  groupId: string,
  topics: readonly string[],
): Promise<boolean> {
  return await withAdmin(brokers, async (admin) => {
    const committed = await admin.fetchOffsets({ groupId, topics: [...topics] });
    for (const { topic, partitions } of committed) {
      const done = new Map(partitions.map(({ partition, offset }) => [partition, BigInt(offset)]));
      for (const { partition, low, high } of await admin.fetchTopicOffsets(topic))
        if (BigInt(high) > BigInt(low) && (done.get(partition) ?? -1n) < BigInt(high)) return false;
    }
    return true;
  });
}

/** The sum of the offsets that the group has committed. */
export async function committed(
  brokers: readonly string[],
  groupId: string,
  topics: readonly string[],
): Promise<number> {
  return await withAdmin(brokers, async (admin) => {
    const offsets = await admin.fetchOffsets({ groupId, topics: [...topics] });
    return offsets
      .flatMap(({ partitions }) => partitions)
      .reduce((sum, { offset }) => sum + Math.max(0, Number(offset)), 0);
  });
}

async function withAdmin<T>(brokers: readonly string[], use: (admin: Admin) => Promise<T>): Promise<T> {
  const admin = new Kafka({ brokers: [...brokers], logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  try {
    return await whenReady(() => use(admin));
  } finally {
    await admin.disconnect();
  }
}
