import { type Deferred, deferred, TaplineError } from '@tapline/kernel';
import { Alarm } from './alarm.ts';
import { BufferPool } from './buffer-pool.ts';
import type { Cluster } from './cluster.ts';
import { type Compression, compressorFor } from './compression.ts';
import { Declarations } from './fence/declarations.ts';
import type { ProducerLife } from './fence/fence.ts';
import { type Lane, type LaneOptions, LaneState } from './lane.ts';
import { Marks } from './marks.ts';
import { Packer } from './packer.ts';
import { partitionFor } from './partitioner.ts';
import { BATCH_HEADER_BYTES, RecordBatch } from './record-batch.ts';
import { asTaplineError } from './refusals.ts';
import { Sender } from './sender.ts';
import { varintSize } from './varint.ts';

export interface ProducerOptions {
  /** A record batch leaves at the latest when it has this size. Must be below max.message.bytes of the topics. Default 524,288. */
  readonly batchBytes?: number | undefined;
  /** Memory for batches, filling and under way; with thousands of lanes it is more (LANE_BYTES). Default 16,777,216. */
  readonly bufferBytes?: number | undefined;
  /** How batches are compressed. Default none. */
  readonly compression?: Compression | undefined;
  /** Batches of one partition under way at once, 1 to 5. Default 5. */
  readonly inFlight?: number | undefined;
  /** How long flush() waits for more before a batch that is not full leaves, ms. mark() and room() do not wait. Default 0. */
  readonly lingerMs?: number | undefined;
  /**
   * How long after a record's time the brokers surely remember its producer, ms: below their producer.id.expiration.ms (a day, if nobody
   * changed it). Default 600,000.
   */
  readonly rememberedMs?: number | undefined;
  /** Whose records these are, when there is to be one writer at a time: see Fence. Default: nobody's; then nothing keeps others out. */
  readonly life?: ProducerLife | undefined;
  /** Notes durably that this life writes to the topics: called before anything is sent to one for the first time, and waited for. */
  readonly declare?: ((topics: readonly string[]) => Promise<void>) | undefined;
  /** How long a topic may be unknown to the brokers before that is an error. Default 30,000. */
  readonly topicMissingMs?: number | undefined;
}

export interface ProducerStats {
  readonly recordsAppended: number;
  readonly recordsAcknowledged: number;
  readonly bytesAcknowledged: number;
  readonly requests: number;
  readonly retries: number;
  readonly bufferedBytes: number;
  /** Batches of one partition that were under way at once, at most. */
  readonly widestWindow: number;
}

/**
 * Appends records to topic-partitions, each exactly once and in order, whatever happens to the brokers.
 *
 * Promises: what was appended to a lane is acknowledged in order; nothing is skipped; a batch is sent again, equal to the byte, until it is
 * acknowledged or fails for good; the offsets that a lane's acknowledgements name are without a gap, or the producer fails.
 */
export interface OrderedProducer extends AsyncDisposable {
  /** The lane of that partition; the options count when it is asked for first. */
  lane(topic: string, partition: number, options?: LaneOptions): Lane;
  /** murmur2, as the Java client. */
  partitionFor(key: Uint8Array, partitions: number): number;
  /** Copies the record into the lane's batch. `headers`: encodeHeaders(), or NO_HEADERS. Throws what `failed` rejects with. */
  append(lane: Lane, key: Uint8Array | null, value: Uint8Array | null, timestampMs: number, headers: Uint8Array): void;
  /** Lets what is buffered leave, now or when lingerMs have passed. Without it only full batches leave. */
  flush(): void;
  /** undefined while there is room for more; else resolves when there is again. Append beyond it only what belongs together. */
  room(): Promise<void> | undefined;
  /**
   * Resolves when every record appended before is acknowledged, with the next offset of each lane touched since the mark before
   * (as of this mark). Marks resolve in order. What is buffered leaves now.
   */
  mark(): Promise<ReadonlyMap<Lane, bigint>>;
  /** Rejects once, with what stopped the producer for good. */
  readonly failed: Promise<never>;
  readonly stats: ProducerStats;
}

/** See ProducerOptions: brokers must remember longer. */
export const REMEMBERED_MS = 600_000;
/** At most this share of the budget waits for a slow caller to notice: room() opens again here. */
const ROOM_AGAIN = 0.75;
/**
 * The budget grows by so much with each lane, up to so many times the budget: a batch belongs to one lane and costs as much as some ten records. With thousands of lanes
 * the budget alone would be three records a batch.
 */
const LANE_BYTES = 4096;
const MOST_FOR_LANES = 1.5;
/** The first of the lanes that fill at once may start with this part of the budget, the n-th with an n-th of that. */
const START_SHARE = 16;
/** And none with more than this part of what each lane would have if all were filling: what is not filled yet keeps others waiting. */
const LANE_SHARE = 4;

