import type { BinlogStream, RowsEvent } from '@tapline/binlog';
import {
  type AvroEnvelope,
  type ChangeMeta,
  compileEnvelope,
  GrowingSink,
  TransactionContext,
} from '@tapline/envelope';
import { type Recording, replay } from './record.ts';

const SCHEMA_IDS = { key: 1, value: 2 };

/** What came out of a recording. */
export interface Encoded {
  rows: number;
  avroBytes: number;
}

/** Takes an encoded row; what it is given is overwritten by the next row. A promise when the next one must wait. */
export type TakeRow = (key: Buffer, value: Buffer) => Promise<void> | undefined;

/** The whole recording: every row change as Avro key and value in the full envelope, given to `take` or thrown away. */
export async function encodeAll(recording: Recording, take?: TakeRow): Promise<Encoded> {
  await using stream = replay(recording);
  return await new Encoder(recording, take).run(stream);
}

class Encoder {
  readonly #recording: Recording;
  readonly #key = new GrowingSink(1024);
  readonly #value = new GrowingSink(64 * 1024);
  readonly #transaction = new TransactionContext();
  readonly #meta: ChangeMeta = {
    transaction: this.#transaction,
    position: 0,
    row: 0,
    readMs: 0,
    totalOrder: 0,
    tableOrder: 0,
  };
  readonly #encoded: Encoded = { rows: 0, avroBytes: 0 };
  readonly #take: TakeRow | undefined;
  #envelope: AvroEnvelope | undefined;

  constructor(recording: Recording, take: TakeRow | undefined) {
    this.#recording = recording;
    this.#take = take;
  }

  async run(stream: BinlogStream): Promise<Encoded> {
    const encoded = this.#encoded;
    while (encoded.rows < this.#recording.rows) {
      this.#meta.readMs = Date.now();
      for (const event of await stream.pull()) {
        if (event.kind === 'begin') {
          const { gtid, commitMicros, position } = event;
          this.#transaction.start({ gtid, commitMicros, file: position.file, serverId: 1 });
          this.#meta.totalOrder = 0;
        } else if (event.kind === 'rows') {
          await this.#rows(event);
        }
      }
    }
    return encoded;
  }

  async #rows(event: RowsEvent): Promise<void> {
    const envelope = (this.#envelope ??= this.#compile(event));
    const key = this.#key;
    const value = this.#value;
    const meta = this.#meta;
    meta.position = event.position.position;
    while (event.next()) {
      meta.row = event.rowIndex;
      meta.totalOrder++;
      meta.tableOrder = meta.totalOrder;
      key.position = 0;
      value.position = 0;
      envelope.writeKey(key, event.after);
      if (event.op === 'insert') envelope.writeValue(value, 'c', undefined, event.after, meta);
      else envelope.writeValue(value, 'u', event.before, event.after, meta);
      this.#encoded.rows++;
      this.#encoded.avroBytes += key.position + value.position;
      const taken = this.#take?.(key.written(), value.written());
      if (taken !== undefined) await taken;
    }
  }

  #compile({ table: wire }: RowsEvent): AvroEnvelope {
    const { table } = this.#recording;
    const envelope = compileEnvelope({ source: 'bench', table, keyColumns: table.primaryKey, wire });
    envelope.bind(SCHEMA_IDS);
    return envelope;
  }
}
