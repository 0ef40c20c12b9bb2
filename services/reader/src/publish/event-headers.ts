import { type ChangeMeta, EventFrame, type EventOrigin, eventAttributes } from '@tapline/envelope';
import { encodeHeaders } from '@tapline/kafka';

const VERSION_BYTES = 8;
const text = (value: string): Buffer => Buffer.from(value);

/** The headers of one table's records where they are CloudEvents (Kafka protocol binding 1.0.2): beside Tapline's own `v`. */
export class EventHeaders {
  readonly #bytes: Buffer;
  readonly #frame: EventFrame | undefined;

  private constructor(headers: Readonly<Record<string, Buffer>>, changing: boolean) {
    this.#bytes = Buffer.from(encodeHeaders({ ...headers, v: Buffer.alloc(VERSION_BYTES) }));
    this.#frame = changing ? new EventFrame(this.#bytes) : undefined;
  }

  /** Binary mode: the value stays as it is, the attributes are headers. */
  static binary(origin: EventOrigin): EventHeaders {
    const attributes = Object.entries(eventAttributes(origin)).map(([name, value]) => [`ce_${name}`, text(value)]);
    const contentType = { 'content-type': text('application/avro') };
    return new EventHeaders({ ...contentType, ...(Object.fromEntries(attributes) as Record<string, Buffer>) }, true);
  }

  /** Structured mode: the value is the event, and the header says so. */
  static structured(): EventHeaders {
    return new EventHeaders({ 'content-type': text('application/cloudevents+json; charset=UTF-8') }, false);
  }

  /** The headers of this change: valid until the next one. */
  stamp(op: string, meta: ChangeMeta, version: Buffer): Buffer {
    this.#frame?.stamp(op, meta);
    version.copy(this.#bytes, this.#bytes.length - VERSION_BYTES);
    return this.#bytes;
  }
}
