import type { KafkaRecord } from './fetched-record.ts';
import type { TopicPartition } from './topic-partition.ts';

export interface ConsumedBatch extends TopicPartition {
  /**
   * In offset order, without gaps but for what compaction removed and for control records. Empty where there is nothing else: the offset to commit
   * moves on all the same. Keys and values are views: copy what outlives the handling.
   */
  readonly records: readonly KafkaRecord[];
  /** The offset to commit once all of the batch is applied. */
  readonly nextOffset: bigint;
  /** End of the partition when the batch was fetched: lag in records = highWatermark - nextOffset. */
  readonly highWatermark: bigint;
}

export interface ConsumeOptions {
  /** Consumer group: members share the partitions, and committed offsets belong to it. */
  readonly group: string;
  /** Waited for where they do not exist. */
  readonly topics: readonly string[];
  /** Whatever topics match one of these, too, also those made later. */
  readonly patterns?: readonly RegExp[] | undefined;
  /** How often new topics and partitions are looked for. Default 30,000. */
  readonly refreshMs?: number | undefined;
  /** Called for each batch of a partition in order; the next one of the same partition comes only after it resolved: that is the back-pressure. */
  onBatch(batch: ConsumedBatch): Promise<void>;
  onAssigned?(partitions: readonly TopicPartition[]): Promise<void>;
  /**
   * The partitions are given up: the group shares them out anew, or the loop is closed. No onBatch begins any more; what was handed
   * over may be finished and committed until this resolves and the onBatch calls that run have ended, in less than rebalanceTimeoutMs.
   * What is not committed then is handed over again, to whoever has the partition.
   */
  onRevoked?(partitions: readonly TopicPartition[]): Promise<void>;
  /**
   * This member gets all partitions of the group and reads none of them: until it is closed, or dies, the others have settled and committed what they had, and wait.
   * Members that share out by other rules than Tapline's do not know of it: look at `assigned`.
   */
  readonly holds?: boolean | undefined;
  /**
   * One member gets all partitions and reads them, the others stand by: for who needs all of them in one place. All members of the group must say so. Each partition has room for two batches
   * then, whatever the others hold, so that an onBatch may wait for those of other partitions.
   */
  readonly alone?: boolean | undefined;
  /** Where partitions that are this member's from now on begin, by partitionName: for who keeps that elsewhere. The committed offset counts for those that are not in it. */
  places?(partitions: readonly TopicPartition[]): Promise<ReadonlyMap<string, bigint>>;
  /** Default 30,000. */
  readonly sessionTimeoutMs?: number | undefined;
  /** Default 60,000. */
  readonly rebalanceTimeoutMs?: number | undefined;
  /** Bytes fetched of one partition at a time, at most; one batch is being handled, one may wait. Of many partitions, less: their share of bufferBytes. Default 1,048,576. */
  readonly partitionBytes?: number | undefined;
  /** Bytes of one fetch over all partitions of a broker. Default 8,388,608. */
  readonly fetchBytes?: number | undefined;
  /** Nothing is fetched while this much is fetched and not handled. Default 33,554,432. */
  readonly bufferBytes?: number | undefined;
}

export interface CommitOffset extends TopicPartition {
  /** The offset of the next record to be applied. */
  readonly offset: bigint;
}

/** A member of a consumer group at work. A group without committed offsets begins at the start of each partition. */
export interface ConsumerLoop extends AsyncDisposable {
  /** Resolves when the group coordinator has stored the offsets. Those of partitions that are not assigned any more are left out. */
  commit(offsets: readonly CommitOffset[]): Promise<void>;
  readonly assigned: readonly TopicPartition[];
  /** Rejects once, with what stopped the loop for good (an onBatch that threw included). */
  readonly failed: Promise<never>;
}
