import { isRetryable, orAbort, TaplineError } from '@tapline/kernel';
import { brokerError } from './classify.ts';
import type { Cluster } from './cluster.ts';
import type { ConsumeOptions } from './consumer.ts';
import { BROKER_ERROR, isRetryableBrokerError } from './error-table.ts';
import { FETCH, type FetchedPartition, fetchRequest, readFetchAnswer } from './fetch-protocol.ts';
import type { ClusterMetadata } from './metadata.ts';
import { decodeRecordSet } from './record-reader.ts';
import type { TopicPartition } from './topic-partition.ts';

/** A partition while this member has it. */
export interface ConsumedPartition extends TopicPartition {
  /** Where the next fetch begins, and where `ahead` was fetched from. */
  position: bigint;
  /** onBatch runs. */
  busy: boolean;
  /** Fetched while it runs: one batch ahead, so that the network and the sink work at the same time. */
  ahead: FetchedPartition | undefined;
}

/** What a fetch asked for. */
interface Wanted {
  readonly state: ConsumedPartition;
  readonly offset: bigint;
}

interface AssignmentOptions extends Pick<ConsumeOptions, 'onBatch'> {
  readonly line: `fetch ${string}`;
  readonly partitionBytes: number;
  readonly fetchBytes: number;
  readonly bufferBytes: number;
  /** Handlers may wait for those of other partitions: then each partition has its room, whatever the others hold. */
  readonly isApart: boolean;
  onFailed(error: unknown): void;
}

/** Less at a time would be more requests than work. */
const LEAST_PARTITION_BYTES = 32_768;
const IDLE_WAIT_MS = 500;
/** While some partition is too busy to be fetched: a long wait for the others would let it starve once it is free. */
const BUSY_WAIT_MS = 20;

/**
 * Fetches the partitions of one generation of the group and hands their batches over, each partition's in order, one at a time.
 *
 * One loop a broker. A partition is asked for unless a batch of it is being handled and a further one is waiting, or the memory budget
 * is used up. Why not kafkajs' consumer: it never moves past a batch that compaction emptied when that is all a fetch returns (it is then
 * stuck for good, on just the topics that Tapline makes), it checks no checksums, and it does not let a member finish before it gives
 * partitions away.
 */
export class Assignment {
  readonly partitions: readonly ConsumedPartition[];
  readonly #cluster: Cluster;
  readonly #options: AssignmentOptions;
  readonly #partitionBytes: number;
  readonly #stop = new AbortController();
  readonly #loops = new Map<number, Promise<void>>();
  readonly #handling = new Set<Promise<void>>();
  #wake = Promise.withResolvers<void>();
  #heldBytes = 0;
  #seenMetadata: ClusterMetadata;

  constructor(cluster: Cluster, partitions: readonly ConsumedPartition[], options: AssignmentOptions) {
    this.#cluster = cluster;
    this.#seenMetadata = cluster.metadata;
    this.partitions = partitions;
    this.#options = options;
    // What all partitions may hold at once fits the buffer: one whose handler does not end leaves room for the others.
    const share = Math.floor(options.bufferBytes / (2 * Math.max(1, partitions.length)));
    this.#partitionBytes = Math.min(options.partitionBytes, Math.max(LEAST_PARTITION_BYTES, share));
  }

  start(): void {
    if (this.partitions.length > 0) this.#startLoops();
  }

  /** No onBatch begins after this. Resolves when those that run have ended. */
  async stop(): Promise<void> {
    this.#stop.abort(new DOMException('the assignment ended', 'AbortError'));
    this.#wake.resolve();
    await Promise.allSettled([...this.#handling]);
  }

  get #stopped(): boolean {
    return this.#stop.signal.aborted;
  }

  /** One loop for each broker that leads any of the partitions; a leader that is not known yet is looked for. */
  #startLoops(): void {
    for (const { topic, partition } of this.partitions) {
      const leader = this.#cluster.leader(topic, partition);
      if (leader === undefined) this.#run(-1, () => this.#findLeaders());
      else this.#run(leader, () => this.#fetchLoop(leader));
    }
  }

