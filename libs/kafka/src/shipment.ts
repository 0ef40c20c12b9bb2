import type { LaneState } from './lane.ts';
import type { RecordBatch } from './record-batch.ts';

/** A batch in a request that is under way. */
export interface Shipment {
  readonly lane: LaneState;
  readonly batch: RecordBatch;
  isAnswered: boolean;
  /** Of another partition of the topic, in the same request. */
  next: Shipment | undefined;
}

/** The first of each topic, from which the others of the topic are reached. */
export function shipmentsByTopic(shipments: readonly Shipment[]): ReadonlyMap<string, Shipment> {
  const first = new Map<string, Shipment>();
  for (const shipment of shipments) {
    const { topic } = shipment.lane;
    shipment.next = first.get(topic);
    first.set(topic, shipment);
  }
  return first;
}
