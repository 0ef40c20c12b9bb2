import type { Table } from '@tapline/schema';
import { putWords } from '../avro-write.ts';
import { type ByteSink, viewOf } from '../byte-sink.ts';
import type { Connector } from '../envelope-schema.ts';
import type { ChangeMeta } from '../transaction.ts';

export interface EventOrigin {
  /** Source name = topic prefix. */
  readonly sourceName: string;
  readonly connector: Connector;
  readonly table: Table;
}

/** Stand where an attribute goes that differs from event to event; each has a constant width. */
const ID = '#'.repeat(19);
const TIME = '@'.repeat(27);
const OP = '~';

/**
 * The attributes of a table's events (CloudEvents 1.0.2), with placeholders for what differs:
 *
 * - `id`: the change's version in 19 digits, so that ids sort as numbers do. With `source` it is unique, and a replay gives the same one.
 * - `source`, `type`: Debezium's forms. The type is Debezium's own, as the data has its shape.
 * - `time`: the commit's, in microseconds.
 * - `iodebezium…`: extension attributes as Debezium names them, of what one filters or routes by. The rest is in the data's `source`.
 */
export function eventAttributes({ sourceName, connector, table }: EventOrigin): Readonly<Record<string, string>> {
  return {
    specversion: '1.0',
    id: ID,
    source: `/tapline/${connector}/${sourceName}`,
    type: `io.debezium.connector.${connector}.DataChangeEvent`,
    time: TIME,
    iodebeziumop: OP,
    // Names that people chose come last: they may hold what looks like a placeholder.
    subject: `${table.database}.${table.name}`,
    iodebeziumdb: table.database,
    iodebeziumtable: table.name,
  };
}

/** Bytes around events of one table, made once: what differs from event to event is written over. */
export class EventFrame {
  readonly #bytes: Buffer;
  readonly #view: DataView;
  readonly #id: number;
  readonly #time: number;
  readonly #op: number;
  #generation = -1;

  /** @param bytes attributes of `eventAttributes` in any text form. */
  constructor(bytes: Buffer) {
    this.#bytes = bytes;
    this.#view = viewOf(bytes);
    this.#id = bytes.indexOf(ID);
    this.#time = bytes.indexOf(TIME);
    this.#op = bytes.indexOf(OP);
  }

  /** The JSON event format up to its `data`; the text of the data and a closing brace belong behind it. */
  static structured(origin: EventOrigin): EventFrame {
    const { specversion, id, source, type, time, ...rest } = eventAttributes(origin);
    const event = { specversion, id, source, type, time, datacontenttype: 'application/json', ...rest };
    return new EventFrame(Buffer.from(`${JSON.stringify(event).slice(0, -1)},"data":`));
  }

  /** The bytes for this event: valid until the next one. */
  stamp(op: string, meta: ChangeMeta): Buffer {
    const { transaction } = meta;
    if (transaction.generation !== this.#generation) {
      this.#bytes.write(rfc3339(transaction.commitMicros), this.#time, 'latin1');
      this.#generation = transaction.generation;
    }
    this.#bytes[this.#op] = op.charCodeAt(0);
    putVersion(this.#bytes, this.#id, meta.version as Buffer);
    return this.#bytes;
  }

  /** Appends the bytes for this event. */
  write(sink: ByteSink, op: string, meta: ChangeMeta): void {
    this.stamp(op, meta);
    sink.ensure(this.#bytes.length);
    putWords(sink, this.#bytes, this.#view, 0, this.#bytes.length);
  }
}

/** 19 digits of a number of 63 bits (8 bytes, big endian), without a BigInt for each event. */
function putVersion(into: Buffer, offset: number, version: Buffer): void {
  // Three groups of 24, 24 and 16 bits, divided by 10^7 digit by digit, as on paper; 24 bits more of a rest stay below 2^53.
  let high = version.readUIntBE(0, 3);
  let middle = version.readUIntBE(3, 3);
  let low = version.readUIntBE(6, 2);
  for (let at = offset + 19; at > offset; ) {
    let rest = high % 1e7;
    high = Math.floor(high / 1e7);
    rest = rest * 0x100_0000 + middle;
    middle = Math.floor(rest / 1e7);
    rest = (rest - middle * 1e7) * 0x1_0000 + low;
    low = Math.floor(rest / 1e7);
    let digits = rest - low * 1e7;
    for (let i = 0; i < 7 && at > offset; i++) {
      const tenth = Math.floor(digits / 10);
      into[--at] = 48 + digits - tenth * 10;
      digits = tenth;
    }
  }
}

/** `2026-11-20T12:00:00.123456Z`, for years 0 to 9999. */
function rfc3339(micros: number): string {
  const ms = Math.floor(micros / 1000);
  return `${new Date(ms).toISOString().slice(0, -1)}${String(micros - ms * 1000).padStart(3, '0')}Z`;
}
