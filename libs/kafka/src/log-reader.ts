import { sleep, TaplineError } from '@tapline/kernel';
import { brokerError } from './classify.ts';
import type { Cluster } from './cluster.ts';
import { readTail, type Tail, type TailRange } from './fence/tail.ts';
import {
  EARLIEST,
  type FetchedPartition,
  LATEST,
  LIST_OFFSETS,
  listOffsetsRequest,
  readListOffsets,
} from './fetch-protocol.ts';
import type { KafkaRecord } from './fetched-record.ts';
import { fetchOne, listOne, stale } from './partition-reads.ts';
import { type BatchInfo, decodeRecordSet, listBatches } from './record-reader.ts';
import type { TopicPartition } from './topic-partition.ts';

export interface ReadRange {
  readonly topic: string;
  readonly partition: number;
  /** First offset wanted. Default: the earliest there is. */
  readonly from?: bigint | undefined;
  /** The offset after the last one wanted. Default: the end of the partition at the time of the call. */
  readonly to?: bigint | undefined;
  /** Bytes asked for at a time. Default 4,194,304. */
  readonly fetchBytes?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

const SETTLE_MS = 100;
const SETTLED_LOOKS = 3;
const PARTITIONS_PER_REQUEST = 5000;
const TAILS_TOGETHER = 16;
/** The answer where no record is as young as asked for. */
const NONE = -1n;

/** Reads topic-partitions outside of any consumer group. Retryable failures are retried until the signal aborts. */
export class LogReader {
  readonly #cluster: Cluster;
  readonly #patienceMs: number | undefined;

  constructor(cluster: Cluster, patienceMs: number | undefined) {
    this.#cluster = cluster;
    this.#patienceMs = patienceMs;
  }

  /**
   * The records of [from, to) in order, in batches as they are fetched. Compaction may have left gaps: offsets that are missing are skipped.
   * @throws TaplineError KAFKA_LOG_TRUNCATED when `to` is beyond the end; below the start reading begins at the start.
   */
  async *read(range: ReadRange): AsyncGenerator<readonly KafkaRecord[], void, undefined> {
    const { topic, partition, signal } = range;
    const [start, end] = await this.bounds(topic, partition, signal);
    let next = range.from === undefined || range.from < start ? start : range.from;
    const to = range.to ?? end;
    while (next < to) {
      const fetched = await this.#persist(
        `reading ${topic}-${partition}`,
        () => fetchOne(this.#cluster, { topic, partition, offset: next, maxBytes: range.fetchBytes ?? 4_194_304 }),
        signal,
      );
      const { records, nextOffset } = decodeRecordSet(fetched.data, {
        from: next,
        aborted: fetched.aborted,
        place: { topic, partition },
      });
      if (nextOffset === next && fetched.data.length === 0 && fetched.highWatermark < to)
        throw outOfRange(range, fetched);
      const wanted = nextOffset > to ? records.filter(({ offset }) => offset < to) : records;
      if (wanted.length > 0) yield wanted;
      next = nextOffset;
    }
  }

