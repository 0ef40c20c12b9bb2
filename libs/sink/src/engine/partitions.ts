import { type CommitOffset, partitionName, type TopicPartition } from '@tapline/kafka';
import { PartitionLedger } from './ledger.ts';

/** Lag of all partitions that a member has, or of some of them. */
export interface Lag {
  /** Records of the partitions that are not settled, as of the last fetch. */
  readonly records: number;
  /** How long ago the oldest change that is not settled was committed in the source; 0 when all known ones are. */
  readonly seconds: number;
}

/** The ledgers of the partitions that this member has now. */
export class Partitions {
  readonly #ledgers = new Map<string, PartitionLedger>();
  /** What is paused stays so when it goes and comes again. */
  readonly #paused = new Set<string>();

  /** Undefined when the partition is not ours. */
  get(place: TopicPartition): PartitionLedger | undefined {
    return this.#ledgers.get(partitionName(place));
  }

  get count(): number {
    return this.#ledgers.size;
  }

  assign(partitions: readonly TopicPartition[]): void {
    this.revoke(partitions);
    for (const place of partitions) {
      const name = partitionName(place);
      const ledger = new PartitionLedger(place.topic, place.partition);
      if (this.#paused.has(name)) ledger.pause();
      this.#ledgers.set(name, ledger);
    }
  }

  revoke(partitions: readonly TopicPartition[]): void {
    for (const place of partitions) {
      const name = partitionName(place);
      this.#ledgers.get(name)?.revoke();
      this.#ledgers.delete(name);
    }
  }

  pause(partitions: readonly TopicPartition[]): void {
    for (const place of partitions) {
      const name = partitionName(place);
      this.#paused.add(name);
      this.#ledgers.get(name)?.pause();
    }
  }

  resume(partitions: readonly TopicPartition[]): void {
    for (const place of partitions) {
      const name = partitionName(place);
      this.#paused.delete(name);
      this.#ledgers.get(name)?.resume();
    }
  }

  /** Nobody waits for a partition any more. */
  openAll(): void {
    for (const ledger of this.#ledgers.values()) ledger.letGo();
  }

  /** Offsets below which everything is settled and that were not committed yet. */
  uncommitted(): CommitOffset[] {
    const offsets: CommitOffset[] = [];
    for (const { topic, partition, toCommit } of this.#ledgers.values()) {
      if (toCommit !== undefined) offsets.push({ topic, partition, offset: BigInt(toCommit) });
    }
    return offsets;
  }

  committed(offsets: readonly CommitOffset[]): void {
    for (const committed of offsets) this.get(committed)?.committed(Number(committed.offset));
  }

  lag(): Lag {
    let records = 0;
    let lagMs = 0;
    const now = Date.now();
    for (const ledger of this.#ledgers.values()) {
      records += ledger.lagRecords;
      lagMs = Math.max(lagMs, ledger.lagMs(now));
    }
    return { records, seconds: lagMs / 1000 };
  }

  /** For /state. */
  describe(): readonly Readonly<Record<string, unknown>>[] {
    return [...this.#ledgers.values()].map((ledger) => ({
      topic: ledger.topic,
      partition: ledger.partition,
      appliedBelow: ledger.unbroken,
      receivedBelow: ledger.nextOffset,
      lagRecords: ledger.lagRecords,
      underWay: ledger.open,
      ...(ledger.isPaused ? { paused: true } : {}),
    }));
  }
}
