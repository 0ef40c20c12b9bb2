import { afterAll, beforeAll, describe, test } from '@jest/globals';
import { type Capability, contractCases } from '@tapline/sink';
import { MovingAddress, openStack, type RedisCluster, type RedisServer, type Stack } from '@tapline/test-stack';
import { Cluster, Redis } from 'ioredis';
import { RedisBench, redisConfig } from './testing/bench.ts';

let stack: Stack;
let server: RedisServer;
let nodes: RedisCluster;
let redis: Redis;
let cluster: Cluster;
let link: MovingAddress;
let places = 0;

// Servers of its own: a case makes them refuse writes.
beforeAll(async () => {
  stack = await openStack({});
  server = await stack.add('redis', true);
  nodes = await stack.add('redisCluster', true);
  redis = new Redis({ host: server.host, port: server.port });
  link = await MovingAddress.open(server.port);
  cluster = new Cluster(nodes.nodes.map(({ host, port }) => ({ host, port })));
});

afterAll(async () => {
  redis?.disconnect();
  cluster?.disconnect();
  await link?.[Symbol.asyncDispose]();
  await stack?.[Symbol.asyncDispose]();
});

const STRING = { as: 'string', value: '${row.id}|${row.name}|${row.a}' } as const;
const OVERWRITES = { spoil: 'a string overwrites whatever stands at its key' } as const;
const WHOLE = { partialRows: 'a text is made of a whole row' } as const;
const NO_LINK = {
  interrupt: 'the nodes of a cluster are known by their own addresses',
  stall: 'the nodes of a cluster are known by their own addresses',
} as const;

interface Shape {
  readonly name: string;
  readonly config: Readonly<Record<string, unknown>>;
  readonly without: Partial<Record<Capability, string>>;
}

const SHAPES: readonly Shape[] = [
  { name: 'hash', config: { as: 'hash' }, without: {} },
  { name: 'json', config: { as: 'json' }, without: WHOLE },
  { name: 'string', config: STRING, without: { ...OVERWRITES, ...WHOLE } },
  { name: 'hash that expires deleted rows', config: { as: 'hash', ttlSeconds: 1000 }, without: {} },
  {
    name: 'counter',
    config: { as: 'counter', collection: 'rows', member: '${key}', amount: '3' },
    without: WHOLE,
  },
  {
    name: 'sorted set',
    config: { as: 'sortedSet', collection: 'rows', score: '2.5' },
    without: WHOLE,
  },
  { name: 'hash in a cluster', config: { as: 'hash', mode: 'cluster' }, without: NO_LINK },
  {
    name: 'string in a cluster',
    config: { ...STRING, mode: 'cluster' },
    without: { ...OVERWRITES, ...WHOLE, ...NO_LINK },
  },
];

describe.each(SHAPES)('redis as $name', ({ config, without }) => {
  test.each(contractCases(without))('$name', async (one) => {
    const place = `contract${++places}`;
    if (config['mode'] === 'cluster') {
      const address = nodes.nodes.map((node) => node.address.address).join(',');
      await one.run(new RedisBench({ redis: cluster, config: redisConfig({ ...config, address }), place }));
      return;
    }
    const throughLink = redisConfig({ ...config, address: `${link.host}:${link.port}` });
    await one.run(new RedisBench({ redis, config: throughLink, place, link: { address: link, target: server.port } }));
  });
});