  /** The headers of all batches of a partition, markers included, in order. */
  async *batches(topic: string, partition: number, signal?: AbortSignal): AsyncGenerator<BatchInfo, void, undefined> {
    const [start, end] = await this.bounds(topic, partition, signal);
    let next = start;
    while (next < end) {
      const offset = next;
      const fetch = (): Promise<FetchedPartition> =>
        fetchOne(this.#cluster, { topic, partition, offset, maxBytes: 4_194_304 });
      const { data } = await this.#persist(`reading ${topic}-${partition}`, fetch, signal);
      const batches = listBatches(data, { topic, partition });
      if (batches.length === 0) return;
      yield* batches.filter(({ lastOffset }) => lastOffset >= offset);
      next = (batches.at(-1) as BatchInfo).lastOffset + 1n;
    }
  }

  /** [earliest offset, offset after the last record] of one partition. */
  async bounds(topic: string, partition: number, signal?: AbortSignal): Promise<[bigint, bigint]> {
    return this.#persist(
      `asking for the offsets of ${topic}-${partition}`,
      async () => [
        await listOne(this.#cluster, topic, partition, EARLIEST),
        await listOne(this.#cluster, topic, partition, LATEST),
      ],
      signal,
    );
  }

  /** The offset after the last record of each partition of the topic. */
  async endOffsets(topic: string, signal?: AbortSignal): Promise<bigint[]> {
    return only(await this.endOffsetsOf([topic], signal));
  }

  /** The same of many topics, in few requests. */
  async endOffsetsOf(topics: readonly string[], signal?: AbortSignal): Promise<Map<string, bigint[]>> {
    return this.#list('the ends', topics, { timestamp: LATEST }, signal);
  }

  /**
   * The ends of the partitions once everything that their leaders have is replicated. A producer that was killed leaves batches behind that
   * its leader has appended and the followers have not yet: `endOffsets` does not show them, and they come to light later. Where such were
   * seen, a request of the dead producer may also have waited behind them; so the ends must then stand still for some looks.
   */
  async settledEnds(topic: string, signal?: AbortSignal): Promise<bigint[]> {
    return only(await this.settledEndsOf([topic], signal));
  }

  /** The same of many topics, in few requests. */
  async settledEndsOf(topics: readonly string[], signal?: AbortSignal): Promise<Map<string, bigint[]>> {
    const settled = new Map<string, bigint[]>();
    const moving = new Map(topics.map((topic) => [topic, new Settling()]));
    for (let looks = 0; moving.size > 0; looks++) {
      if (looks > 0) await sleep(SETTLE_MS, signal);
      const names = [...moving.keys()];
      const written = await this.writtenEndsOf(names, signal);
      const ends = await this.endOffsetsOf(names, signal);
      for (const [topic, settling] of moving) {
        const found = ends.get(topic) as bigint[];
        if (!settling.look(written.get(topic) as bigint[], found)) continue;
        settled.set(topic, found);
        moving.delete(topic);
      }
    }
    return settled;
  }

  /** The offset after the last record that each partition's leader has, replicated or not. */
  async writtenEnds(topic: string, signal?: AbortSignal): Promise<bigint[]> {
    return only(await this.writtenEndsOf([topic], signal));
  }

  /** The same of many topics, in few requests. Where earlier writers were shut out (Fence), nothing comes behind these ends. */
  async writtenEndsOf(topics: readonly string[], signal?: AbortSignal): Promise<Map<string, bigint[]>> {
    return this.#list('the log ends', topics, { timestamp: LATEST, unreplicatedToo: true }, signal);
  }

  /** How these ranges end, in their order. Each `to` must be the partition's end. */
  async tails(ranges: readonly TailRange[], signal?: AbortSignal): Promise<Tail[]> {
    const tails: Tail[] = [];
    for (let at = 0; at < ranges.length; at += TAILS_TOGETHER) {
      const some = ranges.slice(at, at + TAILS_TOGETHER).map((range) => {
        const what = `looking at the end of ${range.topic}-${range.partition}`;
        return this.#persist(what, () => readTail(this.#cluster, range), signal);
      });
      tails.push(...(await Promise.all(some)));
    }
    return tails;
  }

  /** The first offset of each partition of the topic that is still there. */
  async startOffsets(topic: string, signal?: AbortSignal): Promise<bigint[]> {
    return only(await this.#list('the starts', [topic], { timestamp: EARLIEST }, signal));
  }

  /** The first offset in each partition of the topic whose record is not older than this; the end of the partition where there is none. */
  async offsetsAt(topic: string, ms: number, signal?: AbortSignal): Promise<bigint[]> {
    const found = only(await this.#list('the offsets by time', [topic], { timestamp: BigInt(ms) }, signal));
    if (!found.includes(NONE)) return found;
    const ends = await this.endOffsets(topic, signal);
    return found.map((offset, partition) => (offset === NONE ? (ends[partition] as bigint) : offset));
  }

  #list(
    what: string,
    topics: readonly string[],
    wanted: { timestamp: bigint; unreplicatedToo?: boolean },
    signal: AbortSignal | undefined,
  ): Promise<Map<string, bigint[]>> {
    const place = topics.length === 1 ? topics[0] : `${topics.length} topics`;
    return this.#persist(`asking for ${what} of ${place}`, () => listAll(this.#cluster, topics, wanted), signal);
  }

  #persist<T>(what: string, operation: () => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
    return this.#cluster.persist(what, operation, {
      ...(signal === undefined ? {} : { signal }),
      ...(this.#patienceMs === undefined ? {} : { patienceMs: this.#patienceMs }),
    });
  }
}

/** Looks at the ends of one topic until they stand still. */
class Settling {
  #looks = 0;
  #needed = 1;
  #before = '';