export class BatchingProducer implements OrderedProducer {
  readonly #cluster: Cluster;
  readonly #onClosed: () => void;
  readonly #pool: BufferPool;
  readonly #batchBytes: number;
  /** Without what lanes add. */
  readonly #bufferBytes: number;
  readonly #lingerMs: number;
  readonly #lingering = new Alarm(() => this.#flushNow());
  readonly #lanes = new Map<string, LaneState>();
  readonly #marks = new Marks();
  readonly #packer: Packer;
  readonly #sender: Sender;
  readonly #failed: Deferred<never> = deferred<never>();
  /** Lanes with a filling batch that was not flushed yet. */
  #unflushed: LaneState[] = [];
  /** Acknowledged ones, for the next. */
  readonly #spare: RecordBatch[] = [];
  #waitingForRoom: Deferred<void> | undefined;
  #error: TaplineError | undefined;
  #appended = 0;
  #acknowledged = 0;
  #acknowledgedBytes = 0;

  constructor(cluster: Cluster, options: ProducerOptions, onClosed: () => void = () => undefined) {
    this.#cluster = cluster;
    this.#onClosed = onClosed;
    this.#batchBytes = options.batchBytes ?? 512 * 1024;
    this.#bufferBytes = options.bufferBytes ?? 16 * 1024 * 1024;
    this.#lingerMs = options.lingerMs ?? 0;
    if (this.#bufferBytes < 2 * this.#batchBytes) {
      throw new TaplineError('KAFKA_CONFIG', {
        message: `bufferBytes (${this.#bufferBytes}) must be at least twice batchBytes (${this.#batchBytes}).`,
      });
    }
    this.#pool = new BufferPool({ budgetBytes: this.#bufferBytes, largestBytes: this.#batchBytes });
    this.#packer = new Packer({
      compressor: compressorFor(options.compression ?? 'none'),
      pool: this.#pool,
      onPacked: (lane) => {
        this.#sender.ready(lane);
        this.#sender.send();
      },
      onFailed: (error) => this.#fail(asTaplineError(error)),
    });
    this.#sender = new Sender(cluster, {
      packer: this.#packer,
      window: options.inFlight ?? 5,
      rememberedMs: options.rememberedMs ?? REMEMBERED_MS,
      topicMissingMs: options.topicMissingMs ?? 30_000,
      life: options.life,
      declarations: this.#declarations(options.declare),
      onAcknowledged: (lane, batch, baseOffset) => this.#onAcknowledged(lane, batch, baseOffset),
      onFailed: (error) => this.#fail(error),
    });
  }

  #declarations(declare: ProducerOptions['declare']): Declarations | undefined {
    if (declare === undefined) return undefined;
    const onDeclared = (): void => this.#sender.wake();
    return new Declarations({ declare, onDeclared, onFailed: (error) => this.#fail(error) });
  }

  get failed(): Promise<never> {
    return this.#failed.promise;
  }

  get stats(): ProducerStats {
    return {
      recordsAppended: this.#appended,
      recordsAcknowledged: this.#acknowledged,
      bytesAcknowledged: this.#acknowledgedBytes,
      requests: this.#sender.requests,
      retries: this.#sender.retries,
      bufferedBytes: this.#pool.usedBytes,
      widestWindow: this.#sender.widestWindow,
    };
  }

  lane(topic: string, partition: number, options: LaneOptions = {}): Lane {
    const key = `${partition} ${topic}`;
    const existing = this.#lanes.get(key);
    if (existing !== undefined) return existing;
    const maxMessageBytes = this.#cluster.maxMessageBytes.get(topic) ?? Number.POSITIVE_INFINITY;
    const lane = new LaneState(topic, partition, { batchBytes: this.#batchBytes, maxMessageBytes }, options);
    this.#lanes.set(key, lane);
    this.#pool.budgetBytes =
      this.#bufferBytes + Math.min(this.#lanes.size * LANE_BYTES, this.#bufferBytes * MOST_FOR_LANES);
    return lane;
  }

  partitionFor(key: Uint8Array, partitions: number): number {
    return partitionFor(key, partitions);
  }

  append(lane: Lane, key: Uint8Array | null, value: Uint8Array | null, timestampMs: number, headers: Uint8Array): void {
    if (this.#error !== undefined) throw this.#error;
    const state = lane as LaneState;
    let batch = state.filling ?? this.#startBatch(state);
    let bytes = batch.recordBytes(key, value, timestampMs, headers.length);
    if (!batch.fits(bytes)) {
      batch = this.#makeRoom(state, batch, bytes);
      bytes = batch.recordBytes(key, value, timestampMs, headers.length);
    }
    batch.add(key, value, timestampMs, headers, bytes);
    state.appended++;
    this.#appended++;
    this.#marks.touch(state);
  }

  flush(): void {
    if (this.#unflushed.length === 0) return;
    if (this.#lingerMs > 0) this.#lingering.in(this.#lingerMs);
    else this.#flushNow();
  }

  #flushNow(): void {
    for (const lane of this.#unflushed) {
      lane.listed = false;
      if (lane.filling === undefined) continue;
      lane.flushed = true;
      this.#sender.ready(lane);
    }
    this.#unflushed = [];
    this.#sender.send();
  }

  room(): Promise<void> | undefined {
    if (this.#error !== undefined) return Promise.reject(this.#error);
    if (this.#pool.hasRoom) return undefined;
    // Whoever waits cannot flush: what fills the buffers must be able to leave.
    this.#flushNow();
    this.#waitingForRoom ??= deferred();
    return this.#waitingForRoom.promise;
  }

  mark(): Promise<ReadonlyMap<Lane, bigint>> {
    if (this.#error !== undefined) return Promise.reject(this.#error);
    const mark = this.#marks.set();
    this.#flushNow();
    return mark.promise;
  }

  /** Drops what is not acknowledged yet: mark() first to have it acknowledged. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#sender.stop();
    this.#fail(new TaplineError('KAFKA_CLOSED', { message: 'The producer was closed.' }));
    this.#onClosed();
  }

  #startBatch(lane: LaneState): RecordBatch {
    // The more lanes fill at once, the smaller they start: thousands that were busy once must not take the budget with a record each.
    const { budgetBytes } = this.#pool;
    const share = budgetBytes / Math.max(START_SHARE * (this.#unflushed.length + 1), LANE_SHARE * this.#lanes.size);
    const buffer = this.#pool.take(Math.min(lane.startBytes, share));
    const batch = this.#spare.pop()?.renew(buffer, lane.batchBytes) ?? new RecordBatch(buffer, lane.batchBytes);
    lane.filling = batch;
    if (!lane.listed) {
      lane.listed = true;
      this.#unflushed.push(lane);
    }
    return batch;
  }

  /** A batch in which the record finds room: this one in a larger buffer, or the next one. */
  #makeRoom(lane: LaneState, batch: RecordBatch, recordBytes: number): RecordBatch {
    const needed = batch.position + recordBytes + varintSize(recordBytes);
    if (needed <= lane.batchBytes) {
      // By twos: what is filled is copied each time, and beside thousands of others it is not in the processor's cache.
      const larger = Math.min(Math.max(needed, 2 * batch.buffer.length), lane.batchBytes);
      this.#pool.give(batch.grow(this.#pool.take(larger), lane.batchBytes));
      return batch;
    }
    if (batch.count === 0) {
      // A record larger than a batch travels alone, in a buffer of its own.
      this.#pool.give(batch.grow(this.#pool.take(needed)));
      return batch;
    }
    lane.startBytes = lane.batchBytes;
    lane.close();
    this.#packer.start(lane);
    this.#sender.ready(lane);
    this.#sender.send();
    const next = this.#startBatch(lane);
    // First in a batch it may take more bytes than as a later one: 20 covers all the variable lengths.
    const alone = BATCH_HEADER_BYTES + recordBytes + 20;
    if (alone > Math.min(next.buffer.length, lane.batchBytes)) this.#pool.give(next.grow(this.#pool.take(alone)));
    return next;
  }

  #onAcknowledged(lane: LaneState, batch: RecordBatch, baseOffset: bigint): void {
    const expected = lane.nextOffset;
    if (expected !== undefined && baseOffset !== expected && !lane.shared) {
      this.#fail(offsetError(lane, expected, baseOffset));
      return;
    }
    lane.nextOffset = baseOffset + BigInt(batch.count);
    lane.acknowledged += batch.count;
    this.#acknowledged += batch.count;
    this.#acknowledgedBytes += batch.position;
    lane.startBytes = Math.min(Math.max(batch.filledBytes, lane.startBytes >>> 1), lane.batchBytes);
    this.#pool.give(batch.release());
    this.#spare.push(batch);
    this.#marks.acknowledged(lane);
    if (this.#waitingForRoom !== undefined && this.#pool.usedBytes <= this.#pool.budgetBytes * ROOM_AGAIN) {
      this.#waitingForRoom.resolve();
      this.#waitingForRoom = undefined;
    }
  }

  #fail(error: TaplineError): void {
    if (this.#error !== undefined) return;
    this.#error = error;
    this.#lingering.stop();
    this.#sender.stop();
    if (error.code !== 'KAFKA_CLOSED') this.#cluster.logger.error('Kafka: the producer stopped', { error });
    this.#failed.reject(error);
    this.#marks.reject(error);
    this.#waitingForRoom?.reject(error);
  }
}

function offsetError(lane: Lane, expected: bigint, found: bigint): TaplineError {
  const place = { topic: lane.topic, partition: lane.partition, offset: String(found) };
  if (found > expected) {
    return new TaplineError('TOPIC_SECOND_WRITER', {
      message: `Records were acknowledged at offset ${found} where ${expected} comes next: ${found - expected} records were written by somebody else.`,
      place,
    });
  }
  return new TaplineError('KAFKA_LOG_TRUNCATED', {
    message: `Records were acknowledged at offset ${found}, but everything below ${expected} had been acknowledged before.`,
    place,
  });
}
