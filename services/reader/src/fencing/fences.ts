/** Offsets that hold markers instead of records, ascending, by partition. */
export type Gaps = ReadonlyMap<number, readonly bigint[]>;

/** What a progress record says of the life that wrote it. */
export interface Fences {
  /** Lives of this source that came to write a progress record, this one included. */
  readonly epoch: number;
  /** Under which Kafka knows this life. */
  readonly producerId: bigint;
  readonly producerEpoch: number;
  /** Markers at or beyond the record's offsets, by topic: they hold no changes, so who counts leaves them out. */
  readonly gaps: ReadonlyMap<string, Gaps>;
}

export interface RawFences {
  readonly epoch: number;
  readonly producerId: string;
  readonly producerEpoch: number;
  readonly gaps: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>;
}

/** In a form that JSON has, 64-bit numbers as texts. */
export function rawFences({ gaps, ...life }: Fences): RawFences {
  const ofTopic = (topic: Gaps): Record<string, string[]> =>
    Object.fromEntries([...topic].map(([partition, offsets]) => [partition, offsets.map(String)]));
  const byTopic = Object.fromEntries([...gaps].map(([topic, partitions]) => [topic, ofTopic(partitions)]));
  return { ...life, producerId: String(life.producerId), gaps: byTopic };
}

export function decodeFences({ gaps, ...life }: RawFences): Fences {
  const ofTopic = (topic: RawFences['gaps'][string]): Gaps =>
    new Map(Object.entries(topic).map(([partition, offsets]) => [Number(partition), offsets.map(BigInt)]));
  const byTopic = new Map(Object.entries(gaps).map(([topic, partitions]) => [topic, ofTopic(partitions)]));
  return { ...life, producerId: BigInt(life.producerId), gaps: byTopic };
}
