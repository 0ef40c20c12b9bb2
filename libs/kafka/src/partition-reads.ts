import { TaplineError } from '@tapline/kernel';
import { brokerError } from './classify.ts';
import type { Cluster } from './cluster.ts';
import { BROKER_ERROR } from './error-table.ts';
import {
  FETCH,
  type FetchedPartition,
  fetchRequest,
  LIST_OFFSETS,
  listOffsetsRequest,
  readFetchAnswer,
  readListOffsets,
} from './fetch-protocol.ts';

async function leaderOf(cluster: Cluster, topic: string, partition: number): Promise<number> {
  await cluster.topic(topic);
  const leader = cluster.leader(topic, partition);
  if (leader === undefined) {
    const missing = cluster.metadata.topics.get(topic)?.partitions[partition] === undefined;
    throw new TaplineError(missing ? 'TOPIC_MISSING' : 'KAFKA_NOT_READY', {
      message: missing
        ? `Topic ${topic} has no partition ${partition}.`
        : `Partition ${partition} of ${topic} has no leader now.`,
      place: { topic, partition },
    });
  }
  return leader;
}

/** One fetch of one partition; retryable errors are thrown. */
export async function fetchOne(
  cluster: Cluster,
  wanted: { topic: string; partition: number; offset: bigint; maxBytes: number },
): Promise<FetchedPartition> {
  const { topic, partition } = wanted;
  const leader = await leaderOf(cluster, topic, partition);
  const connection = await cluster.connection(leader, 'control');
  const request = fetchRequest({ partitions: [wanted], maxWaitMs: 500, minBytes: 1, maxBytes: wanted.maxBytes });
  const { errorCode, partitions } = readFetchAnswer(await connection.request({ ...FETCH, ...request }));
  const fetched = partitions[0];
  const code = fetched === undefined || errorCode !== 0 ? errorCode || -1 : fetched.errorCode;
  if (code === BROKER_ERROR.offsetOutOfRange) {
    throw new TaplineError('KAFKA_LOG_TRUNCATED', {
      message: `Offset ${wanted.offset} is not in the partition any more, or not yet.`,
      place: { topic, partition, offset: String(wanted.offset) },
    });
  }
  if (code !== 0) throw await stale(cluster, brokerError(code, 'reading records', { topic, partition }));
  return fetched as FetchedPartition;
}

/** Asks for fresh metadata before the retry: the leader may have moved. */
export async function stale(cluster: Cluster, error: TaplineError): Promise<TaplineError> {
  if (error.disposition === 'retryable') await cluster.refresh().catch(() => undefined);
  return error;
}

export async function listOne(
  cluster: Cluster,
  topic: string,
  partition: number,
  timestamp: bigint,
  unreplicatedToo = false,
): Promise<bigint> {
  const leader = await leaderOf(cluster, topic, partition);
  const connection = await cluster.connection(leader, 'control');
  const request = listOffsetsRequest([{ topic, partition }], timestamp, unreplicatedToo);
  const answer = readListOffsets(await connection.request({ ...LIST_OFFSETS, ...request }));
  const { errorCode, offset } = answer[0] ?? { errorCode: -1, offset: -1n };
  if (errorCode !== 0) throw await stale(cluster, brokerError(errorCode, 'listing offsets', { topic, partition }));
  return offset;
}
