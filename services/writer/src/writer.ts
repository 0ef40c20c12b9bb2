import { type ConsumerLoop, type Kafka, kafkaConfigOf, openKafka } from '@tapline/kafka';
import {
  anySignal,
  isAbort,
  orAbort,
  type RunningService,
  retry,
  type ServiceContext,
  sleep,
  TaplineError,
  whenAborted,
} from '@tapline/kernel';
import { openRegistry } from '@tapline/registry';
import { decoder, Engine, type Sink } from '@tapline/sink';
import type { WriterConfig } from './config.ts';
import { DeadLetters } from './dead-letters.ts';
import { LazyRegistry } from './lazy-registry.ts';
import { SINKS } from './sinks/index.ts';
import { compileTransforms } from './transform/index.ts';

/** How long a rebalance waits for changes of partitions that go away: what is not settled by then is applied again by their next member. */
const REVOKE_MS = 10_000;

/** Fetched of one partition at a time: what is fetched is decoded as a whole, and changes are far larger in memory than their bytes. */
const PARTITION_BYTES = 262_144;

/** Connects everything. Retryable failures are waited out; what is wrong for good rejects. */
export async function openWriter(context: ServiceContext<WriterConfig>, stop: AbortSignal): Promise<RunningService> {
  const { config, log, metrics } = context;
  await using opened = new AsyncDisposableStack();
  const ending = new AbortController();
  const signal = anySignal(stop, ending.signal);
  opened.defer(() => ending.abort());

  const transform = compileTransforms(config.transform, config.maskSecret ?? '');
  const sink = opened.use(await openSink(context, signal));
  const kafka = opened.use(openKafka(kafkaConfigOf(config.source, `tapline-writer-${config.name}`), { logger: log }));
  const registry = opened.use(
    new LazyRegistry(() => openRegistry(config.source.registry, { kafka, logger: log }, ending.signal)),
  );
  const parking =
    config.onError === 'stop'
      ? undefined
      : opened.use(await DeadLetters.open({ ...deadLetterTopic(config), kafka, signal: ending.signal }));
  const decode = decoder({ registry, claims: kafka.claims, signal: ending.signal });
  const engine = new Engine({
    ...config,
    bufferBytes: config.source.bufferBytes,
    sink,
    decode,
    transform,
    parking,
    log,
    metrics,
  });
  opened.defer(() => engine.abort());
  return new Writer(context, kafka, engine, opened.move());
}

async function openSink({ config, log }: ServiceContext<WriterConfig>, signal: AbortSignal): Promise<Sink> {
  const { type, ...settings } = config.sink;
  return retry(() => SINKS[type].open(settings, { log, signal }), {
    signal,
    maxDelayMs: 5000,
    onRetry: ({ error, attempt, delayMs }) =>
      log.warn('the sink is not there yet', { sink: type, attempt, delayMs, error }),
  });
}

function deadLetterTopic(config: WriterConfig): { topic: string; partitions: number; replicationFactor: number } {
  const { topic = `${config.name}.dead-letters`, ...rest } = config.deadLetters;
  return { topic, ...rest };
}

/** Consumes until it is asked to stop. A change that cannot be applied leaves it standing, stopped, so that its state can be seen. */
class Writer implements RunningService {
  readonly #context: ServiceContext<WriterConfig>;
  readonly #kafka: Kafka;
  readonly #engine: Engine;
  readonly #resources: AsyncDisposableStack;
  #consumer: ConsumerLoop | undefined;
  #committing: Promise<void> = Promise.resolve();

  constructor(context: ServiceContext<WriterConfig>, kafka: Kafka, engine: Engine, resources: AsyncDisposableStack) {
    this.#context = context;
    this.#kafka = kafka;
    this.#engine = engine;
    this.#resources = resources;
  }

  async run(stop: AbortSignal, abort: AbortSignal): Promise<void> {
    const { config, log } = this.#context;
    const consumer = await orAbort(this.#consume(), stop);
    this.#consumer = consumer;
    log.info('writer consuming', { group: config.name, topics: config.source.topics, sink: config.sink.type });
    const over = new AbortController();
    const commits = this.#commitPeriodically(anySignal(stop, over.signal));
    const failure = await this.#untilOver(consumer, stop);
    over.abort();
    await commits;
    await orAbort(this.#engine.drain(), abort);
    await this.#commit(consumer);
    await consumer[Symbol.asyncDispose]();
    if (failure === undefined) return;
    if (failure instanceof TaplineError && failure.disposition === 'poison') await whenAborted(stop);
    throw failure;
  }

  ready(): boolean {
    return this.#engine.ready;
  }

  state(): Readonly<Record<string, unknown>> {
    const { config } = this.#context;
    return {
      name: config.name,
      sink: config.sink.type,
      assigned: this.#consumer?.assigned.length ?? 0,
      ...this.#engine.describe(),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#resources.disposeAsync();
  }

  #consume(): Promise<ConsumerLoop> {
    const { source, name } = this.#context.config;
    return this.#kafka.consume({
      group: name,
      topics: source.topics,
      sessionTimeoutMs: source.sessionTimeoutMs,
      partitionBytes: Math.min(PARTITION_BYTES, source.bufferBytes),
      fetchBytes: 2 * source.bufferBytes,
      bufferBytes: source.bufferBytes,
      onBatch: (batch) => this.#engine.accept(batch),
      onRevoked: async (partitions) => {
        const late = new AbortController();
        await Promise.race([this.#engine.idle(), sleep(REVOKE_MS, late.signal).catch(() => undefined)]);
        late.abort();
        if (this.#consumer !== undefined) await this.#commit(this.#consumer);
        this.#engine.forget(partitions);
      },
    });
  }

  /** What ended it: undefined when it was asked to stop. */
  async #untilOver(consumer: ConsumerLoop, stop: AbortSignal): Promise<Error | undefined> {
    try {
      await orAbort(Promise.race([consumer.failed, this.#engine.stopped]), stop);
      return undefined;
    } catch (error) {
      if (isAbort(error, stop)) return undefined;
      return error instanceof Error
        ? error
        : new TaplineError('INTERNAL', { message: 'The writer failed.', cause: error });
    }
  }

  async #commitPeriodically(signal: AbortSignal): Promise<void> {
    const { commitMs } = this.#context.config.source;
    while (!signal.aborted) {
      await sleep(commitMs, signal).catch(() => undefined);
      if (this.#consumer !== undefined && !signal.aborted) await this.#commit(this.#consumer);
    }
  }

  /** A commit that fails is only a longer replay: it is tried again with the next one. */
  #commit(consumer: ConsumerLoop): Promise<void> {
    const mine = this.#committing.then(async () => {
      const offsets = this.#engine.uncommitted();
      if (offsets.length === 0) return;
      try {
        await consumer.commit(offsets);
        this.#engine.committed(offsets);
      } catch (error) {
        this.#context.log.warn('offsets were not committed; they will be again', { error });
      }
    });
    this.#committing = mine;
    return mine;
  }
}
