import type { SinkDefinition } from '@tapline/sink';
import { elasticsearchSink } from './elasticsearch/index.ts';
import { hbaseSink } from './hbase/index.ts';
import { mysqlSink } from './mysql/index.ts';
import { opensearchSink } from './opensearch/index.ts';
import { redisSink } from './redis/index.ts';

/** Every kind of sink, by the word in `sink.type`. A new one is a folder here and a line in this table. */
export const SINKS = {
  elasticsearch: elasticsearchSink as typeof elasticsearchSink,
  hbase: hbaseSink as typeof hbaseSink,
  mysql: mysqlSink as typeof mysqlSink,
  opensearch: opensearchSink as typeof opensearchSink,
  redis: redisSink as typeof redisSink,
} as const;

export type SinkType = keyof typeof SINKS;

/** The sink of a configuration. That its settings are the ones beside its `type` is what the configuration has checked, and what a union of types cannot say. */
export function sinkOf(type: SinkType): SinkDefinition {
  return SINKS[type] as SinkDefinition<never> as SinkDefinition;
}
