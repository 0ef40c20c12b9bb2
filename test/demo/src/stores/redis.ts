import { Redis } from 'ioredis';
import type { ShopTable } from '../shop.ts';
import { type DemoStore, type OpenStore, rowName, type StoredRow } from './store.ts';

/** The writer keeps a row's version in this field; MySQL has no such column. */
const VERSION_FIELD = '_v';
const PAGE_KEYS = 1000;

/** A hash a row, named `table:key`, in a Redis that keeps its data over a restart. */
export const openRedis: OpenStore = async (stack) => {
  const server = await stack.add('redis', { appendonly: 'yes' });
  const redis = new Redis({ host: server.host, port: server.port });
  // Told by the command that fails.
  redis.on('error', () => undefined);

  const found = (hash: Record<string, string>): StoredRow | undefined => {
    const row = Object.fromEntries(Object.entries(hash).filter(([field]) => field !== VERSION_FIELD));
    return Object.keys(row).length === 0 ? undefined : row;
  };

  const store: DemoStore = {
    title: 'Redis',
    address: `redis://${server.address.address}`,
    server,
    sink: { type: 'redis', address: server.address.address, as: 'hash' },
    pollMs: 1,
    row: async (table, key) => found(await redis.hgetall(`${table.name}:${rowName(key)}`)),
    async rows(table: ShopTable) {
      const rows = new Map<string, StoredRow>();
      for await (const keys of redis.scanStream({ match: `${table.name}:*`, count: PAGE_KEYS })) {
        const pipeline = redis.pipeline();
        for (const key of keys as string[]) pipeline.hgetall(key);
        const answers = (await pipeline.exec()) ?? [];
        for (const [index, key] of (keys as string[]).entries()) {
          const row = found((answers[index]?.[1] ?? {}) as Record<string, string>);
          if (row !== undefined) rows.set(key.slice(table.name.length + 1), row);
        }
      }
      return rows;
    },
    [Symbol.asyncDispose]: () => Promise.resolve(redis.disconnect()),
  };
  return store;
};
