import { type ConsumeOptions, type Kafka, kafkaConfigOf, openKafka, type TopicPartition } from '@tapline/kafka';
import {
  anySignal,
  isAbort,
  type RunningService,
  retry,
  type ServiceContext,
  type Signs,
  TaplineError,
  whenAborted,
} from '@tapline/kernel';
import { LazyRegistry, openRegistry } from '@tapline/registry';
import { Consumption, type Engine, type Sink, type SinkContext, type Taking, TopicTables } from '@tapline/sink';
import type { WriterConfig } from './config.ts';
import { bufferBytesOf, engineOf, openParking } from './engine.ts';
import { groupProgress } from './group-progress.ts';
import { findUnknownColumns, unknownColumnText } from './named-columns.ts';
import { partitionOrder } from './partition-order.ts';
import { openPipeline } from './pipeline.ts';
import { sinkOf } from './sinks/index.ts';
import { topicsOf } from './topics.ts';
import { openTransactions, wantsTransactions } from './transactions/open.ts';

/** Connects everything. Retryable failures are waited out; what is wrong for good rejects. */
export async function openWriter(context: ServiceContext<WriterConfig>, stop: AbortSignal): Promise<RunningService> {
  const { config, log, metrics } = context;
  await using opened = new AsyncDisposableStack();
  const ending = new AbortController();
  const signal = anySignal(stop, ending.signal);
  opened.defer(() => ending.abort());

  const kafka = opened.use(openKafka(kafkaConfigOf(config.source, `tapline-writer-${config.name}`), { logger: log }));
  const tables = new TopicTables(kafka);
  const order = partitionOrder(config, kafka);
  const known = { tables, progress: groupProgress(config, kafka), ...(order === undefined ? {} : { order }) };
  const isWhole = wantsTransactions(config);
  const sink = isWhole ? undefined : opened.use(await openSink(context, known, signal));
  const registry = opened.use(
    new LazyRegistry(() => openRegistry(config.source.registry, { kafka, logger: log }, ending.signal)),
  );
  const parking = opened.use(await openParking(config, kafka, ending.signal));
  const parts = { registry: tables.watch(registry), claims: kafka.claims, signal: ending.signal };
  const pipeline = await openPipeline(config, context.origin?.file, parts);
  void tellUnknownColumns(context, { kafka, tables }, ending.signal);
  if (sink === undefined) {
    const engine = await openTransactions(context, { kafka, pipeline, parking, known }, opened, signal);
    opened.defer(() => engine.abort());
    const places = (partitions: readonly TopicPartition[]) => engine.places(partitions);
    return new Writer(
      context,
      kafka,
      { engine, topics: [engine.topic], member: { alone: true, places } },
      opened.move(),
    );
  }
  const engine = engineOf(config, { sink, decode: pipeline.decode, parking, log, metrics });
  opened.defer(() => engine.abort());
  return new Writer(context, kafka, { engine }, opened.move());
}

async function openSink(
  { config, log }: ServiceContext<WriterConfig>,
  known: Pick<SinkContext, 'tables' | 'progress' | 'order'>,
  signal: AbortSignal,
): Promise<Sink> {
  const { type, ...settings } = config.sink;
  const context = { name: config.name, log, signal, ...known };
  return retry(() => sinkOf(type).open(settings, context), {
    signal,
    maxDelayMs: 5000,
    onRetry: ({ error, attempt, delayMs }) =>
      log.warn('the sink is not there yet', { sink: type, attempt, delayMs, error }),
  });
}

/** Beside the start, which need not wait for it: an older record may well have the column. */
async function tellUnknownColumns(
  { config, log }: ServiceContext<WriterConfig>,
  parts: Parameters<typeof findUnknownColumns>[1],
  signal: AbortSignal,
): Promise<void> {
  try {
    for (const unknown of await findUnknownColumns(config, parts, signal)) log.warn(unknownColumnText(unknown));
  } catch (error) {
    if (!isAbort(error, signal)) log.debug('the columns that transform names were not looked up', { error });
  }
}

/** What the writer shows of its engine. */
type WriterEngine = Taking & Pick<Engine, 'ready' | 'sign' | 'describe'>;

interface WriterWork {
  readonly engine: WriterEngine;
  /** Read beside those of the configuration. */
  readonly topics?: readonly string[];
  readonly member?: Pick<ConsumeOptions, 'alone' | 'places'>;
}

/** Consumes until it is asked to stop. A change that cannot be applied leaves it standing, stopped, so that its state can be seen. */
class Writer implements RunningService {
  readonly #config: WriterConfig;
  readonly #engine: WriterEngine;
  readonly #consumption: Consumption;
  readonly #resources: AsyncDisposableStack;

  constructor(
    { config, log }: ServiceContext<WriterConfig>,
    kafka: Kafka,
    { engine, topics = [], member = {} }: WriterWork,
    resources: AsyncDisposableStack,
  ) {
    const { source, name } = config;
    const chosen = topicsOf(source.topics);
    this.#config = config;
    this.#engine = engine;
    this.#resources = resources;
    this.#consumption = new Consumption({
      kafka,
      engine,
      consume: {
        group: name,
        topics: [...chosen.topics, ...topics],
        patterns: chosen.patterns,
        ...member,
        refreshMs: source.refreshMs,
        sessionTimeoutMs: source.sessionTimeoutMs,
        bufferBytes: bufferBytesOf(config),
      },
      commitMs: source.commitMs,
      log,
    });
  }

  async run(stop: AbortSignal, abort: AbortSignal): Promise<void> {
    const failure = await this.#consumption.run(stop, abort);
    if (failure === undefined) return;
    if (failure instanceof TaplineError && failure.disposition === 'poison') await whenAborted(stop);
    throw failure;
  }

  ready(): boolean {
    return this.#engine.ready;
  }

  signs(): Signs {
    return { [this.#config.name]: this.#engine.sign };
  }

  state(): Readonly<Record<string, unknown>> {
    const { name, sink } = this.#config;
    return { name, sink: sink.type, assigned: this.#consumption.assigned.length, ...this.#engine.describe() };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#resources.disposeAsync();
  }
}
