import { mkdtemp, realpath } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeClient } from './clients.ts';
import { StackContext } from './context.ts';
import { Guard } from './guard.ts';
import { releasePorts } from './ports.ts';
import type { ManagedProcess, ProcessSpec } from './process.ts';
import { createElasticsearch } from './servers/elasticsearch.ts';
import { createHBase, type HBaseOptions, type HBaseServer } from './servers/hbase.ts';
import { createKafka, type KafkaCluster, type KafkaOptions } from './servers/kafka.ts';
import { createMariadb, type MariadbOptions, type MariadbServer } from './servers/mariadb.ts';
import { createMysql, type MysqlOptions, type MysqlServer } from './servers/mysql.ts';
import { createOpensearch } from './servers/opensearch.ts';
import { createRedis, type RedisServer, type RedisSettings } from './servers/redis.ts';
import { createRedisCluster, type RedisCluster } from './servers/redis-cluster.ts';
import { createRedisSentinel, type RedisSentinelGroup } from './servers/redis-sentinel.ts';
import { createRegistry, type RegistryServer } from './servers/registry.ts';
import { replicate } from './servers/replication.ts';
import type { SearchOptions, SearchServer } from './servers/search-node.ts';
import { createTidb, type TidbServer } from './servers/tidb.ts';
import { type StandingAddress, writeStanding } from './standing.ts';

/** What can be started. A further server is one module in servers/, one line here and one in `create`. */
export interface ServerKinds {
  mysql: MysqlServer;
  /** A GTID replica of `mysql`, which must be asked for too. */
  replica: MysqlServer;
  mysql80: MysqlServer;
  mysql57: MysqlServer;
  mariadb: MariadbServer;
  mariadb105: MariadbServer;
  mariadb118: MariadbServer;
  /** Only where it can be had: see findTidb(). */
  tidb: TidbServer;
  kafka: KafkaCluster;
  redis: RedisServer;
  redisCluster: RedisCluster;
  redisSentinel: RedisSentinelGroup;
  registry: RegistryServer;
  hbase: HBaseServer;
  elasticsearch: SearchServer;
  opensearch: SearchServer;
}

export type ServerKind = keyof ServerKinds;

/** Which servers, and how each differs from the usual. `kafka` may be the number of brokers. */
export interface StackOptions {
  readonly mysql?: true | MysqlOptions;
  readonly replica?: true | MysqlOptions;
  readonly mysql80?: true | MysqlOptions;
  readonly mysql57?: true | MysqlOptions;
  readonly mariadb?: true | MariadbOptions;
  readonly mariadb105?: true | MariadbOptions;
  readonly mariadb118?: true | MariadbOptions;
  readonly tidb?: true;
  readonly kafka?: true | 1 | 3 | KafkaOptions;
  readonly redis?: true | RedisSettings;
  readonly redisCluster?: true | RedisSettings;
  readonly redisSentinel?: true | RedisSettings;
  readonly registry?: true | Readonly<Record<string, string>>;
  readonly hbase?: true | HBaseOptions;
  readonly elasticsearch?: true | SearchOptions;
  readonly opensearch?: true | SearchOptions;
}

export interface StackBase extends AsyncDisposable {
  /** The run's own folder: data, logs, and room for a test's files. Removed at the end. */
  readonly folder: string;
  /** A process of the test's own (a reader, say), ended with the stack however the test ends; not launched yet. */
  process(spec: ProcessSpec): ManagedProcess;
  /** Ports kept free for the test's own listeners until the stack is closed. */
  reserve(count: number): Promise<readonly number[]>;
  /** Scripts in `folder` that run the servers' own clients, connected; by the kind of server. */
  clients(): Promise<ReadonlyMap<ServerKind, string>>;
  /** Lets every running process outlive this one, noted in the state file that `tapline status` and `tapline down` read. */
  keep(addresses: readonly StandingAddress[]): Promise<void>;
  /** Starts one more server on top of what was asked for at first. */
  add<K extends ServerKind>(kind: K, option?: NonNullable<StackOptions[K]>): Promise<ServerKinds[K]>;
}

export type Stack<O extends StackOptions = Record<never, never>> = StackBase & {
  readonly [K in keyof O & ServerKind]: ServerKinds[K];
};

const objectOf = <T extends object>(option: unknown): T =>
  (typeof option === 'object' && option !== null ? option : {}) as T;

