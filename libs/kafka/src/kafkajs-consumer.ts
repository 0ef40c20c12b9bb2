import { deferred, TaplineError } from '@tapline/kernel';
import type { EachBatchPayload, Kafka, KafkaMessage } from 'kafkajs';
import { classifyKafkaError } from './classify.ts';
import type { Cluster } from './cluster.ts';
import type { CommitOffset, ConsumeOptions, ConsumerLoop, TopicPartition } from './consumer.ts';
import { encodeHeaders } from './record-batch.ts';
import type { KafkaRecord } from './record-reader.ts';

/** First form, on kafkajs' own consumer. */
export async function startConsumer(kafka: Kafka, cluster: Cluster, options: ConsumeOptions): Promise<ConsumerLoop> {
  const { group, topics, sessionTimeoutMs = 30_000 } = options;
  const failed = deferred<never>();
  let assigned: TopicPartition[] = [];
  const fail = (error: unknown): void =>
    failed.reject(error instanceof TaplineError ? error : classifyKafkaError(error));
  const consumer = kafka.consumer({
    groupId: group,
    sessionTimeout: sessionTimeoutMs,
    rebalanceTimeout: options.rebalanceTimeoutMs ?? 60_000,
    heartbeatInterval: Math.floor(sessionTimeoutMs / 10),
    maxBytesPerPartition: options.partitionBytes ?? 1_048_576,
    maxBytes: options.fetchBytes ?? 8_388_608,
    maxWaitTimeInMs: 500,
    allowAutoTopicCreation: false,
    retry: { retries: Number.MAX_SAFE_INTEGER, maxRetryTime: 5_000 },
  });
  consumer.on(consumer.events.GROUP_JOIN, async ({ payload }) => {
    const next = Object.entries(payload.memberAssignment).flatMap(([topic, partitions]) =>
      partitions.map((partition) => ({ topic, partition })),
    );
    const before = assigned;
    assigned = next;
    if (before.length > 0) await options.onRevoked?.(before);
    await options.onAssigned?.(next);
  });
  consumer.on(consumer.events.CRASH, ({ payload }) => {
    if (!payload.restart) fail(payload.error);
  });
  const eachBatch = async ({
    batch,
    heartbeat,
    resolveOffset,
    isStale,
    isRunning,
  }: EachBatchPayload): Promise<void> => {
    const { topic, partition } = batch;
    if (isStale() || !isRunning() || batch.messages.length === 0) return;
    const beat = setInterval(() => heartbeat().catch(() => undefined), sessionTimeoutMs / 10);
    try {
      const nextOffset = BigInt(batch.lastOffset()) + 1n;
      await options.onBatch({
        topic,
        partition,
        records: batch.messages.map(toRecord),
        nextOffset,
        highWatermark: BigInt(batch.highWatermark),
      });
      resolveOffset(batch.lastOffset());
    } catch (error) {
      fail(error);
      throw error;
    } finally {
      clearInterval(beat);
    }
    await heartbeat();
  };
  try {
    await cluster.persist('finding the topics to consume', async () => {
      for (const topic of topics) await cluster.topic(topic);
    });
    await consumer.connect();
    await consumer.subscribe({ topics: [...topics], fromBeginning: true });
    await consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      partitionsConsumedConcurrently: 64,
      eachBatch,
    });
  } catch (error) {
    throw classifyKafkaError(error, { address: cluster.addresses });
  }
  return {
    failed: failed.promise,
    get assigned() {
      return assigned;
    },
    async commit(offsets: readonly CommitOffset[]): Promise<void> {
      const mine = offsets.filter(({ topic, partition }) =>
        assigned.some((a) => a.topic === topic && a.partition === partition),
      );
      if (mine.length === 0) return;
      await consumer.commitOffsets(
        mine.map(({ topic, partition, offset }) => ({ topic, partition, offset: String(offset) })),
      );
    },
    async [Symbol.asyncDispose](): Promise<void> {
      await consumer.disconnect();
    },
  };
}

function toRecord(message: KafkaMessage): KafkaRecord {
  const headers = Object.entries(message.headers ?? {}).map(
    ([name, value]) => [name, Buffer.from((Array.isArray(value) ? value.at(-1) : value) ?? '')] as const,
  );
  return {
    offset: BigInt(message.offset),
    timestampMs: Number(message.timestamp),
    key: message.key,
    value: message.value,
    headers: encodeHeaders(Object.fromEntries(headers)),
  };
}
