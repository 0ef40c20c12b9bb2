import { afterAll, beforeAll, describe, test } from '@jest/globals';
import { SINK_CONTRACT } from '@tapline/sink';
import { openStack, type RedisCluster, type RedisServer, type Stack } from '@tapline/test-stack';
import { Cluster, Redis } from 'ioredis';
import { RedisBench, redisConfig } from './testing/bench.ts';

let stack: Stack;
let server: RedisServer;
let nodes: RedisCluster;
let redis: Redis;
let cluster: Cluster;
let places = 0;

// Servers of its own: a case makes them refuse writes.
beforeAll(async () => {
  stack = await openStack({});
  server = await stack.add('redis', true);
  nodes = await stack.add('redisCluster', true);
  redis = new Redis({ host: server.host, port: server.port });
  cluster = new Cluster(nodes.nodes.map(({ host, port }) => ({ host, port })));
}, 300_000);

afterAll(async () => {
  redis?.disconnect();
  cluster?.disconnect();
  await stack?.[Symbol.asyncDispose]();
});

const SHAPES: readonly { name: string; config: Readonly<Record<string, unknown>>; needsKind: boolean }[] = [
  { name: 'hash', config: { as: 'hash' }, needsKind: true },
  { name: 'json', config: { as: 'json' }, needsKind: true },
  { name: 'string', config: { as: 'string', value: '${row.id}|${row.name}|${row.a}' }, needsKind: false },
  { name: 'hash that expires deleted rows', config: { as: 'hash', ttlSeconds: 1000 }, needsKind: true },
  { name: 'hash in a cluster', config: { as: 'hash', mode: 'cluster' }, needsKind: true },
  {
    name: 'string in a cluster',
    config: { as: 'string', mode: 'cluster', value: '${row.id}|${row.name}|${row.a}' },
    needsKind: false,
  },
];

describe.each(SHAPES)('redis as $name', ({ config, needsKind }) => {
  // A string overwrites whatever stands at its key: no row can be spoilt.
  const cases = SINK_CONTRACT.filter((one) => needsKind || one.needs !== 'spoil');

  test.each(cases)('$name', async (one) => {
    const clustered = config['mode'] === 'cluster';
    const address = clustered ? nodes.nodes.map((node) => node.address.address).join(',') : server.address.address;
    const place = `contract${++places}`;
    await one.run(
      new RedisBench({ redis: clustered ? cluster : redis, config: redisConfig({ ...config, address }), place }),
    );
  });
});
