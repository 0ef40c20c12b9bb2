import type { Kafka } from '@tapline/kafka';
import { DEFAULT_TRAITS, Engine, type EngineOptions } from '@tapline/sink';
import type { WriterConfig } from './config.ts';
import { DeadLetters, deadLetterTopic } from './dead-letters.ts';
import { sinkOf } from './sinks/index.ts';

/** The engine as a writer's configuration wants it. */
export function engineOf(
  config: WriterConfig,
  parts: Pick<EngineOptions, 'sink' | 'decode' | 'parking' | 'log' | 'metrics'>,
): Engine {
  const { order, batch } = sinkOf(config.sink.type).traits ?? DEFAULT_TRAITS;
  return new Engine({
    ...parts,
    order,
    lanes: config.lanes,
    batchChanges: config.batchChanges ?? batch.maxChanges,
    batchBytes: config.batchBytes ?? batch.maxBytes,
    bufferBytes: bufferBytesOf(config),
  });
}

/** Keys and values that a writer holds on their way to its sink. */
export function bufferBytesOf({ source, sink }: Pick<WriterConfig, 'source' | 'sink'>): number {
  return source.bufferBytes ?? (sinkOf(sink.type).traits ?? DEFAULT_TRAITS).batch.bufferBytes;
}

/** Where a writer parks what can never be applied; undefined: it stops there. @throws TaplineError TOPIC_…. */
export async function openParking(
  config: WriterConfig,
  kafka: Kafka,
  signal: AbortSignal,
): Promise<DeadLetters | undefined> {
  if (config.onError === 'stop') return undefined;
  return await DeadLetters.open({ ...deadLetterTopic(config), kafka, signal });
}
