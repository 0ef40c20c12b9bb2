import { type Lane, NO_HEADERS, type OrderedProducer, openKafka } from '@tapline/kafka';
import { type KafkaCluster, openStack } from '@tapline/test-stack';
import type { BenchOptions } from './options.ts';
import { measurePerfTool } from './perf-tool.ts';
import { CpuMeter } from './processes.ts';
import type { Measurement } from './report.ts';
import { PARTITIONS } from './services.ts';

const KEY_BYTES = 12;
const VALUE_BYTES = 250;
/** Where the record's number stands in its key. */
const NUMBER_AT = 4;
/** Records between two looks at what arrived, as a reader between two pulls. */
const RECORDS_A_TURN = 1000;

/** Records in memory → acknowledged by all replicas, idempotently; beside it Kafka's own producer tool. */
export async function benchProduce({ rows, runs, forSpeed, say }: BenchOptions): Promise<(readonly Measurement[])[]> {
  await using stack = await openStack({ kafka: { forSpeed } }, say);
  const results: (readonly Measurement[])[] = [];
  for (let run = 1; run <= runs; run++) {
    say(`run ${run}: producer`);
    const own = await measureProducer(stack.kafka, `produce${run}`, rows);
    say(`run ${run}: Kafka's producer tool`);
    const recordBytes = KEY_BYTES + VALUE_BYTES;
    results.push([own, await measurePerfTool(stack.kafka, { rows, recordBytes, topic: `perf${run}` })]);
  }
  return results;
}

async function measureProducer(cluster: KafkaCluster, topic: string, rows: number): Promise<Measurement> {
  await using kafka = openKafka({ brokers: cluster.address.brokers });
  await kafka.topics.ensure([{ topic, partitions: PARTITIONS, replicationFactor: 1, compacted: false }]);
  await using producer = kafka.producer();
  const lanes = Array.from({ length: PARTITIONS }, (_, partition) => producer.lane(topic, partition));
  const meter = new CpuMeter({ producer: process.pid, broker: cluster.broker(1).process.pid });
  const began = performance.now();
  await appendAll(producer, lanes, rows);
  const acknowledged = await producer.mark();
  const seconds = (performance.now() - began) / 1000;
  const cpuSeconds = meter.used();
  const inTopic = [...acknowledged.values()].reduce((sum, offset) => sum + Number(offset), 0);
  if (inTopic !== rows) throw new Error(`${inTopic} of ${rows} records are in the topic`);
  const { requests } = producer.stats;
  return {
    what: 'tapline producer',
    rows,
    seconds,
    cpuSeconds,
    figures: { recordBytes: KEY_BYTES + VALUE_BYTES, requests },
  };
}

async function appendAll(producer: OrderedProducer, lanes: readonly Lane[], rows: number): Promise<void> {
  const key = Buffer.from('key-'.padEnd(KEY_BYTES, '0'));
  const value = Buffer.alloc(VALUE_BYTES, 'x');
  for (let i = 0; i < rows; i++) {
    key.writeUInt32BE(i, NUMBER_AT);
    producer.append(lanes[i % lanes.length] as Lane, key, value, Date.now(), NO_HEADERS);
    const room = producer.room();
    if (room !== undefined) await room;
    if (i % RECORDS_A_TURN === 0) await new Promise((turned) => setImmediate(turned));
  }
}
