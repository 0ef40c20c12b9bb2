import { setTimeout as delay } from 'node:timers/promises';
import { TaplineError } from '@tapline/kernel';
import { Redis } from 'ioredis';
import type { StackContext } from '../context.ts';
import { createRedis, type RedisAddress, type RedisServer, type RedisSettings } from './redis.ts';

const SLOTS = 16_384;

export interface RedisClusterAddress {
  readonly nodes: readonly RedisAddress[];
}

/** Three masters without replicas, each with a third of the slots. */
export class RedisCluster implements AsyncDisposable {
  readonly name = 'redis-cluster';
  readonly nodes: readonly RedisServer[];
  readonly #busPorts: readonly number[];
  #formed = false;

  constructor(nodes: readonly RedisServer[], busPorts: readonly number[]) {
    this.nodes = nodes;
    this.#busPorts = busPorts;
  }

  get address(): RedisClusterAddress {
    return { nodes: this.nodes.map((node) => node.address) };
  }

  /** Resolves when every node sees all slots served. */
  async start(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.start()));
    const clients = this.nodes.map((node) => new Redis({ host: node.host, port: node.port }));
    try {
      if (!this.#formed) await this.#form(clients);
      this.#formed = true;
      await waitForSlots(clients);
    } finally {
      for (const client of clients) client.disconnect();
    }
  }

  async stop(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.stop()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #form(clients: readonly Redis[]): Promise<void> {
    const share = Math.ceil(SLOTS / clients.length);
    for (const [index, client] of clients.entries()) {
      await client.call('CLUSTER', 'ADDSLOTSRANGE', index * share, Math.min(SLOTS, (index + 1) * share) - 1);
      await client.call('CLUSTER', 'SET-CONFIG-EPOCH', index + 1);
    }
    for (const [index, node] of this.nodes.entries()) {
      if (index > 0) await clients[0]?.call('CLUSTER', 'MEET', node.host, node.port, this.#busPorts[index] ?? 0);
    }
  }
}

async function waitForSlots(clients: readonly Redis[]): Promise<void> {
  const end = performance.now() + 300_000;
  for (const client of clients) {
    for (;;) {
      const info = String(await client.call('CLUSTER', 'INFO'));
      if (info.includes('cluster_state:ok') && info.includes(`cluster_known_nodes:${clients.length}`)) break;
      if (performance.now() > end)
        throw new TaplineError('STACK_START_FAILED', { message: `The Redis cluster does not form: ${info}` });
      await delay(50);
    }
  }
}

export async function createRedisCluster(context: StackContext, settings: RedisSettings = {}): Promise<RedisCluster> {
  // Set, as the default bus port (port + 10000) could be anybody's.
  const busPorts = await context.reserve(3);
  const nodes: RedisServer[] = [];
  for (const [index, busPort] of busPorts.entries()) {
    const cluster = {
      'cluster-enabled': 'yes',
      'cluster-config-file': 'nodes.conf',
      'cluster-announce-ip': '127.0.0.1',
      'cluster-port': String(busPort),
    };
    nodes.push(await createRedis(context, { ...cluster, ...settings }, `redis-cluster-${index + 1}`));
  }
  return new RedisCluster(nodes, busPorts);
}
