import { createRequire } from 'node:module';
import type { Socket } from 'node:net';
import type { Logger } from '@tapline/kernel';
import { TaplineError } from '@tapline/kernel';
import { classifyKafkaError } from './classify.ts';
import { type Address, formatAddress, type KafkaConfig, tlsOptions } from './config.ts';
import { kafkajsLogger } from './kafkajs-logger.ts';

/**
 * Connections to one broker: opened, secured and authenticated by kafkajs, then ours.
 *
 * kafkajs' Broker does the TCP and TLS connection, ApiVersions and SASL. After that its listeners are taken off the socket and the frames
 * are read and written here: kafkajs copies every request twice while building it, and Nagle's algorithm stays on. This is the
 * only module that reaches below kafkajs' public interface (2.2.4, its last release, pinned by the lock file).
 */
const require = createRequire(import.meta.url);

interface KafkajsConnection {
  readonly socket: Socket;
  readonly requestQueue: { destroy(): void };
  /** A Long: milliseconds, zero when the broker sets no limit. */
  readonly sessionLifetime: { toNumber(): number };
}
interface KafkajsConnectionPool {
  getConnection(index?: number): Promise<KafkajsConnection>;
  destroy(): Promise<void>;
}
interface KafkajsBroker {
  connect(): Promise<void>;
}
type ConnectionPoolClass = new (options: object) => KafkajsConnectionPool;
type BrokerClass = new (options: object) => KafkajsBroker;

const ConnectionPool = require('kafkajs/src/network/connectionPool.js') as ConnectionPoolClass;
const Broker = require('kafkajs/src/broker/index.js') as BrokerClass;
const defaultSocketFactory = (require('kafkajs/src/network/socketFactory.js') as () => unknown)();

interface RequestQueue {
  readonly pending: readonly unknown[];
  scheduleCheckPendingRequests(this: RequestQueue): void;
}
const requestQueues = (require('kafkajs/src/network/requestQueue/index.js') as { prototype: RequestQueue }).prototype;
const { scheduleCheckPendingRequests } = requestQueues;
/** kafkajs sets a timer to a negative time after each answer, at which Node 24 warns on stderr. Without pending requests none is needed. */
requestQueues.scheduleCheckPendingRequests = function schedule(this: RequestQueue): void {
  if (this.pending.length > 0) scheduleCheckPendingRequests.call(this);
};

export interface BrokerRequest {
  readonly apiKey: number;
  readonly apiVersion: number;
  /** The body in pieces, written in order. They must not change until the answer is here. */
  readonly parts: readonly Buffer[];
  readonly bytes: number;
  /** Longest wait for the answer. Default: the config's requestTimeoutMs. */
  readonly timeoutMs?: number;
}

interface Waiting {
  resolve(body: Buffer): void;
  reject(error: TaplineError): void;
  readonly deadline: number;
}

const CHECK_MS = 250;

export class BrokerConnection {
  readonly address: string;
  readonly #socket: Socket;
  readonly #clientId: Buffer;
  readonly #requestTimeoutMs: number;
  readonly #waiting = new Map<number, Waiting>();
  readonly #checks: NodeJS.Timeout;
  #correlationId = 0;
  #chunks: Buffer[] = [];
  #chunkBytes = 0;
  #needed = 4;
  #closed: TaplineError | undefined;
  /** When a new connection must take over, because the broker ends the SASL session; undefined: never. */
  readonly #renewAt: number | undefined;

  private constructor(address: string, connection: KafkajsConnection, config: KafkaConfig) {
    this.address = address;
    this.#socket = connection.socket;
    this.#clientId = Buffer.from(config.clientId ?? 'tapline');
    this.#requestTimeoutMs = config.requestTimeoutMs ?? 20_000;
    const lifetimeMs = connection.sessionLifetime.toNumber();
    this.#renewAt = lifetimeMs > 0 ? performance.now() + lifetimeMs * 0.8 : undefined;
    connection.requestQueue.destroy();
    for (const event of ['data', 'end', 'error', 'timeout']) this.#socket.removeAllListeners(event);
    this.#socket.setNoDelay(true);
    this.#socket.on('data', (chunk) => this.#receive(chunk));
    this.#socket.on('error', (error) => this.#close(error));
    this.#socket.on('close', () => this.#close(new Error('the connection was closed')));
    this.#checks = setInterval(() => this.#checkDeadlines(), CHECK_MS);
    this.#checks.unref();
  }

