import type { KafkaRecord, TopicPartition } from '@tapline/kafka';
import type { Change } from '@tapline/sink';

/** A change that waits until its transaction is whole. */
export interface Waiting {
  readonly change: Change;
  readonly queue: PartitionQueue;
  readonly offset: number;
  /** Of key and value. */
  readonly bytes: number;
  /** Kept only where it may have to be parked. */
  readonly record: KafkaRecord | undefined;
  /** Id of its transaction; undefined where the record does not say. */
  readonly transaction: string | undefined;
  /** Made by a load of its table, beside the stream: of no transaction. */
  readonly isLoaded: boolean;
}

/** What was read of one partition and is not applied, in its order. Versions grow along a partition. */
export class PartitionQueue implements TopicPartition {
  readonly topic: string;
  readonly partition: number;
  /** Everything below was read. */
  position: number;
  /** End of the partition, as far as it is known. */
  end: number;
  /** The version of the record read last. */
  seen = 0n;
  bytes = 0;
  #waiting: Waiting[] = [];
  #first = 0;

  constructor({ topic, partition }: TopicPartition, position: number) {
    this.topic = topic;
    this.partition = partition;
    this.position = position;
    this.end = position;
  }

  get length(): number {
    return this.#waiting.length - this.#first;
  }

  get head(): Waiting | undefined {
    return this.#waiting[this.#first];
  }

  /** Everything below is applied, or in hand to be. */
  get place(): number {
    return this.head?.offset ?? this.position;
  }

  add(waiting: Waiting): void {
    this.#waiting.push(waiting);
    this.bytes += waiting.bytes;
  }

  /** Takes the changes in front for which it holds, at most so many. */
  take(holds: (waiting: Waiting) => boolean, limit: number, into: Waiting[]): void {
    for (let head = this.head; head !== undefined && into.length < limit && holds(head); head = this.head) {
      into.push(head);
      this.bytes -= head.bytes;
      this.#first++;
    }
    if (this.#first === this.#waiting.length || this.#first > 4096) {
      this.#waiting = this.#waiting.slice(this.#first);
      this.#first = 0;
    }
  }

  /** Puts changes back in front, as they were. */
  putBack(taken: readonly Waiting[]): void {
    this.#waiting = [...taken, ...this.#waiting.slice(this.#first)];
    this.#first = 0;
    for (const { bytes } of taken) this.bytes += bytes;
  }
}
