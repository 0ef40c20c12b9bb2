import { spawn } from 'node:child_process';
import type { KafkaCluster } from '@tapline/test-stack';
import { CpuMeter, cpuSeconds } from './processes.ts';
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
  // The broker's own Java and class path hold the tool.
  const { command, args } = broker.process.spec;
  const classPath = args[args.indexOf('-cp') + 1] as string;
  const properties = [
    `bootstrap.servers=${brokers.join(',')}`,
    'acks=all',
    'enable.idempotence=true',
    'batch.size=524288',
    'linger.ms=5',
    'buffer.memory=67108864',
  ];
  const tool = ['org.apache.kafka.tools.ProducerPerformance', '--topic', topic, '--num-records', String(rows)];
  const meter = new CpuMeter({ broker: broker.process.pid });
  const { output, cpu } = await runMeasured(command, [
    '-Xmx256m',
    '-cp',
    classPath,
    ...tool,
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

async function runMeasured(command: string, args: readonly string[]): Promise<{ output: string; cpu: number }> {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  child.stdout.on('data', (text: Buffer) => {
    output += text.toString();
  });
  child.stderr.on('data', (text: Buffer) => {
    output += text.toString();
  });
  let cpu = 0;
  // A process's times are gone when it is.
  const timer = setInterval(() => {
    cpu = Math.max(cpu, cpuSeconds(child.pid));
  }, 20);
  try {
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', resolve);
    });
    if (code !== 0) throw new Error(`${command} ended with code ${code}:\n${output.slice(-2000)}`);
    return { output, cpu };
  } finally {
    clearInterval(timer);
    child.kill('SIGKILL');
  }
}
