import { join } from 'node:path';
import { inRoot, unpackDebian } from '../apt.ts';
import { provisionOnce } from '../cache.ts';
import { ProcessServer, type StackContext } from '../context.ts';
import { probeTcp } from '../probe.ts';
import type { ManagedProcess } from '../process.ts';

/** Further settings of redis.conf, like `{ maxmemory: '5mb' }`; a setting given here wins. */
export type RedisSettings = Readonly<Record<string, string>>;

export interface RedisAddress {
  readonly host: string;
  readonly port: number;
  /** host:port. */
  readonly address: string;
}

export class RedisServer extends ProcessServer {
  get address(): RedisAddress {
    return { host: this.host, port: this.port, address: `${this.host}:${this.port}` };
  }

  protected override async ready(): Promise<boolean> {
    // A server that wants a password or TLS answers something else than PONG, and is ready all the same.
    return (await probeTcp(this.port, 'PING\r\n', '+PONG')) || (await probeTcp(this.port, 'PING\r\n', '-NOAUTH'));
  }
}

/** Folder of the unpacked packages redis-server and redis-tools, of Debian bookworm. */
export async function redisRoot(say?: (line: string) => void): Promise<string> {
  const { folder } = await provisionOnce(
    'redis-7.0',
    async (into) => await unpackDebian('bookworm', ['redis-server', 'redis-tools'], into),
    say,
  );
  return folder;
}

/** A redis-server process with these settings, not started. */
export async function redisProcess(
  context: StackContext,
  name: string,
  settings: RedisSettings,
): Promise<{ process: ManagedProcess; port: number; client: readonly string[] }> {
  const root = await redisRoot(context.say);
  const folder = await context.subfolder(name);
  const [port = 0] = await context.reserve(1);
  const all: Record<string, string> = {
    port: String(port),
    bind: '127.0.0.1',
    dir: folder,
    save: '',
    appendonly: 'no',
    'protected-mode': 'no',
    ...settings,
  };
  const args = Object.entries(all).flatMap(([key, value]) => [`--${key}`, ...(value === '' ? [''] : value.split(' '))]);
  const [command, ...loader] = inRoot(root, join(root, 'usr/bin/redis-server'));
  const logFile = join(folder, 'redis.log');
  return {
    process: context.process({ name, command, args: [...loader, ...args], cwd: folder, logFile }),
    port,
    client: [...inRoot(root, join(root, 'usr/bin/redis-cli')), '-p', String(port)],
  };
}

/** One standalone Redis, in memory only unless `settings` says otherwise; not started. */
export async function createRedis(
  context: StackContext,
  settings: RedisSettings = {},
  name = 'redis',
): Promise<RedisServer> {
  const { process, port, client } = await redisProcess(context, name, settings);
  return new RedisServer(name, port, process, client);
}