  /** True when this look was the last one needed. */
  look(written: readonly bigint[], ends: readonly bigint[]): boolean {
    const replicated = ends.every((end, partition) => end === written[partition]);
    this.#looks = replicated && (this.#before === ends.join() || this.#needed === 1) ? this.#looks + 1 : 0;
    this.#before = ends.join();
    if (this.#looks >= this.#needed) return true;
    this.#needed = SETTLED_LOOKS;
    return false;
  }
}

function only(found: ReadonlyMap<string, bigint[]>): bigint[] {
  return [...found.values()][0] as bigint[];
}

function outOfRange(range: ReadRange, fetched: FetchedPartition): TaplineError {
  const { topic, partition } = range;
  return new TaplineError('KAFKA_LOG_TRUNCATED', {
    message: `The partition ends at offset ${fetched.highWatermark}, before the end ${range.to ?? ''} of the range to read.`,
    place: { topic, partition, offset: String(fetched.highWatermark) },
  });
}

/** Of all partitions of these topics, by topic. One request a leader holds thousands of them. */
async function listAll(
  cluster: Cluster,
  topics: readonly string[],
  { timestamp, unreplicatedToo = false }: { timestamp: bigint; unreplicatedToo?: boolean },
): Promise<Map<string, bigint[]>> {
  const partitions = await partitionsOf(cluster, topics);
  const found = new Map<string, bigint[]>(topics.map((topic) => [topic, []]));
  for (const [leader, led] of Map.groupBy(partitions, (partition) => partition.leader)) {
    const connection = await cluster.connection(leader, 'control');
    for (let at = 0; at < led.length; at += PARTITIONS_PER_REQUEST) {
      const some = led.slice(at, at + PARTITIONS_PER_REQUEST);
      const request = listOffsetsRequest(some, timestamp, unreplicatedToo);
      for (const listed of readListOffsets(await connection.request({ ...LIST_OFFSETS, ...request }))) {
        const { topic, partition, errorCode, offset } = listed;
        if (errorCode !== 0)
          throw await stale(cluster, brokerError(errorCode, 'listing offsets', { topic, partition }));
        (found.get(topic) as bigint[])[partition] = offset;
      }
    }
  }
  return found;
}

async function partitionsOf(
  cluster: Cluster,
  topics: readonly string[],
): Promise<(TopicPartition & { readonly leader: number })[]> {
  // One request for all that are unknown, instead of one each.
  if (topics.some((topic) => !cluster.metadata.topics.has(topic))) await cluster.refresh(topics);
  const found = [];
  for (const topic of topics) {
    const { partitions } = await cluster.topic(topic);
    if (partitions.some(({ leader }) => leader < 0)) {
      throw new TaplineError('KAFKA_NOT_READY', {
        message: `A partition of ${topic} has no leader now.`,
        place: { topic },
      });
    }
    found.push(...partitions.map(({ partition, leader }) => ({ topic, partition, leader })));
  }
  return found;
}
