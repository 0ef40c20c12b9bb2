import type { Cluster } from './cluster.ts';
import { LATEST } from './fetch-protocol.ts';
import type { LaneState } from './lane.ts';
import { fetchOne, listOne } from './log-reader.ts';
import type { RecordBatch } from './record-batch.ts';
import { listBatches } from './record-reader.ts';

/** The offset after the last record of the partition now. */
export function logEnd(cluster: Cluster, topic: string, partition: number): Promise<bigint> {
  return listOne(cluster, topic, partition, LATEST);
}

/**
 * The offset at which the batch stands in the log already, looked for where it must stand: from the lane's next offset on, by its
 * producer, epoch and sequence. Undefined when it is not there, or when the lane's next offset is not known.
 */
export async function findOwnBatch(cluster: Cluster, lane: LaneState, batch: RecordBatch): Promise<bigint | undefined> {
  const { topic, partition, nextOffset } = lane;
  if (nextOffset === undefined) return undefined;
  const end = await logEnd(cluster, topic, partition);
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
