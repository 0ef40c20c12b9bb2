import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { compileJava } from '@tapline/test-stack';
import { runJavaTool } from '../java-tool.ts';
import type { Measurement } from '../report.ts';
import type { ShapeStack } from './run.ts';

const SOURCE = fileURLToPath(new URL('SpreadRecords.java', import.meta.url));
/** About what a record of the shape `many` has. */
const RECORD_BYTES = 200;
/** More of them take minutes over 10,000 topics. */
const MOST_RECORDS = 50_000;
/** The reader's buffer beside 10,000 partitions; a batch of one topic as the reader's, and what each of many may have of the buffer. */
const BUFFER_BYTES = 40 << 20;
const BATCH_BYTES = { one: 524_288, spread: 4096 } as const;

/**
 * Records that each go to another topic beside as many that all go to one, by Kafka's own client: what it costs whoever writes that partitions are many.
 *
 * @param prefix of the topics' names; each has one partition.
 * @param rows of the reader's measurement beside it.
 */
export async function measureSpreadLimit(
  { kafka, folder }: ShapeStack,
  prefix: string,
  rows: number,
): Promise<Measurement> {
  const { command, args } = kafka.broker(1).process.spec;
  const libraries = dirname(args[args.indexOf('-cp') + 1] as string);
  const classes = join(folder, 'spread-records');
  await compileJava(SOURCE, [libraries], classes);
  const records = Math.min(rows, MOST_RECORDS);
  const numbers = [records, RECORD_BYTES, BUFFER_BYTES, BATCH_BYTES.one, BATCH_BYTES.spread];
  const { output } = await runJavaTool({
    command,
    options: ['-Xmx768m'],
    classPath: `${classes}:${libraries}/*`,
    mainClass: 'SpreadRecords',
    args: [kafka.address.brokers.join(','), prefix, ...numbers.map(String)],
  });
  const [one, spread] = [timesOf(output, 'one'), timesOf(output, 'spread')];
  return {
    what: "Kafka's own client, each record to another topic",
    rows: records,
    separate: true,
    seconds: spread.seconds,
    cpuSeconds: { client: spread.cpu },
    figures: {
      oneClientCpuMicrosPerRow: (one.cpu / records) * 1e6,
      spreadClientCpuMicrosPerRow: (spread.cpu / records) * 1e6,
      timesOnePerRow: spread.seconds / one.seconds,
      timesOneCpuPerRow: spread.cpu / one.cpu,
    },
  };
}

function timesOf(output: string, what: string): { seconds: number; cpu: number } {
  const [, seconds, cpu] = new RegExp(`^${what} seconds ([\\d.]+) cpu ([\\d.]+)$`, 'm').exec(output) ?? [];
  if (seconds === undefined) throw new Error(`SpreadRecords said no times:\n${output.slice(-2000)}`);
  return { seconds: Number(seconds), cpu: Number(cpu) };
}
