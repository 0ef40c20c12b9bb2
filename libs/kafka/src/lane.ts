import type { BrokerConnection } from './kafkajs-transport.ts';
import type { Mark } from './marks.ts';
import { BATCH_HEADER_BYTES, nextSequence, type ProducerIdentity, type RecordBatch } from './record-batch.ts';

/** One topic-partition of a producer. What is appended to a lane is acknowledged in the order of appending. */
export interface Lane {
  readonly topic: string;
  readonly partition: number;
  /** The offset after the last acknowledged record; undefined before the first acknowledgement when it was not given. */
  readonly nextOffset: bigint | undefined;
  /**
   * Bytes of key, value and headers (their count included) with which a record surely finds room in the topic. By the topic's
   * max.message.bytes, known when it went through Topics.ensure() or describe() before the lane was opened; else what brokers take at all.
   */
  readonly maxRecordBytes: number;
}

/** What a batch of one record holds beside key, value and headers, at most: its header, and the record's own lengths and deltas. */
const AROUND_RECORD_BYTES = BATCH_HEADER_BYTES + 32;

/**
 * Whatever the topic takes: a broker closes the connection on a larger request (socket.request.max.bytes, 100 MiB by default), and it would be sent
 * again without end.
 */
const LARGEST_REQUEST_BYTES = 100 * 1024 * 1024 - 65_536;

export interface LaneOptions {
  /** What the next record must get, when the caller knows the end of the partition: another offset is TOPIC_SECOND_WRITER. */
  readonly nextOffset?: bigint | undefined;
  /** True when others write to the partition too: then offsets may have gaps, and a mark's offset only says that the records stand below it. */
  readonly shared?: boolean | undefined;
}

export interface LaneLimits {
  /** Size at which the producer's batches leave. */
  readonly batchBytes: number;
  /** Largest batch that the topic takes. Infinity: not known. */
  readonly maxMessageBytes: number;
}

/**
 * A lane from the inside. Its batches, in the order of their records:
 *   `window` (sealed: under way, to be sent again, or acknowledged behind one that is not) · `full` (closed) · `filling`
 *
 * The rules that keep the order, whatever the window's size:
 *   1. A batch is sealed with the sequence number after the one before it, and never changes then.
 *   2. Another batch follows one that is under way only on the same connection (a broker works off a connection in order) and only while the
 *      broker surely remembers this producer: a broker that does not would take any sequence number, so also one behind a gap.
 *   3. When one batch of the window is refused, or its fate unknown, nothing leaves until all the others are answered; then they are sent
 *      again one by one, the oldest first. Only the oldest one's refusal says something: the others may be refused because of it.
 *   4. Acknowledgements are given in the order of the window.
 */
export class LaneState implements Lane {
  // What each record needs stands together: of thousands of lanes none is in the processor's cache.
  filling: RecordBatch | undefined;
  /** Records appended and acknowledged since the producer began. */
  appended = 0;
  acknowledged = 0;
  /** The producer's mark round in which this lane was touched last. */
  touchedRound = -1;
  readonly maxRecordBytes: number;
  readonly topic: string;
  readonly partition: number;
  readonly shared: boolean;
  /** Size at which a batch leaves. */
  readonly batchBytes: number;
  readonly window: RecordBatch[] = [];
  readonly full: RecordBatch[] = [];
  /** True when what is in `filling` may leave although it is not full. */
  flushed = false;
  /** In the producer's list of lanes to flush. */
  listed = false;
  /** In the sender's list of lanes with something to send. */
  queued = false;
  /** Its topic is declared: nothing takes that back while the producer lives. */
  declared = false;
  /** The broker that leads it, by this state of the cluster (LaneQueues counts them). */
  leader: number | undefined;
  leaderBy = 0;
  /** Batches of the window that wait for an answer. */
  underWay = 0;
  /** A batch of the window must be sent again: rule 3. */
  recovering = false;
  /** The log is being looked at: nothing may leave. */
  examining = false;
  /** Where the newest batch of the window was written to. */
  connection: BrokerConnection | undefined;
  /** The broker surely remembers this producer until then (ms since the epoch): rule 2. */
  rememberedUntilMs = 0;
  /** Not before this time (performance.now()), after an error. */
  notBefore = 0;
  /** Consecutive errors of the oldest batch. */
  failures = 0;
  /** When the errors began. */
  failingSince = 0;
  /** Capacity that the last batch came to need: the next one starts with as much. */
  startBytes = 0;
  identity: ProducerIdentity | undefined;
  /** Of the next batch to be sealed. */
  sequence = 0;
  nextOffset: bigint | undefined;
  /** Marks that wait for this lane, oldest first, with the `appended` each waits for. */
  readonly marks: { readonly mark: Mark; readonly target: number }[] = [];

  constructor(topic: string, partition: number, limits: LaneLimits, options: LaneOptions) {
    this.topic = topic;
    this.partition = partition;
    this.batchBytes = Math.min(limits.batchBytes, limits.maxMessageBytes);
    this.maxRecordBytes = Math.min(limits.maxMessageBytes, LARGEST_REQUEST_BYTES) - AROUND_RECORD_BYTES;
    this.nextOffset = options.nextOffset;
    this.shared = options.shared ?? false;
  }

  /** Something waits to be sent, now or when an answer is here. */
  get hasReady(): boolean {
    return this.recovering || this.full.length > 0 || (this.flushed && this.filling !== undefined);
  }

  /** What leaves next is a batch that is not full. */
  get isFilling(): boolean {
    return this.full.length === 0 && !this.recovering;
  }

  /** Whether a batch may follow those under way on this connection: rule 2. */
  mayFollow(connection: BrokerConnection | undefined): boolean {
    return (
      this.full.length > 0 &&
      connection !== undefined &&
      connection === this.connection &&
      Date.now() < this.rememberedUntilMs
    );
  }

  /** Begins a new sequence with the batches of the window. */
  renumber(identity: ProducerIdentity): void {
    this.identity = identity;
    this.sequence = 0;
    for (const batch of this.window) {
      batch.seal(identity, this.sequence);
      this.sequence = nextSequence(this.sequence, batch.count);
    }
  }

  /** The filling batch takes no more records. */
  close(): void {
    if (this.filling !== undefined) this.full.push(this.filling);
    this.filling = undefined;
    this.flushed = false;
  }
}
