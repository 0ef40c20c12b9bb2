import type { ConnectionOptions } from 'node:tls';
import { isAbort, orAbort } from '@tapline/kernel';
import { Cluster, Command, Redis, type RedisOptions } from 'ioredis';
import { classify } from './classify.ts';
import type { RedisConfig } from './config.ts';

/** Longest pause between two tries to connect again. */
const MAX_RECONNECT_MS = 2000;
const CONNECT_TIMEOUT_MS = 10_000;
const KEEP_ALIVE_MS = 10_000;
/** How long a peer may take to close its side. */
const DISCONNECT_MS = 250;

/** The connection as the sink needs it: commands as finished bytes, answered in order. Whoever sends decides about sending again: nothing is queued or resent here. */
export interface RedisClient extends AsyncDisposable {
  /** For errors: where we connected to. */
  readonly address: string;
  /** Whether a command's keys must be of one slot. */
  readonly clustered: boolean;
  /** Sends one command. `key` is any key of it and chooses the node of a cluster. Rejects with what the driver or the server said. */
  send(name: string, key: string, bytes: Buffer): Promise<unknown>;
  ping(): Promise<void>;
  /** Closes the connection and makes it anew, as after a failover that left us at a replica. */
  reconnect(): void;
}

/** @throws TaplineError SINK_REDIS_… when the server is not there or does not let us in. */
export async function connect(config: RedisConfig, signal: AbortSignal): Promise<RedisClient> {
  const client = config.mode === 'cluster' ? new ClusterClient(config) : new NodeClient(config);
  try {
    await orAbort(client.open(), signal);
    return client;
  } catch (error) {
    await client[Symbol.asyncDispose]();
    if (isAbort(error, signal)) throw error;
    throw classify(error, config.address);
  }
}

/** The driver's own client of one server, or of the master that sentinels watch; `connect` it. */
export function nodeOf(config: RedisConfig): Redis {
  return new Redis({ ...nodeOptions(config), ...placeOptions(config), lazyConnect: true });
}

/** ioredis keeps the connection, the handshake and the order of answers; the bytes of the command are ours, built once. */
class BuiltCommand extends Command {
  readonly #bytes: Buffer;

  constructor(name: string, key: string, bytes: Buffer) {
    super(name, ['', '1', key], { replyEncoding: 'utf8' });
    this.#bytes = bytes;
  }

  override toWritable(): Buffer {
    return this.#bytes;
  }
}

class NodeClient implements RedisClient {
  readonly address: string;
  readonly clustered = false;
  readonly #redis: Redis;
  readonly #timeoutMs: number;
  /** Why there is no connection now; what is thrown at commands then says only that there is none. */
  #lastError: unknown;

