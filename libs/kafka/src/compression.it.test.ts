import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from '@jest/globals';
import { openStack } from '@tapline/test-stack';
import { type Kafka, openKafka } from './kafka.ts';
import { produceNumbered, uniqueName, verifyNumbered } from './numbered.ts';
import type { ProducerOptions } from './producer.ts';

const PARTITIONS = 4;
const COUNT = 20_000;
const small = { batchBytes: 16_384, bufferBytes: 262_144 };

/** A topic of numbered records; `codec` is what the broker stores them with, whatever it was sent. */
async function numberedTopic(kafka: Kafka, codec: string, options: ProducerOptions): Promise<string> {
  const topic = uniqueName(codec);
  const config = { 'compression.type': codec };
  await kafka.topics.ensure([{ topic, partitions: PARTITIONS, replicationFactor: 1, config }]);
  await using producer = kafka.producer(options);
  await produceNumbered(producer, { topic, partitions: PARTITIONS, count: COUNT });
  return topic;
}

/** The numbers of each partition as our own reader gives them. */
async function numbersIn(kafka: Kafka, topic: string): Promise<number[][]> {
  const found: number[][] = Array.from({ length: PARTITIONS }, () => []);
  for (const [partition, numbers] of found.entries())
    for await (const records of kafka.reader.read({ topic, partition }))
      numbers.push(...records.map(({ key }) => Number(key)));
  return found;
}

const all = Array.from({ length: PARTITIONS }, (_, p) =>
  Array.from({ length: COUNT / PARTITIONS }, (_, i) => i * PARTITIONS + p),
);

test('compressed batches: read by Kafka and by us, whoever compressed them', async () => {
  await using stack = await openStack({ kafka: 1 });
  const { brokers } = stack.kafka.address;
  await using kafka = openKafka({ brokers });
  for (const compression of ['lz4', 'zstd'] as const) {
    for (const inFlight of [1, 5]) {
      // A broker that keeps records uncompressed must unpack what comes.
      const unpacked = await numberedTopic(kafka, 'uncompressed', { ...small, compression, inFlight });
      expect(await verifyNumbered(brokers, { topic: unpacked, partitions: PARTITIONS, count: COUNT })).toEqual([]);
    }
    const kept = await numberedTopic(kafka, 'producer', { ...small, compression });
    expect(await numbersIn(kafka, kept)).toEqual(all);
    expect(await keysByJava(stack.kafka.broker(1).process.spec, brokers, kept)).toEqual(
      all.flat().toSorted((a, b) => a - b),
    );
  }
  for (const codec of ['gzip', 'snappy', 'lz4', 'zstd']) {
    const topic = await numberedTopic(kafka, codec, small);
    expect(await numbersIn(kafka, topic)).toEqual(all);
  }
});

/** The keys that Kafka's console consumer prints, sorted. The broker's own Java and class path hold it. */
async function keysByJava(
  { command, args }: { readonly command: string; readonly args: readonly string[] },
  brokers: readonly string[],
  topic: string,
): Promise<number[]> {
  const classPath = args[args.indexOf('-cp') + 1] as string;
  const { stdout } = await promisify(execFile)(
    command,
    [
      '-Xmx256m',
      '-cp',
      classPath,
      'org.apache.kafka.tools.consumer.ConsoleConsumer',
      '--bootstrap-server',
      brokers.join(','),
      '--topic',
      topic,
      '--from-beginning',
      '--max-messages',
      String(COUNT),
      '--formatter-property',
      'print.key=true',
      '--formatter-property',
      'print.value=false',
    ],
    { maxBuffer: 64 * 1024 * 1024, timeout: 300_000 },
  );
  return stdout
    .trim()
    .split('\n')
    .map(Number)
    .toSorted((a, b) => a - b);
}
