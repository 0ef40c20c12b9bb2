import { TaplineError } from '@tapline/kernel';
import type { Cluster } from '../cluster.ts';
import type { KafkaRecord } from '../fetched-record.ts';
import { fetchOne } from '../partition-reads.ts';
import { decodeRecordSet, listBatches } from '../record-reader.ts';

export interface TailRange {
  readonly topic: string;
  readonly partition: number;
  readonly from: bigint;
  /** The offset after the last one: the partition's end. */
  readonly to: bigint;
}

/** How a range of a partition ends. */
export interface Tail {
  /** The last two records of the range that are still there, in their order. */
  readonly last: readonly KafkaRecord[];
  /** Offsets of the control batches behind it. */
  readonly markers: readonly bigint[];
}

/** How far back is looked first; then eight times as far, and so on. */
const FIRST_LOOK = 8n;
const FETCH_BYTES = 1_048_576;

/**
 * Looks for the last records of the range, from its end backwards, and for the control batches behind it. What is missing between them counts as
 * removed records: compaction takes control batches away only long after they have left the newest segment of the log.
 *
 * @throws TaplineError KAFKA_NOT_READY (retryable) while the leader does not show everything up to `to`.
 */
export async function readTail(cluster: Cluster, range: TailRange): Promise<Tail> {
  for (let back = FIRST_LOOK; ; back *= 8n) {
    const start = range.to - back > range.from ? range.to - back : range.from;
    const tail = await lookFrom(cluster, range, start);
    if (tail.last.length === 2 || start === range.from) return tail;
  }
}

async function lookFrom(cluster: Cluster, { topic, partition, from, to }: TailRange, start: bigint): Promise<Tail> {
  const place = { topic, partition };
  let last: KafkaRecord[] = [];
  let markers: bigint[] = [];
  for (let offset = start; offset < to; ) {
    const { data, highWatermark } = await fetchOne(cluster, { ...place, offset, maxBytes: FETCH_BYTES });
    if (highWatermark < to) {
      throw new TaplineError('KAFKA_NOT_READY', {
        message: `The leader has records up to ${to}, and shows those up to ${highWatermark}.`,
        place: { ...place, offset: String(highWatermark) },
      });
    }
    const { records, nextOffset } = decodeRecordSet(data, { from: offset, place });
    last = [...last, ...records.filter((record) => record.offset >= from && record.offset < to)].slice(-2);
    for (const batch of listBatches(data, place)) {
      if (batch.control && batch.baseOffset >= from && batch.baseOffset < to) markers.push(batch.baseOffset);
    }
    // Compaction may have removed what lies at the end of the range.
    if (nextOffset === offset) break;
    offset = nextOffset;
  }
  const end = last.at(-1)?.offset ?? -1n;
  markers = markers.filter((offset) => offset > end);
  return { last, markers };
}