  #run(key: number, loop: () => Promise<void>): void {
    if (this.#stopped || this.#loops.has(key)) return;
    const running = loop()
      .catch((error: unknown) => {
        if (!this.#stopped) this.#options.onFailed(error);
      })
      .finally(() => {
        this.#loops.delete(key);
      });
    this.#loops.set(key, running);
  }

  async #findLeaders(): Promise<void> {
    const topics = [...new Set(this.partitions.map(({ topic }) => topic))];
    const find = async (): Promise<void> => {
      await this.#cluster.refresh(topics);
      const lost = this.partitions.find(({ topic, partition }) => this.#cluster.leader(topic, partition) === undefined);
      // The others go on while one has no leader.
      this.#startLoops();
      if (lost === undefined) return;
      const { topic, partition } = lost;
      throw new TaplineError('KAFKA_NOT_READY', {
        message: `Partition ${partition} of ${topic} has no leader now.`,
        place: { topic, partition },
      });
    };
    await this.#cluster.persist('finding leaders', find, { signal: this.#stop.signal });
  }

  async #fetchLoop(broker: number): Promise<void> {
    for (let turn = 0; !this.#stopped; turn++) {
      this.#noticeNewLeaders();
      const led = this.partitions.filter(({ topic, partition }) => this.#cluster.leader(topic, partition) === broker);
      if (led.length === 0) return this.#startLoops();
      const { bufferBytes, isApart } = this.#options;
      const isFull = !isApart && this.#heldBytes >= bufferBytes;
      const free = isFull ? [] : led.filter(({ ahead }) => ahead === undefined);
      if (free.length === 0) {
        await this.#wake.promise;
        continue;
      }
      // A batch above the limits is only given to the first partition of a request: each has its turn to be that.
      const first = turn % free.length;
      const wanted = [...free.slice(first), ...free.slice(0, first)].map((state) => ({
        state,
        offset: state.position,
      }));
      const fetched = await this.#fetch(broker, wanted, free.length < led.length ? BUSY_WAIT_MS : IDLE_WAIT_MS);
      if (this.#stopped) return;
      if (this.#takeAll(wanted, fetched)) this.#run(-1, () => this.#findLeaders());
      // Handlers that only queue are done after a turn of the event loop: then their partitions are in the next fetch.
      await new Promise((next) => setImmediate(next));
    }
  }

  /** The metadata is refreshed by others too: a partition that moved to a broker without a loop needs one. */
  #noticeNewLeaders(): void {
    if (this.#seenMetadata === this.#cluster.metadata) return;
    this.#seenMetadata = this.#cluster.metadata;
    this.#startLoops();
  }

  /** An empty answer means: look again. */
  async #fetch(broker: number, wanted: readonly Wanted[], maxWaitMs: number): Promise<readonly FetchedPartition[]> {
    const { signal } = this.#stop;
    const attempt = (): Promise<readonly FetchedPartition[]> => this.#fetchOnce(broker, wanted, maxWaitMs);
    const leads = (): boolean =>
      wanted.some(({ state: { topic, partition } }) => this.#cluster.leader(topic, partition) === broker);
    try {
      // A fetch under way is not waited for when the partitions go: its answer is dropped.
      return await orAbort(attempt(), signal);
    } catch (error) {
      if (this.#stopped) return [];
      if (!isRetryable(error)) throw error;
      this.#cluster.logger.debug('Kafka: reading records failed, trying again', { error });
    }
    try {
      await this.#cluster.refresh().catch(() => undefined);
      return await this.#cluster.persist('reading records', async () => (leads() ? attempt() : []), { signal });
    } catch (error) {
      if (this.#stopped) return [];
      throw error;
    }
  }

  async #fetchOnce(broker: number, wanted: readonly Wanted[], maxWaitMs: number): Promise<readonly FetchedPartition[]> {
    const { fetchBytes, line } = this.#options;
    const partitions = wanted.map(({ state: { topic, partition }, offset }) => ({
      topic,
      partition,
      offset,
      maxBytes: this.#partitionBytes,
    }));
    const connection = await this.#cluster.connection(broker, line);
    const request = fetchRequest({ partitions, maxWaitMs, minBytes: 1, maxBytes: fetchBytes });
    const { errorCode, partitions: answer } = readFetchAnswer(await connection.request({ ...FETCH, ...request }));
    if (errorCode !== 0) throw brokerError(errorCode, 'reading records');
    return answer;
  }

  /** True when leaders must be looked for. */
  #takeAll(wanted: readonly Wanted[], fetched: readonly FetchedPartition[]): boolean {
    const asked = new Map(wanted.map((each) => [`${each.state.partition} ${each.state.topic}`, each]));
    let lost = false;
    for (const part of fetched) {
      const { state, offset } = asked.get(`${part.partition} ${part.topic}`) ?? {};
      // While a leader moves, the loops of both brokers may have asked: the first answer counts.
      if (state === undefined || state.ahead !== undefined || state.position !== offset) continue;
      if (this.#take(state, part)) lost = true;
    }
    return lost;
  }

  #take(state: ConsumedPartition, fetched: FetchedPartition): boolean {
    const { errorCode, data } = fetched;
    if (errorCode === BROKER_ERROR.offsetOutOfRange) throw recordsGone(state, fetched);
    if (isRetryableBrokerError(errorCode)) return true;
    if (errorCode !== 0)
      throw brokerError(errorCode, 'reading records', { topic: state.topic, partition: state.partition });
    if (data.length === 0) return false;
    // Where to go on is known once it is decoded: until then nothing more of this partition is fetched.
    state.ahead = fetched;
    this.#heldBytes += data.length;
    if (!state.busy) this.#handOver(state);
    return false;
  }

  #handOver(state: ConsumedPartition): void {
    const fetched = state.ahead;
    if (fetched === undefined || this.#stopped) return;
    const { topic, partition } = state;
    const { records, nextOffset } = decodeRecordSet(fetched.data, {
      from: state.position,
      aborted: fetched.aborted,
      place: { topic, partition },
    });
    state.ahead = undefined;
    if (nextOffset === state.position) {
      this.#heldBytes -= fetched.data.length;
      return;
    }
    state.position = nextOffset;
    state.busy = true;
    const handling = this.#options
      .onBatch({ topic, partition, records, nextOffset, highWatermark: fetched.highWatermark })
      .catch((error: unknown) => {
        if (!this.#stopped) this.#options.onFailed(error);
      })
      .finally(() => {
        this.#handling.delete(handling);
        this.#handled(state, fetched.data.length);
      });
    this.#handling.add(handling);
  }

  #handled(state: ConsumedPartition, bytes: number): void {
    state.busy = false;
    this.#heldBytes -= bytes;
    try {
      this.#handOver(state);
    } catch (error) {
      this.#options.onFailed(error);
    }
    this.#wake.resolve();
    this.#wake = Promise.withResolvers();
  }
}

function recordsGone(state: ConsumedPartition, fetched: FetchedPartition): TaplineError {
  const { topic, partition, position } = state;
  return new TaplineError('KAFKA_LOG_TRUNCATED', {
    message: `Offset ${position} is not in the partition (it holds ${fetched.logStartOffset} to ${fetched.highWatermark}): the topic was made anew, or records were deleted before they were applied.`,
    place: { topic, partition, offset: String(position) },
    remedy:
      'Apply the topic from its start: stop the writer, kafka-consumer-groups.sh --reset-offsets --to-earliest --execute --group <writer> --topic <topic>, start it again. Sinks compare versions, so applying twice is harmless.',
  });
}
