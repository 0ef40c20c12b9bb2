import type { Mark } from './marks.ts';
import { BATCH_HEADER_BYTES, type ProducerIdentity, type RecordBatch } from './record-batch.ts';

/** One topic-partition of a producer. What is appended to a lane is acknowledged in the order of appending. */
export interface Lane {
  readonly topic: string;
  readonly partition: number;
  /** The offset after the last acknowledged record; undefined before the first acknowledgement when it was not given. */
  readonly nextOffset: bigint | undefined;
  /**
   * Bytes of key, value and headers (their count included) with which a record surely finds room in the topic. By the topic's
   * max.message.bytes, known when it went through Topics.ensure() or describe() before the lane was opened; Infinity otherwise.
   */
  readonly maxRecordBytes: number;
}

/** What a batch of one record holds beside key, value and headers, at most: its header, and the record's own lengths and deltas. */
const AROUND_RECORD_BYTES = BATCH_HEADER_BYTES + 32;

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
 * A lane from the inside. The states of its batches, in the order of their records:
 *   `sent` (at most one: sealed, on its way or waiting to be sent again) · `full` (waiting) · `filling`
 *
 * One batch under way a partition is what makes acknowledgements come in order without any further rule: a batch is sealed with
 * the sequence number after the one before it only when that one is acknowledged. Several batches a partition under way would need
 * the broker's rules for gaps on top; with one broker round trip per 512 KiB a single partition still carries 100 MB/s.
 */
export class LaneState implements Lane {
  readonly topic: string;
  readonly partition: number;
  readonly shared: boolean;
  /** Size at which a batch leaves. */
  readonly batchBytes: number;
  readonly maxRecordBytes: number;
  sent: RecordBatch | undefined;
  readonly full: RecordBatch[] = [];
  filling: RecordBatch | undefined;
  /** True when what is in `filling` may leave although it is not full. */
  flushed = false;
  /** In the producer's list of lanes to flush. */
  listed = false;
  /** In the sender's list of lanes with something to send. */
  queued = false;
  /** Not before this time (performance.now()), after an error. */
  notBefore = 0;
  /** Consecutive errors of the batch under way. */
  failures = 0;
  /** When the errors began. */
  failingSince = 0;
  /** Capacity that the last batch came to need: the next one starts with as much. */
  startBytes = 0;
  identity: ProducerIdentity | undefined;
  sequence = 0;
  nextOffset: bigint | undefined;
  /** Records appended and acknowledged since the producer began. */
  appended = 0;
  acknowledged = 0;
  /** The producer's mark round in which this lane was touched last. */
  touchedRound = -1;
  /** Marks that wait for this lane, oldest first, with the `appended` each waits for. */
  readonly marks: { readonly mark: Mark; readonly target: number }[] = [];

  constructor(topic: string, partition: number, limits: LaneLimits, options: LaneOptions) {
    this.topic = topic;
    this.partition = partition;
    this.batchBytes = Math.min(limits.batchBytes, limits.maxMessageBytes);
    this.maxRecordBytes = limits.maxMessageBytes - AROUND_RECORD_BYTES;
    this.nextOffset = options.nextOffset;
    this.shared = options.shared ?? false;
  }

  /** Something can leave now, were it not for `sent` and `notBefore`. */
  get hasReady(): boolean {
    return this.full.length > 0 || (this.flushed && this.filling !== undefined);
  }
}
