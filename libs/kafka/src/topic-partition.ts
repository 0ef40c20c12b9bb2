export interface TopicPartition {
  readonly topic: string;
  readonly partition: number;
}

/** What to find a partition by in a map. */
export function partitionName({ topic, partition }: TopicPartition): string {
  return `${topic}/${partition}`;
}
