import { putSafeLong, writeString } from './avro-write.ts';
import { GrowingSink } from './byte-sink.ts';
import type { SnapshotValue } from './envelope-schema.ts';

/** What is the same for all changes of a transaction (or of a snapshot chunk). */
export interface TransactionStart {
  /** `uuid:42`, MariaDB `0-1-42`; '' when there is none: `source.gtid` is then null. */
  readonly gtid: string;
  /** `transaction.id`: default the GTID. undefined and no GTID: `transaction` is null, as in a snapshot. */
  readonly id?: string;
  /** Commit time, microseconds since the epoch. */
  readonly commitMicros: bigint;
  /** Binlog file. */
  readonly file: string;
  readonly serverId: number;
  /** Default 'false': not from a snapshot. */
  readonly snapshot?: SnapshotValue;
}

let starts = 0;

/**
 * The transaction's part of the envelope, encoded once. One object serves a whole stream: `start` for each transaction; then it goes with each
 * `writeValue` inside ChangeMeta.
 */
export class TransactionContext {
  /** Encoded `source.ts_ms` … `source.file`. */
  readonly source: GrowingSink = new GrowingSink(256);
  /** Encoded `transaction`: the union branch and the id; one 0 byte when there is none. */
  readonly block: GrowingSink = new GrowingSink(128);
  hasBlock = false;
  /** Of `start`; exact until the year 2255. */
  commitMicros = 0;
  /** Another number after every `start` of any context: what was made from the context is stale when it differs. */
  generation = 0;

  start(transaction: TransactionStart): this {
    this.generation = ++starts;
    this.commitMicros = Number(transaction.commitMicros);
    this.#encodeSource(transaction);
    const id = transaction.id ?? transaction.gtid;
    const { block } = this;
    block.position = 0;
    this.hasBlock = id !== '';
    block.buffer[block.position++] = this.hasBlock ? 2 : 0;
    if (this.hasBlock) writeString(block, id);
    return this;
  }

  #encodeSource(transaction: TransactionStart): void {
    const { source } = this;
    const micros = this.commitMicros;
    source.position = 0;
    source.ensure(64);
    putSafeLong(source, Math.floor(micros / 1000));
    source.buffer[source.position++] = 2;
    putSafeLong(source, micros);
    source.buffer[source.position++] = 0;
    writeString(source, transaction.snapshot ?? 'false');
    source.ensure(16);
    putSafeLong(source, transaction.serverId);
    source.buffer[source.position++] = transaction.gtid === '' ? 0 : 2;
    if (transaction.gtid !== '') writeString(source, transaction.gtid);
    writeString(source, transaction.file);
  }
}

/** What differs from row to row; one object is filled again for each. */
export interface ChangeMeta {
  readonly transaction: TransactionContext;
  /** `source.pos`: where the row's event starts in the binlog file. */
  position: number;
  /** `source.row`: the row's number in its event, from 0. */
  row: number;
  /** `ts_ms`: when Tapline read the change, milliseconds since the epoch. */
  readMs: number;
  /** `transaction.total_order` and `.data_collection_order`: the change's number in the transaction, and among its table's, from 1. */
  totalOrder: number;
  tableOrder: number;
  /** The version the record gets, 8 bytes big endian: the id of a CloudEvent. Only those need it. */
  readonly version?: Buffer;
}
