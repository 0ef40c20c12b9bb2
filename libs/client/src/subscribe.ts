import { type Kafka, type KafkaConfig, openKafka, type TopicPartition } from '@tapline/kafka';
import { createMetrics, isAbort, type Logger, silentLogger, sleep } from '@tapline/kernel';
import { LazyRegistry, openRegistry, type RegistryConfig } from '@tapline/registry';
import { type Change, Consumption, decoder, Engine, type Lag } from '@tapline/sink';
import type { ChangeOf, Failure, Handler, HandlerContext, Tables } from './changes.ts';
import { HandlerSink } from './handler-sink.ts';
import type { SeenStore } from './seen.ts';

export interface SubscribeOptions<T extends Tables<T>> extends Pick<KafkaConfig, 'brokers' | 'tls' | 'sasl'> {
  /** Consumer group: subscriptions of one group share the partitions, in one process or in many. A new group begins at the start of the topics. */
  readonly group: string;
  readonly topics: readonly (keyof T & string)[];
  /** Where the schemas of Avro messages are. Default: in the topic `_tapline.schemas`. */
  readonly registry?: RegistryConfig | undefined;
  readonly handler: Handler<T>;
  /** Handlers at work side by side, each with another key. Default 4. */
  readonly concurrency?: number | undefined;
  /** Default: `stop` always. */
  readonly onError?: ((error: unknown, change: ChangeOf<T>) => Failure) | undefined;
  /** Absent: at least once. */
  readonly seen?: SeenStore | undefined;
  /** Keys and values in memory; then reading waits. Default 1,048,576. */
  readonly bufferBytes?: number | undefined;
  /** How often offsets are committed. Default 1000. */
  readonly commitMs?: number | undefined;
  /** A member that is silent this long loses its partitions. Default 10,000. */
  readonly sessionTimeoutMs?: number | undefined;
  readonly logger?: Logger | undefined;
}

/** A member of a group at work. Disposing of it is `close()`. */
export interface Subscription extends AsyncDisposable {
  /** Settles once: resolves when it was closed, rejects with what stopped it (a handler that failed, a record that is no change, no access to the topics). */
  readonly ended: Promise<void>;
  readonly assigned: readonly TopicPartition[];
  lag(): Lag;
  /** What it does, and where it is in each partition. */
  state(): Readonly<Record<string, unknown>>;
  /** No more changes of these partitions come, until `resume`, also when they go to another member and come back. The others go on. */
  pause(partitions: readonly TopicPartition[]): void;
  resume(partitions: readonly TopicPartition[]): void;
  /** Takes nothing more, lets handlers finish, commits and leaves the group; after `drainMs` (default 30,000) without waiting for handlers. */
  close(drainMs?: number): Promise<void>;
}

const LANES = 4;
const BUFFER_BYTES = 1_048_576;
const COMMIT_MS = 1000;
const SESSION_TIMEOUT_MS = 10_000;
const DRAIN_MS = 30_000;
/** So much work may be repeated after a crash for want of a `seen` mark, which is made once a batch. */
const BATCH_CHANGES = 100;

/**
 * Consumes changes of Tapline's topics: each key's in their order, many keys at once, offsets committed only below what is handled. So every change is handled at least
 * once; with a `seen` store, once but for crashes between handler and store.
 *
 * @throws TaplineError KAFKA_CONFIG. What goes wrong later is told by `ended`.
 */
export function subscribe<T extends Tables<T>>(options: SubscribeOptions<T>): Subscription {
  const log = options.logger ?? silentLogger;
  const kafka = openKafka({ ...options, clientId: `tapline-client-${options.group}` }, { logger: log });
  return new EngineSubscription(kafka, log, { ...options, ...untyped(options) });
}

/** The handlers as the engine sees them: rows of any table. */
function untyped<T extends Tables<T>>({
  handler,
  onError,
}: SubscribeOptions<T>): Pick<UntypedOptions, 'handler' | 'onError'> {
  return {
    handler: (change, context) => handler(change as unknown as ChangeOf<T>, context),
    onError: (error, change) => onError?.(error, change as unknown as ChangeOf<T>) ?? 'stop',
  };
}

interface UntypedOptions extends Omit<SubscribeOptions<Record<string, object>>, 'handler' | 'onError'> {
  readonly handler: (change: Change, context: HandlerContext) => Promise<void> | void;
  readonly onError: (error: unknown, change: Change) => Failure;
}

class EngineSubscription implements Subscription {
  readonly ended: Promise<void>;
  readonly #engine: Engine;
  readonly #consumption: Consumption;
  readonly #stop = new AbortController();
  readonly #abort = new AbortController();

  constructor(kafka: Kafka, log: Logger, options: UntypedOptions) {
    const bufferBytes = options.bufferBytes ?? BUFFER_BYTES;
    const config = options.registry ?? { type: 'topic' };
    const registry = new LazyRegistry(() => openRegistry(config, { kafka, logger: log }, this.#abort.signal));
    this.#engine = new Engine({
      sink: new HandlerSink({ handle: options.handler, onError: options.onError, seen: options.seen, log }),
      decode: decoder({ registry, claims: kafka.claims, signal: this.#abort.signal }),
      parking: undefined,
      order: 'key',
      lanes: options.concurrency ?? LANES,
      batchChanges: BATCH_CHANGES,
      batchBytes: bufferBytes,
      bufferBytes,
      log,
      metrics: createMetrics('client'),
    });
    this.#consumption = new Consumption({
      kafka,
      engine: this.#engine,
      consume: {
        group: options.group,
        topics: options.topics,
        sessionTimeoutMs: options.sessionTimeoutMs ?? SESSION_TIMEOUT_MS,
        bufferBytes,
      },
      commitMs: options.commitMs ?? COMMIT_MS,
      log,
    });
    this.ended = this.#run(kafka, registry);
    // Whoever does not look at it has no unhandled rejection of it.
    this.ended.catch(() => undefined);
  }

  get assigned(): readonly TopicPartition[] {
    return this.#consumption.assigned;
  }

  lag(): Lag {
    return this.#engine.lag();
  }

  state(): Readonly<Record<string, unknown>> {
    return this.#engine.describe();
  }

  pause(partitions: readonly TopicPartition[]): void {
    this.#engine.pause(partitions);
  }

  resume(partitions: readonly TopicPartition[]): void {
    this.#engine.resume(partitions);
  }

  async close(drainMs = DRAIN_MS): Promise<void> {
    this.#stop.abort();
    const drained = new AbortController();
    const limit = sleep(drainMs, drained.signal).then(
      () => this.#end(),
      () => undefined,
    );
    await this.ended.catch(() => undefined);
    drained.abort();
    await limit;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #run(kafka: Kafka, registry: LazyRegistry): Promise<void> {
    try {
      const failure = await this.#consumption.run(this.#stop.signal, this.#abort.signal);
      if (failure !== undefined) throw failure;
    } catch (error) {
      if (!isAbort(error, this.#stop.signal) && !isAbort(error, this.#abort.signal)) throw error;
    } finally {
      this.#end();
      await registry[Symbol.asyncDispose]();
      await kafka[Symbol.asyncDispose]();
    }
  }

  #end(): void {
    this.#engine.abort();
    this.#abort.abort();
  }
}
