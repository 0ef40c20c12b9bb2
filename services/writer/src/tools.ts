import { type Kafka, kafkaConfigOf, openKafka } from '@tapline/kafka';
import { type Logger, silentLogger } from '@tapline/kernel';
import { LazyRegistry, openRegistry } from '@tapline/registry';
import { type Sink, TopicTables } from '@tapline/sink';
import type { WriterConfig } from './config.ts';
import { openPipeline, type Pipeline } from './pipeline.ts';
import { sinkOf } from './sinks/index.ts';

/** How long what does not answer is asked again. A person waits for the answer. */
const PATIENCE_MS = 10_000;

export interface ToolOptions {
  /** How long what Kafka does not answer is asked again. Default 10,000. */
  readonly patienceMs?: number;
  /** Default: says nothing. */
  readonly log?: Logger;
}

/** A writer's parts for a command that looks at its records: no consumer group, nothing committed. */
export class WriterTools implements AsyncDisposable {
  readonly config: WriterConfig;
  readonly kafka: Kafka;
  readonly pipeline: Pipeline;
  readonly #tables: TopicTables;
  readonly #log: Logger;
  readonly #resources: AsyncDisposableStack;

  private constructor(
    config: WriterConfig,
    parts: { readonly kafka: Kafka; readonly pipeline: Pipeline; readonly tables: TopicTables; readonly log: Logger },
    resources: AsyncDisposableStack,
  ) {
    this.config = config;
    this.kafka = parts.kafka;
    this.pipeline = parts.pipeline;
    this.#tables = parts.tables;
    this.#log = parts.log;
    this.#resources = resources;
  }

  static async open(
    config: WriterConfig,
    file: string | undefined,
    signal: AbortSignal,
    { patienceMs = PATIENCE_MS, log = silentLogger }: ToolOptions = {},
  ): Promise<WriterTools> {
    await using opened = new AsyncDisposableStack();
    const kafka = opened.use(
      openKafka(kafkaConfigOf(config.source, `tapline-tool-${config.name}`), { patienceMs, logger: log }),
    );
    await kafka.check();
    const registry = opened.use(
      new LazyRegistry(() => openRegistry(config.source.registry, { kafka, patienceMs, logger: log }, signal)),
    );
    const tables = new TopicTables(kafka);
    const parts = { registry: tables.watch(registry), claims: kafka.claims, signal };
    const pipeline = await openPipeline(config, file, parts);
    return new WriterTools(config, { kafka, pipeline, tables, log }, opened.move());
  }

  /** The writer's sink, opened beside the writer's own: what it holds by version stays right. Or another one of its kind. */
  async openSink(signal: AbortSignal, config: WriterConfig['sink'] = this.config.sink): Promise<Sink> {
    const { type, ...settings } = config;
    const sink = await sinkOf(type).open(settings, {
      name: this.config.name,
      log: this.#log,
      signal,
      tables: this.#tables,
    });
    this.#resources.use(sink);
    return sink;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#resources.disposeAsync();
  }
}
