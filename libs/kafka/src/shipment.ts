import type { LaneState } from './lane.ts';
import { copiedBytes } from './protocol.ts';
import type { RecordBatch } from './record-batch.ts';

/** A batch in a request that is under way. */
export interface Shipment {
  lane: LaneState;
  batch: RecordBatch;
  isAnswered: boolean;
  /** Of another partition of the topic, in the same request. */
  next: Shipment | undefined;
}

/** Length and number of a topic with one batch, of that batch, and what the request begins with. */
const AROUND_BATCH_BYTES = 16;
const AROUND_REQUEST_BYTES = 64;
const NO_BYTES = Buffer.alloc(0);

/**
 * What travels in one request. With thousands of lanes that is some hundred batches of a few records, many times a second: all that is made for it, and the
 * request's bytes, are used again. They wait for an answer too long to be garbage of the young kind.
 */
export class Shipments {
  readonly list: Shipment[] = [];
  readonly #byTopic = new Map<string, Shipment>();
  readonly #spare: Shipment[] = [];
  /** Of the batches. */
  bytes = 0;
  #roomBytes = AROUND_REQUEST_BYTES;
  #room: Buffer = NO_BYTES;

  /** The first of each topic, from which the others of the topic are reached. */
  get byTopic(): ReadonlyMap<string, Shipment> {
    return this.#byTopic;
  }

  add(lane: LaneState, batch: RecordBatch): void {
    const next = this.#byTopic.get(lane.topic);
    const shipment = this.#spare.pop() ?? { lane, batch, isAnswered: false, next };
    shipment.lane = lane;
    shipment.batch = batch;
    shipment.isAnswered = false;
    shipment.next = next;
    this.#byTopic.set(lane.topic, shipment);
    this.list.push(shipment);
    this.bytes += batch.position;
    this.#roomBytes += AROUND_BATCH_BYTES + lane.topic.length + copiedBytes(batch.position);
  }

  find(topic: string, partition: number): Shipment | undefined {
    let shipment = this.#byTopic.get(topic);
    while (shipment !== undefined && shipment.lane.partition !== partition) shipment = shipment.next;
    return shipment;
  }

  /** Where the request is put together: large enough for all but the batches that are not copied. */
  room(): Buffer {
    if (this.#room.length < this.#roomBytes)
      this.#room = Buffer.allocUnsafeSlow(this.#roomBytes + (this.#roomBytes >>> 3));
    return this.#room;
  }

  /** For another request. Only when the answer is there: until then the bytes may still have to be written. */
  clear(): void {
    for (const shipment of this.list) this.#spare.push(shipment);
    this.list.length = 0;
    this.#byTopic.clear();
    this.bytes = 0;
    this.#roomBytes = AROUND_REQUEST_BYTES;
  }
}
