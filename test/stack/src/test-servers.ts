import { connect, createServer, type Server as SocketServer } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { TaplineError } from '@tapline/kernel';
import type { HBaseAddress } from './servers/hbase.ts';
import type { KafkaAddress } from './servers/kafka.ts';
import type { SqlAddress } from './servers/mysql.ts';
import type { RedisAddress } from './servers/redis.ts';
import type { RedisClusterAddress } from './servers/redis-cluster.ts';
import type { RedisSentinelAddress } from './servers/redis-sentinel.ts';
import type { RegistryAddress } from './servers/registry.ts';
import type { SearchAddress } from './servers/search-node.ts';
import { openStack, type Stack, type StackOptions } from './stack.ts';

/** Addresses of the servers that all test files of one jest run share. Use names of your own in them; do not stop them. */
export interface TestServers {
  /** MySQL 9.7, as root. */
  mysql: SqlAddress;
  /** MySQL 8.0.31, as root. */
  mysql80: SqlAddress;
  mariadb: SqlAddress;
  /** One broker. */
  kafka: KafkaAddress;
  redis: RedisAddress;
  redisCluster: RedisClusterAddress;
  redisSentinel: RedisSentinelAddress;
  registry: RegistryAddress;
  hbase: HBaseAddress;
  elasticsearch: SearchAddress;
  opensearch: SearchAddress;
}

export type TestServerKind = keyof TestServers;

const SOCKET_VARIABLE = 'TAPLINE_TEST_SERVERS';
const KINDS: readonly TestServerKind[] = [
  'mysql',
  'mysql80',
  'mariadb',
  'kafka',
  'redis',
  'redisCluster',
  'redisSentinel',
  'registry',
  'hbase',
  'elasticsearch',
  'opensearch',
];

interface Answer {
  readonly address?: unknown;
  readonly error?: string;
}

/** Started by jest's globalSetup: answers on a socket which server is where, and starts each at the first question. */
export interface TestServerHost extends AsyncDisposable {
  readonly socket: string;
}

export async function hostTestServers(): Promise<TestServerHost> {
  const stack = await openStack({});
  const started = new Map<TestServerKind, Promise<unknown>>();
  const socket = join(stack.folder, 'servers.sock');
  const server = createServer({ allowHalfOpen: true }, (connection) => {
    connection.on('error', () => undefined);
    answer(stack, started, connection).catch(() => {
      connection.destroy();
    });
  });
  await listen(server, socket);
  process.env[SOCKET_VARIABLE] = socket;
  return {
    socket,
    async [Symbol.asyncDispose]() {
      server.close();
      await Promise.allSettled(started.values());
      await stack[Symbol.asyncDispose]();
    },
  };
}

async function listen(server: SocketServer, path: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, resolve);
  });
}

async function answer(
  stack: Stack,
  started: Map<TestServerKind, Promise<unknown>>,
  connection: NodeJS.ReadWriteStream,
): Promise<void> {
  const asked = await text(connection);
  const kind = KINDS.find((candidate) => candidate === asked);
  let reply: Answer;
  try {
    if (!kind) throw new RangeError(`unknown server ${asked}`);
    let address = started.get(kind);
    if (!address) {
      address = startShared(stack, kind);
      started.set(kind, address);
    }
    reply = { address: await address };
  } catch (error) {
    reply = { error: error instanceof TaplineError ? `${error.message}\n${error.remedy}` : String(error) };
  }
  connection.end(JSON.stringify(reply));
}

/** Nobody kills it, so that its session need not end soon: a machine that is busy for some seconds would leave all topics without a leader. */
const LASTING = { settings: { 'broker.session.timeout.ms': '120000' } };

async function startShared(stack: Stack, kind: TestServerKind): Promise<unknown> {
  const option: StackOptions[TestServerKind] = kind === 'kafka' ? LASTING : true;
  const server = await stack.add(kind, option);
  return server.address;
}

/**
 * Addresses of the jest run's shared servers, each started when a test first asks for it:
 * `const { mysql, kafka } = await testServers('mysql', 'kafka')`.
 */
export async function testServers<K extends TestServerKind>(...kinds: readonly K[]): Promise<Pick<TestServers, K>> {
  const socket = process.env[SOCKET_VARIABLE];
  if (!socket) {
    throw new TaplineError('STACK_START_FAILED', {
      message: `${SOCKET_VARIABLE} is not set: no shared servers are hosted for this test.`,
      remedy: 'Run it with jest --config test/jest.servers.config.js (tapline test --servers).',
    });
  }
  const found = await Promise.all(kinds.map(async (kind) => [kind, await ask(socket, kind)] as const));
  return Object.fromEntries(found) as Pick<TestServers, K>;
}

async function ask(socket: string, kind: TestServerKind): Promise<unknown> {
  const connection = connect({ path: socket, allowHalfOpen: true });
  connection.end(kind);
  const reply = JSON.parse(await text(connection)) as Answer;
  if (reply.error !== undefined) throw new TaplineError('STACK_START_FAILED', { message: reply.error });
  return reply.address;
}
