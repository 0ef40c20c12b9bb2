import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { TaplineError } from '@tapline/kernel';
import { Redis } from 'ioredis';
import { ProcessServer, type StackContext } from '../context.ts';
import { probeTcp } from '../probe.ts';
import { createRedis, type RedisAddress, type RedisServer, type RedisSettings, redisProcess } from './redis.ts';

/** Name under which the sentinels watch the master. */
const MASTER_NAME = 'tapline';

export interface RedisSentinelAddress {
  readonly name: string;
  readonly sentinels: readonly RedisAddress[];
}

class Sentinel extends ProcessServer {
  get address(): RedisAddress {
    return { host: this.host, port: this.port, address: `${this.host}:${this.port}` };
  }

  protected override async ready(): Promise<boolean> {
    return await probeTcp(this.port, 'PING\r\n', '+PONG');
  }
}

/** A master, a replica and three sentinels that promote the replica about two seconds after the master is gone. */
export class RedisSentinelGroup implements AsyncDisposable {
  readonly name = 'redis-sentinel';
  /** Master first, at the start; a failover swaps the roles. */
  readonly servers: readonly RedisServer[];
  readonly sentinels: readonly ProcessServer[];

  constructor(servers: readonly RedisServer[], sentinels: readonly ProcessServer[]) {
    this.servers = servers;
    this.sentinels = sentinels;
  }

  get address(): RedisSentinelAddress {
    const sentinels = this.sentinels.map(({ host, port }) => ({ host, port, address: `${host}:${port}` }));
    return { name: MASTER_NAME, sentinels };
  }

  /** Resolves when the replica follows and every sentinel knows both servers and the other sentinels. */
  async start(): Promise<void> {
    for (const server of [...this.servers, ...this.sentinels]) await server.start();
    for (const sentinel of this.sentinels) await this.#waitComplete(sentinel.port);
  }

  /** The server that the first sentinel calls master now. */
  async master(): Promise<RedisServer> {
    const client = new Redis({ host: '127.0.0.1', port: this.sentinels[0]?.port ?? 0 });
    try {
      const answer = (await client.call('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', MASTER_NAME)) as [string, string];
      const found = this.servers.find((server) => String(server.port) === answer[1]);
      if (!found)
        throw new TaplineError('STACK_START_FAILED', {
          message: `The sentinels name an unknown master: ${answer.join(':')}`,
        });
      return found;
    } finally {
      client.disconnect();
    }
  }

  async stop(): Promise<void> {
    await Promise.all([...this.sentinels, ...this.servers].map((server) => server.stop()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #waitComplete(port: number): Promise<void> {
    const client = new Redis({ host: '127.0.0.1', port });
    const end = performance.now() + 300_000;
    try {
      for (;;) {
        const fields = (await client.call('SENTINEL', 'MASTER', MASTER_NAME)) as string[];
        const field = (name: string): string => fields[fields.indexOf(name) + 1] ?? '';
        if (field('num-slaves') === '1' && field('num-other-sentinels') === '2' && field('flags') === 'master') return;
        if (performance.now() > end)
          throw new TaplineError('STACK_START_FAILED', { message: 'The sentinels do not find each other.' });
        await delay(100);
      }
    } finally {
      client.disconnect();
    }
  }
}

export async function createRedisSentinel(
  context: StackContext,
  settings: RedisSettings = {},
): Promise<RedisSentinelGroup> {
  const master = await createRedis(context, { 'repl-diskless-sync-delay': '0', ...settings }, 'redis-master');
  const following = { 'repl-diskless-sync-delay': '0', replicaof: `127.0.0.1 ${master.port}` };
  const replica = await createRedis(context, { ...following, ...settings }, 'redis-replica');
  const sentinels: Sentinel[] = [];
  for (const index of [1, 2, 3]) {
    const name = `sentinel-${index}`;
    const { process, port } = await redisProcess(context, name, {});
    const folder = await context.subfolder(name);
    const config = join(folder, 'sentinel.conf');
    const lines = [
      `port ${port}`,
      'bind 127.0.0.1',
      `dir ${folder}`,
      'protected-mode no',
      `sentinel monitor ${MASTER_NAME} 127.0.0.1 ${master.port} 2`,
      `sentinel down-after-milliseconds ${MASTER_NAME} 1000`,
      `sentinel failover-timeout ${MASTER_NAME} 4000`,
    ];
    await writeFile(config, `${lines.join('\n')}\n`);
    // The loader's part of the command line stays; the sentinel rewrites its own config file.
    const loader = process.spec.args.slice(0, process.spec.args.indexOf('--port'));
    const watching = context.process({ ...process.spec, args: [...loader, config, '--sentinel'] });
    sentinels.push(new Sentinel(name, port, watching));
  }
  return new RedisSentinelGroup([master, replica], sentinels);
}