  /** @throws TaplineError KAFKA_UNREACHABLE (retryable), KAFKA_AUTH, KAFKA_TLS. */
  static async open(address: Address, config: KafkaConfig, logger: Logger): Promise<BrokerConnection> {
    const timeoutMs = config.connectTimeoutMs ?? 10_000;
    const name = formatAddress(address);
    const log = kafkajsLogger(logger);
    const pool = new ConnectionPool({
      ...address,
      ssl: tlsOptions(config.tls) ?? null,
      sasl: config.sasl ?? null,
      clientId: config.clientId ?? 'tapline',
      socketFactory: defaultSocketFactory,
      connectionTimeout: timeoutMs,
      requestTimeout: timeoutMs,
      enforceRequestTimeout: true,
      logger: log,
    });
    try {
      await new Broker({ connectionPool: pool, logger: log, authenticationTimeout: timeoutMs }).connect();
      return new BrokerConnection(name, await pool.getConnection(0), config);
    } catch (error) {
      await pool.destroy().catch(() => undefined);
      throw classifyKafkaError(error, { address: name });
    }
  }

  get open(): boolean {
    return this.#closed === undefined;
  }

  /** True once no new request should be sent here: closed, or the session ends soon. */
  get expired(): boolean {
    return this.#closed !== undefined || (this.#renewAt !== undefined && performance.now() > this.#renewAt);
  }

  get inFlight(): number {
    return this.#waiting.size;
  }

  /**
   * Request header v1 => request_api_key request_api_version correlation_id client_id
   * Resolves with the body of the answer (after its correlation id). Rejects with KAFKA_UNREACHABLE when the connection ends first
   * or the answer does not come in time; whether the request was carried out is unknown then.
   */
  request(request: BrokerRequest): Promise<Buffer> {
    if (this.#closed !== undefined) return Promise.reject(this.#closed);
    const correlationId = this.#correlationId;
    this.#correlationId = (correlationId + 1) & 0x7fff_ffff;
    const header = Buffer.allocUnsafe(14 + this.#clientId.length);
    header.writeInt32BE(header.length - 4 + request.bytes, 0);
    header.writeInt16BE(request.apiKey, 4);
    header.writeInt16BE(request.apiVersion, 6);
    header.writeInt32BE(correlationId, 8);
    header.writeInt16BE(this.#clientId.length, 12);
    this.#clientId.copy(header, 14);
    const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
    const deadline = performance.now() + (request.timeoutMs ?? this.#requestTimeoutMs);
    this.#waiting.set(correlationId, { resolve, reject, deadline });
    this.#socket.cork();
    this.#socket.write(header);
    for (const part of request.parts) this.#socket.write(part);
    this.#socket.uncork();
    return promise;
  }

  /** Ends the connection; what waits for an answer is rejected. */
  close(reason = 'the connection was closed by Tapline'): void {
    this.#close(new Error(reason));
  }

  #receive(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#chunkBytes += chunk.length;
    while (this.#chunkBytes >= this.#needed) {
      const data =
        this.#chunks.length === 1 ? (this.#chunks[0] as Buffer) : Buffer.concat(this.#chunks, this.#chunkBytes);
      const frame = data.length >= 4 ? 4 + data.readInt32BE(0) : 4;
      if (data.length < 4 || data.length < frame) {
        this.#keep(data, frame);
        return;
      }
      this.#answer(data.subarray(4, frame));
      this.#keep(data.subarray(frame), 4);
    }
  }

  #keep(rest: Buffer, needed: number): void {
    this.#chunks = rest.length === 0 ? [] : [rest];
    this.#chunkBytes = rest.length;
    this.#needed = needed;
  }

  #answer(frame: Buffer): void {
    const correlationId = frame.readInt32BE(0);
    const waiting = this.#waiting.get(correlationId);
    this.#waiting.delete(correlationId);
    waiting?.resolve(frame.subarray(4));
  }

  /** A broker that keeps silent is given up with its connection: nothing that was sent on it may arrive later behind our back. */
  #checkDeadlines(): void {
    const now = performance.now();
    for (const { deadline } of this.#waiting.values()) {
      if (now > deadline) return this.#close(new Error('no answer in time'));
    }
  }

  #close(cause: Error): void {
    if (this.#closed !== undefined) return;
    this.#closed = new TaplineError('KAFKA_UNREACHABLE', {
      message: `The connection to broker ${this.address} ended: ${cause.message}.`,
      place: { address: this.address },
      cause,
    });
    clearInterval(this.#checks);
    this.#socket.destroy();
    for (const { reject } of this.#waiting.values()) reject(this.#closed);
    this.#waiting.clear();
  }
}
