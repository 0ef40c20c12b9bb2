import { type Kafka, type KafkaRecord, NO_HEADERS, type OrderedProducer } from '@tapline/kafka';
import { inOrder, type Letter, readLetter } from './letter.ts';

/** The dead-letter topic, read as a whole: the last record of each key counts, and a tombstone takes a letter away. */
export class LetterBox implements AsyncDisposable {
  readonly #kafka: Kafka;
  readonly #topic: string;
  #producer: OrderedProducer | undefined;

  constructor(kafka: Kafka, topic: string) {
    this.#kafka = kafka;
    this.#topic = topic;
  }

  /** None when there is no such topic: nothing was ever parked. @throws TaplineError LETTER_UNREADABLE. */
  async letters(signal: AbortSignal): Promise<Letter[]> {
    const found = await this.#kafka.topics.describe(this.#topic, signal);
    const letters: Letter[] = [];
    for (let partition = 0; partition < (found?.partitions ?? 0); partition++) {
      const held = new Map<string, KafkaRecord>();
      for await (const records of this.#kafka.reader.read({ topic: this.#topic, partition, signal })) {
        for (const record of records) {
          const key = record.key?.toString('latin1') ?? '';
          if (record.value === null) held.delete(key);
          else held.set(key, copyOf(record));
        }
      }
      for (const record of held.values()) letters.push(readLetter(record, partition));
    }
    return letters.toSorted(inOrder);
  }

  /** Resolves when the brokers have acknowledged that the letter is gone. */
  async drop({ id, heldIn }: Letter): Promise<void> {
    this.#producer ??= this.#kafka.producer({ bufferBytes: 1_048_576 });
    const lane = this.#producer.lane(this.#topic, heldIn, { shared: true });
    this.#producer.append(lane, Buffer.from(id), null, Date.now(), NO_HEADERS);
    await Promise.race([this.#producer.mark(), this.#producer.failed]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#producer?.[Symbol.asyncDispose]();
  }
}

/** Letters are few, and what was fetched around them is not to stay in memory. */
function copyOf({ key, value, headers, ...rest }: KafkaRecord): KafkaRecord {
  const copy = (bytes: Buffer | null): Buffer | null => (bytes === null ? null : Buffer.from(bytes));
  return { ...rest, key: copy(key), value: copy(value), headers: Buffer.from(headers) };
}