/** The server of this kind, initialised but not started. */
async function create(context: StackContext, kind: ServerKind, option: unknown): Promise<ServerKinds[ServerKind]> {
  switch (kind) {
    case 'mysql':
      return await createMysql(context, objectOf(option));
    case 'replica':
      return await createMysql(context, { name: 'replica', ...objectOf<MysqlOptions>(option) });
    case 'mysql80':
      return await createMysql(context, { name: kind, version: '8.0', ...objectOf<MysqlOptions>(option) });
    case 'mysql57':
      return await createMysql(context, { name: kind, version: '5.7', ...objectOf<MysqlOptions>(option) });
    case 'mariadb':
      return await createMariadb(context, objectOf(option));
    case 'mariadb105':
      return await createMariadb(context, { name: kind, version: '10.5', ...objectOf<MariadbOptions>(option) });
    case 'mariadb118':
      return await createMariadb(context, { name: kind, version: '11.8', ...objectOf<MariadbOptions>(option) });
    case 'tidb':
      return await createTidb(context);
    case 'kafka':
      return await createKafka(context, typeof option === 'number' ? { brokers: option } : objectOf(option));
    case 'redis':
      return await createRedis(context, objectOf(option));
    case 'redisCluster':
      return await createRedisCluster(context, objectOf(option));
    case 'redisSentinel':
      return await createRedisSentinel(context, objectOf(option));
    case 'registry':
      return await createRegistry(context, objectOf(option));
    case 'hbase':
      return await createHBase(context, objectOf(option));
    case 'elasticsearch':
      return await createElasticsearch(context, objectOf(option));
    case 'opensearch':
      return await createOpensearch(context, objectOf(option));
  }
}

/** Starts one server of this kind in `context`. */
export async function startServer<K extends ServerKind>(
  context: StackContext,
  kind: K,
  option: unknown,
): Promise<ServerKinds[K]> {
  const server = await create(context, kind, option);
  await server.start();
  return server as ServerKinds[K];
}

/** Stops every process of `context`, the last started first, and gives its ports back. */
export async function closeContext(context: StackContext): Promise<void> {
  const services = context.processes.toReversed();
  await Promise.all(services.map((process) => process.stop()));
  await releasePorts(context.ports);
}

/** A folder of its own for one run, under the system's temporary folder. */
export async function makeRunFolder(): Promise<string> {
  return await mkdtemp(join(await realpath(tmpdir()), 'tapline-'));
}

/**
 * Starts the servers asked for, side by side, on ports and folders of their own:
 * `await using stack = await openStack({ mysql: true, kafka: 1, redis: true })`. They stop with the stack, and also when this
 * process crashes or is killed.
 */
export async function openStack<const O extends StackOptions>(
  options: O,
  say: (line: string) => void = () => undefined,
): Promise<Stack<O>> {
  const guard = new Guard();
  const folder = await makeRunFolder();
  guard.folder(folder);
  const context = new StackContext(folder, guard, say);
  let kept = false;
  const close = async (): Promise<void> => {
    if (!kept) await closeContext(context);
    await guard[Symbol.asyncDispose]();
  };
  const servers: Partial<ServerKinds> = {};
  const base: StackBase = {
    folder,
    process: (spec) => context.process(spec),
    reserve: async (count) => await context.reserve(count),
    clients: async () => await writeClients(folder, servers),
    keep: async (addresses) => {
      await writeStanding(folder, context.processes, addresses);
      kept = true;
      guard.release();
    },
    add: async (kind, option) => {
      const server = await startServer(context, kind, option);
      if (!(kind in servers)) Object.assign(servers, { [kind]: server });
      return server;
    },
    [Symbol.asyncDispose]: close,
  };
  const kinds = Object.keys(options) as (keyof O & ServerKind)[];
  try {
    const started = await allOrNothing(
      kinds.map(async (kind) => [kind, await startServer(context, kind, options[kind])] as const),
    );
    Object.assign(servers, Object.fromEntries(started));
    if (servers.replica && servers.mysql) await replicate(servers.replica, servers.mysql);
    return { ...base, ...servers } as Stack<O>;
  } catch (error) {
    await close();
    throw error;
  }
}

const CLIENT_NAMES: Partial<Record<ServerKind, string>> = {
  mysql: 'mysql',
  replica: 'mysql-replica',
  mariadb: 'mariadb',
  redis: 'redis-cli',
};

async function writeClients(folder: string, servers: Partial<ServerKinds>): Promise<ReadonlyMap<ServerKind, string>> {
  const scripts = new Map<ServerKind, string>();
  for (const [kind, name] of Object.entries(CLIENT_NAMES) as [ServerKind, string][]) {
    const server = servers[kind];
    const client = server && 'client' in server ? server.client : undefined;
    if (client) scripts.set(kind, await writeClient(folder, name, client));
  }
  return scripts;
}

/** Like Promise.all, but rejects only after every promise has settled, so that nothing is started behind a clean-up. */
async function allOrNothing<T>(promises: readonly Promise<T>[]): Promise<readonly T[]> {
  const settled = await Promise.allSettled(promises);
  return settled.map((result) => {
    if (result.status === 'rejected') throw result.reason;
    return result.value;
  });
}
