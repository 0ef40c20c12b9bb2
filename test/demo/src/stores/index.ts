import type { OpenStore } from './store.ts';

/** What `demo --sinks` knows. A further store is one module here and one line. */
export const STORES = {
  redis: async () => (await import('./redis.ts')).openRedis,
  elasticsearch: async () => (await import('./elasticsearch.ts')).openElasticsearch,
  hbase: async () => (await import('./hbase.ts')).openHBase,
  mysql: async () => (await import('./mysql.ts')).openMysql,
} as const satisfies Readonly<Record<string, () => Promise<OpenStore>>>;

export type SinkName = keyof typeof STORES;

export const SINK_NAMES: readonly SinkName[] = ['redis', 'elasticsearch', 'hbase', 'mysql'];
