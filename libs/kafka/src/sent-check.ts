import { TaplineError } from '@tapline/kernel';
import type { Cluster } from './cluster.ts';
import { LATEST } from './fetch-protocol.ts';
import type { LaneState } from './lane.ts';
import { fetchOne, listOne } from './partition-reads.ts';
import type { RecordBatch } from './record-batch.ts';
import { listBatches } from './record-reader.ts';

/** What the log says of a batch that may stand in it. */
export interface LookedFor {
  /** Where it stands. */
  readonly found: bigint | undefined;
  readonly end: bigint;
  /** The log ends where this batch comes next. */
  readonly inPlace: boolean;
}

/** @throws TaplineError KAFKA_NOT_READY (retryable), and what reading fails with. */
export async function lookForBatch(cluster: Cluster, lane: LaneState, batch: RecordBatch): Promise<LookedFor> {
  const found = await findOwnBatch(cluster, lane, batch);
  const end = await logEnd(cluster, lane);
  // On a shared lane others may have written behind our last batch; that ours is not among them was just seen.
  const inPlace = lane.nextOffset !== undefined && (end === lane.nextOffset || lane.shared);
  return { found, end, inPlace };
}

/**
 * The offset after the last record of the partition, when all of it is replicated: what only the leader has cannot be looked at
 * yet, and may be the batch in question. @throws TaplineError KAFKA_NOT_READY (retryable) otherwise.
 */
async function logEnd(cluster: Cluster, { topic, partition }: LaneState): Promise<bigint> {
  const written = await listOne(cluster, topic, partition, LATEST, true);
  const end = await listOne(cluster, topic, partition, LATEST);
  if (written === end) return end;
  throw new TaplineError('KAFKA_NOT_READY', {
    message: `The leader has records up to ${written}, of which only those up to ${end} are replicated.`,
    place: { topic, partition, offset: String(end) },
  });
}

/**
 * The offset at which the batch stands in the log already, looked for where it must stand: from the lane's next offset on, by its
 * producer, epoch and sequence. Undefined when it is not there, or when the lane's next offset is not known.
 */
async function findOwnBatch(cluster: Cluster, lane: LaneState, batch: RecordBatch): Promise<bigint | undefined> {
  const { topic, partition, nextOffset } = lane;
  if (nextOffset === undefined) return undefined;
  const end = await logEnd(cluster, lane);
  for (let offset = nextOffset; offset < end; ) {
    const { data } = await fetchOne(cluster, { topic, partition, offset, maxBytes: 1024 * 1024 });
    const batches = listBatches(data, { topic, partition });
    const last = batches.at(-1);
    if (last === undefined) return undefined;
    const own = batches.find(
      (found) =>
        found.producerId === batch.identity?.id &&
        found.producerEpoch === batch.identity.epoch &&
        found.baseSequence === batch.baseSequence,
    );
    if (own !== undefined) return own.baseOffset;
    offset = last.lastOffset + 1n;
  }
  return undefined;
}
