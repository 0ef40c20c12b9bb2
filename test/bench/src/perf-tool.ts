import type { KafkaCluster } from '@tapline/test-stack';
import { runKafkaTool } from './kafka-tool.ts';
import { CpuMeter } from './processes.ts';
import type { Measurement } from './report.ts';
import { PARTITIONS } from './services.ts';
import { TopicWatch } from './topics.ts';

export interface PerfToolOptions {
  readonly rows: number;
  readonly recordBytes: number;
  /** A topic that is not there yet. */
  readonly topic: string;
}

/** Kafka's own producer tool with as many records of the same size: what the broker and the Java client can do here. */
export async function measurePerfTool(kafka: KafkaCluster, options: PerfToolOptions): Promise<Measurement> {
  const { rows, recordBytes, topic } = options;
  const brokers = kafka.address.brokers;
  await using watch = await TopicWatch.open(brokers, topic);
  await watch.create(PARTITIONS, {});
  const broker = kafka.broker(1);
  const properties = [
    `bootstrap.servers=${brokers.join(',')}`,
    'acks=all',
    'enable.idempotence=true',
    'batch.size=524288',
    'linger.ms=5',
    'buffer.memory=67108864',
  ];
  const meter = new CpuMeter({ broker: broker.process.pid });
  const { output, cpu } = await runKafkaTool(kafka, 'org.apache.kafka.tools.ProducerPerformance', [
    '--topic',
    topic,
    '--num-records',
    String(rows),
    '--record-size',
    String(recordBytes),
    '--throughput',
    '-1',
    '--command-property',
    ...properties,
  ]);
  const rate = Number(/([\d.]+) records\/sec[^\n]*99\.9th/.exec(output)?.[1]);
  if (!(rate > 0)) throw new Error(`Kafka's producer tool said no rate:\n${output.slice(-2000)}`);
  return {
    what: "Kafka's producer tool, same bytes",
    rows,
    seconds: rows / rate,
    cpuSeconds: { tool: cpu, ...meter.used() },
    figures: { recordBytes },
  };
}
