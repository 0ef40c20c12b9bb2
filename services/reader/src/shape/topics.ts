import type { Table } from '@tapline/schema';
import type { Destination, SharedTopic } from './rules.ts';

/** Where a table's records go. */
export interface TopicChoice {
  readonly topic: string;
  readonly shared: SharedTopic;
  readonly partitions: number | undefined;
  /** Settings over those of `topics.config`. */
  readonly config: Readonly<Record<string, string>>;
}

const DEFAULT_TOPIC = '${source}.${database}.${table}';

/** The topic of a table, as its rules have it. */
export function topicChoice(source: string, table: Pick<Table, 'database' | 'name'>, shape: Destination): TopicChoice {
  const values: Readonly<Record<string, string>> = { source, database: table.database, table: table.name };
  const name = (shape.topic ?? DEFAULT_TOPIC).replaceAll(/\$\{(\w+)\}/g, (all, key: string) => values[key] ?? all);
  return {
    topic: topicName(name),
    shared: shape.sharedTopic,
    partitions: shape.partitions,
    config: shape.config,
  };
}

/** What Kafka does not allow in a topic's name becomes `_`. */
export function topicName(wanted: string): string {
  return wanted.replaceAll(/[^A-Za-z0-9._-]/g, '_');
}