  constructor(config: RedisConfig) {
    this.address = config.address;
    this.#timeoutMs = config.timeoutMs;
    this.#redis = nodeOf(config);
    this.#redis.on('error', (error: unknown) => {
      this.#lastError = error;
    });
    this.#redis.on('ready', () => {
      this.#lastError = undefined;
    });
  }

  async open(): Promise<void> {
    await this.#redis.connect().catch((error: unknown) => {
      throw this.#lastError ?? error;
    });
    await this.ping();
  }

  send(name: string, key: string, bytes: Buffer): Promise<unknown> {
    if (this.#redis.status !== 'ready')
      return Promise.reject(this.#lastError ?? new Error(`connection is ${this.#redis.status}`));
    const answer = this.#redis.sendCommand(new BuiltCommand(name, key, bytes)) as Promise<unknown>;
    return answeredInTime(answer, this.#timeoutMs, () => this.reconnect());
  }

  async ping(): Promise<void> {
    await this.#redis.ping();
  }

  reconnect(): void {
    this.#redis.disconnect(true);
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#redis.disconnect();
    return Promise.resolve();
  }
}

class ClusterClient implements RedisClient {
  readonly address: string;
  readonly clustered = true;
  readonly #cluster: Cluster;
  readonly #timeoutMs: number;
  #lastError: unknown;

  constructor(config: RedisConfig) {
    this.address = config.address;
    this.#timeoutMs = config.timeoutMs;
    this.#cluster = new Cluster(addresses(config.address), {
      lazyConnect: true,
      enableOfflineQueue: false,
      clusterRetryStrategy: reconnectDelayMs,
      // A node that is gone is the engine's to wait for; a slot that has moved is found here.
      retryDelayOnFailover: 0,
      retryDelayOnClusterDown: 0,
      redisOptions: nodeOptions(config),
    });
    this.#cluster.on('error', (error: unknown) => {
      this.#lastError = error;
    });
    this.#cluster.on('ready', () => {
      this.#lastError = undefined;
    });
  }

  async open(): Promise<void> {
    await this.#cluster.connect().catch((error: unknown) => {
      throw this.#lastError ?? error;
    });
    await this.ping();
  }

  send(name: string, key: string, bytes: Buffer): Promise<unknown> {
    if (this.#cluster.status !== 'ready')
      return Promise.reject(this.#lastError ?? new Error(`cluster is ${this.#cluster.status}`));
    const answer = this.#cluster.sendCommand(new BuiltCommand(name, key, bytes)) as Promise<unknown>;
    return answeredInTime(answer, this.#timeoutMs, () => this.reconnect());
  }

  async ping(): Promise<void> {
    await Promise.all(this.#cluster.nodes('master').map((node) => node.ping()));
  }

  reconnect(): void {
    this.#cluster.disconnect(true);
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#cluster.disconnect();
    return Promise.resolve();
  }
}

/**
 * A server that is silent (frozen, or behind a cable that was pulled) is left by closing the connection, which rejects everything that waits on it.
 * ioredis' own `socketTimeout` keeps its timer over a reconnect and then closes the new connection.
 */
async function answeredInTime(answer: Promise<unknown>, timeoutMs: number, late: () => void): Promise<unknown> {
  const timer = setTimeout(late, timeoutMs);
  try {
    return await answer;
  } finally {
    clearTimeout(timer);
  }
}

/** How every single connection behaves. Nothing is retried below the engine: it knows what was answered and keeps the order. */
function nodeOptions(config: RedisConfig): RedisOptions {
  return {
    ...(config.username === undefined ? {} : { username: config.username }),
    ...(config.password === undefined ? {} : { password: config.password }),
    ...(config.tls === undefined ? {} : { tls: tlsOptions(config.tls) }),
    db: config.mode === 'cluster' ? 0 : config.database,
    connectTimeout: CONNECT_TIMEOUT_MS,
    keepAlive: KEEP_ALIVE_MS,
    disconnectTimeout: DISCONNECT_MS,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    retryStrategy: config.mode === 'cluster' ? null : reconnectDelayMs,
    connectionName: 'tapline-writer',
  };
}

function placeOptions(config: RedisConfig): RedisOptions {
  const [first] = addresses(config.address);
  if (config.mode !== 'sentinel') return { ...first };
  const sentinel = config.sentinel;
  return {
    sentinels: addresses(config.address),
    name: sentinel?.name ?? 'mymaster',
    ...(sentinel?.username === undefined ? {} : { sentinelUsername: sentinel.username }),
    ...(sentinel?.password === undefined ? {} : { sentinelPassword: sentinel.password }),
    ...(sentinel?.tls === true
      ? { enableTLSForSentinelMode: true, sentinelTLS: config.tls === undefined ? {} : tlsOptions(config.tls) }
      : {}),
    sentinelRetryStrategy: reconnectDelayMs,
  };
}

function tlsOptions({ ca, cert, key, serverName, verify }: NonNullable<RedisConfig['tls']>): ConnectionOptions {
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(serverName === undefined ? {} : { servername: serverName }),
    rejectUnauthorized: verify,
  };
}

function reconnectDelayMs(attempt: number): number {
  return Math.min(50 * 2 ** Math.min(attempt, 10), MAX_RECONNECT_MS);
}

interface NodeAddress {
  readonly host: string;
  readonly port: number;
}

/** `host:port, [::1]:port`; the form was checked with the configuration. */
function addresses(text: string): NodeAddress[] {
  return text.split(',').map((one) => {
    const address = one.trim();
    const colon = address.lastIndexOf(':');
    return { host: address.slice(0, colon).replace(/^\[|\]$/g, ''), port: Number(address.slice(colon + 1)) };
  });
}
