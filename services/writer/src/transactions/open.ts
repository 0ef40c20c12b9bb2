import type { Kafka } from '@tapline/kafka';
import { retry, type ServiceContext, TaplineError } from '@tapline/kernel';
import { DEFAULT_TRAITS, type Parking, type SinkContext } from '@tapline/sink';
import type { WriterConfig } from '../config.ts';
import { bufferBytesOf } from '../engine.ts';
import type { Pipeline } from '../pipeline.ts';
import { sinkOf } from '../sinks/index.ts';
import { topicsNow } from '../topics.ts';
import { TransactionEngine } from './engine.ts';

const TOPIC_SUFFIX = '.transactions';

/** Whether the writer applies whole transactions. */
export function wantsTransactions({ sink: { type, ...settings } }: Pick<WriterConfig, 'sink'>): boolean {
  return sinkOf(type).transactions?.topic(settings) !== undefined;
}

export interface TransactionParts {
  readonly kafka: Kafka;
  readonly pipeline: Pipeline;
  readonly parking: Parking | undefined;
  readonly known: Pick<SinkContext, 'tables' | 'progress'>;
}

/** @throws TaplineError WRITER_TRANSACTIONS; as the opening of the sink does. What waiting mends is waited for. */
export async function openTransactions(
  { config, log, metrics }: ServiceContext<WriterConfig>,
  { kafka, pipeline, parking, known }: TransactionParts,
  opened: AsyncDisposableStack,
  signal: AbortSignal,
): Promise<TransactionEngine> {
  const { type, ...settings } = config.sink;
  const { transactions, traits: { batch } = DEFAULT_TRAITS } = sinkOf(type);
  const waiting = {
    signal,
    maxDelayMs: 5000,
    onRetry: ({ error, attempt, delayMs }: { error: unknown; attempt: number; delayMs: number }) =>
      log.warn('the writer waits for what it needs to begin', { attempt, delayMs, error }),
  };
  if (transactions === undefined || config.source.format !== 'tapline') {
    throw refused('They are read from topics of Tapline’s readers alone (source.format: tapline).');
  }
  const named = transactions.topic(settings) ?? '';
  const { source, topic } = await retry(() => sourceOf(config, kafka, named, signal), waiting);
  const context = { name: config.name, log, signal, ...known };
  const sink = opened.use(await retry(() => transactions.open(settings, context), waiting));
  return new TransactionEngine({
    sink,
    pipeline,
    parking,
    kafka,
    group: config.name,
    source,
    topic,
    batchChanges: config.batchChanges ?? batch.maxChanges,
    batchBytes: config.batchBytes ?? batch.maxBytes,
    bufferBytes: bufferBytesOf(config),
    log,
    metrics,
  });
}

/** The source whose topics are read, and its transaction topic, which must be there. */
async function sourceOf(
  config: WriterConfig,
  kafka: Kafka,
  named: string,
  signal: AbortSignal,
): Promise<{ source: string; topic: string }> {
  const topics = await topicsNow(kafka, config.source.topics, signal);
  const sources = new Set(named === '' ? topics.map(sourceOfTopic) : [named.slice(0, -TOPIC_SUFFIX.length)]);
  if (sources.size === 0) {
    throw new TaplineError('TOPIC_MISSING', {
      message: `No topic matches ${config.source.topics.join(', ')} yet.`,
      disposition: 'retryable',
    });
  }
  const [source = ''] = sources;
  if (sources.size > 1) throw refused(`The topics are of several sources: ${[...sources].join(', ')}.`);
  if (source === '') throw refused('The names of the topics do not say their source: set `sink.transactionTopic`.');
  const topic = `${source}${TOPIC_SUFFIX}`;
  if ((await kafka.topics.describe(topic, signal)) !== undefined) return { source, topic };
  const isAny = (await kafka.topics.list(signal)).some((name) => topics.includes(name));
  throw refused(`There is no topic ${topic}.`, isAny ? undefined : 'retryable');
}

/** `<source>.<database>.<table>`. */
function sourceOfTopic(topic: string): string {
  return topic.split('.').slice(0, -2).join('.');
}

function refused(message: string, disposition?: 'retryable'): TaplineError {
  return new TaplineError('WRITER_TRANSACTIONS', { message, ...(disposition === undefined ? {} : { disposition }) });
}
