import { readTransactionNote } from '@tapline/envelope';
import { type ConsumedBatch, FetchedRecord, type KafkaRecord, readHeader, type TopicPartition } from '@tapline/kafka';
import { TaplineError } from '@tapline/kernel';
import { type Change, claimedBytes, copyOf, type Decode, PatientDecoder, placedAt } from '@tapline/sink';
import { changesOf, type Pipeline } from '../pipeline.ts';
import type { Gatherer, PlacedNote } from './gatherer.ts';
import type { PartitionQueue } from './queue.ts';

export interface IntakeOptions {
  readonly pipeline: Pipeline;
  /** Name of the source: all changes must be of it. */
  readonly source: string;
  /** Whether records are kept, to be parked. */
  readonly keepsRecords: boolean;
  /** A record that is no change. Resolves when it is dealt with; rejects to end everything. */
  readonly unreadable: (error: TaplineError, place: TopicPartition, record: KafkaRecord) => Promise<void>;
  readonly retrying: (error: unknown) => void;
  readonly recovered: () => void;
  /** The record's whole value was fetched from where it stands. */
  readonly claimed: (bytes: number) => void;
  readonly signal: AbortSignal;
}

/** What came before in the partition: a tombstone is of the transaction of the delete in front of it. */
interface Last {
  readonly key: Buffer | null;
  readonly transaction: string | undefined;
  readonly isLoaded: boolean;
}

/** From records of topics to changes that wait for their transactions. */
export class Intake {
  readonly #options: IntakeOptions;
  readonly #decoder: PatientDecoder;
  readonly #last = new Map<PartitionQueue, Last>();

  constructor(options: IntakeOptions) {
    const { pipeline, signal, retrying, recovered } = options;
    const decode: Decode = (batch, record) => pipeline.read(batch, record);
    this.#options = options;
    this.#decoder = new PatientDecoder({ decode, signal, retrying, recovered });
  }

  /** Gives how many changes a filter left out. */
  async changes(batch: ConsumedBatch, queue: PartitionQueue, gatherer: Gatherer): Promise<number> {
    let filtered = 0;
    queue.end = Number(batch.highWatermark);
    for (const record of batch.records) {
      if (Number(record.offset) < queue.position) continue;
      filtered += (await this.#record(batch, record, queue, gatherer)) ? 0 : 1;
    }
    queue.position = Math.max(queue.position, Number(batch.nextOffset));
    return filtered;
  }

  /** @throws TaplineError ENVELOPE_UNREADABLE. */
  notes({ topic, partition, records, nextOffset }: ConsumedBatch, gatherer: Gatherer): void {
    for (const record of records) {
      if (record.value !== null) gatherer.note(noteOf(record, { topic, partition }));
    }
    gatherer.notesReadTo(Number(nextOffset));
  }

  /** False: a filter left it out. */
  async #record(
    batch: TopicPartition,
    record: KafkaRecord,
    queue: PartitionQueue,
    gatherer: Gatherer,
  ): Promise<boolean> {
    const offset = Number(record.offset);
    const read = this.#decoder.read(batch, record);
    const change = (read instanceof Promise ? await read : read) as Change | TaplineError;
    if (change instanceof TaplineError) {
      await this.#options.unreadable(placedAt(change, batch, offset), batch, record);
      queue.position = offset + 1;
      return true;
    }
    this.#refuseOther(change);
    const { transaction, isLoaded } = this.#transactionOf(change, record, queue);
    gatherer.read(queue, { change, transaction, offset });
    const kept = this.#options.keepsRecords ? copyOf(record) : undefined;
    const claimed = claimedBytes(FetchedRecord.of(record));
    if (claimed > 0) this.#options.claimed(claimed);
    const bytes = (record.key?.length ?? 0) + (claimed || (record.value?.length ?? 0));
    const [own] = changesOf(this.#options.pipeline.transform(change));
    if (own === undefined) return false;
    queue.add({ change: own, queue, offset, bytes, record: kept, transaction, isLoaded });
    return true;
  }

  #transactionOf({ source, tombstone }: Change, { key }: KafkaRecord, queue: PartitionQueue): Omit<Last, 'key'> {
    const before = this.#last.get(queue);
    if (tombstone) {
      const isOfDelete = before?.key !== undefined && before.key !== null && key?.equals(before.key) === true;
      return isOfDelete ? before : { transaction: undefined, isLoaded: false };
    }
    const isLoaded = source !== null && source.gtid === null;
    const last = { key: key === null ? null : Buffer.from(key), transaction: source?.gtid ?? undefined, isLoaded };
    this.#last.set(queue, last);
    return last;
  }

  #refuseOther({ source, topic }: Change): void {
    if (source === null || source.name === this.#options.source) return;
    throw new TaplineError('WRITER_TRANSACTIONS', {
      message: `Transactions are applied of one source, ${this.#options.source}; ${topic} has changes of ${source.name}.`,
      place: { topic },
      remedy: 'Give each source a writer of its own.',
    });
  }
}

function noteOf({ value, headers, offset }: KafkaRecord, place: TopicPartition): PlacedNote {
  const version = readHeader(headers, 'v');
  if (version?.length === 8) {
    return { ...readTransactionNote(value as Buffer), version: version.readBigInt64BE(), offset: Number(offset) };
  }
  throw new TaplineError('ENVELOPE_UNREADABLE', {
    message:
      'A record of the transaction topic has no version (header `v`): it was not written by a reader of Tapline.',
    place: { ...place, offset: String(offset) },
  });
}
