import { setTimeout as sleep } from 'node:timers/promises';
import { NO_HEADERS, openKafka } from '@tapline/kafka';
import type { Measurement } from '../report.ts';
import { PARTITIONS } from '../services.ts';
import { latencies, type Sightings } from './sightings.ts';
import { keyOfId, watchTopic } from './topic-eye.ts';

const VALUE_BYTES = 360;

/** What Kafka and the consumer take by themselves: records of a row's size sent straight to the broker at the same rate, each at once. */
export async function measureLimit(
  brokers: readonly string[],
  load: { readonly topic: string; readonly rows: number; readonly rate: number },
): Promise<Measurement> {
  const { topic, rows, rate } = load;
  await using kafka = openKafka({ brokers: [...brokers] });
  await kafka.topics.ensure([{ topic, partitions: PARTITIONS, replicationFactor: 1, compacted: false }]);
  await using producer = kafka.producer();
  const lanes = Array.from({ length: PARTITIONS }, (_, partition) => producer.lane(topic, partition));
  const send = (id: number): void => {
    const key = keyOfId(id);
    const lane = lanes[producer.partitionFor(key, PARTITIONS)];
    if (lane === undefined) throw new Error(`there is no partition for ${id}`);
    producer.append(lane, key, Buffer.alloc(VALUE_BYTES, 'x'), Date.now(), NO_HEADERS);
    producer.flush();
  };
  const sightings: Sightings = { sent: new Map(), committed: new Map(), inKafka: new Map() };
  send(0);
  await using _eye = await watchTopic(brokers, topic, (id, at) => sightings.inKafka.set(id, at));
  const started = performance.now();
  for (let id = 1; id <= rows; id++) {
    const dueMs = started + (id / rate) * 1000 - performance.now();
    if (dueMs >= 1) await sleep(dueMs);
    const now = performance.now();
    sightings.sent.set(id, now);
    sightings.committed.set(id, now);
    send(id);
  }
  await producer.mark();
  while (sightings.inKafka.size <= rows) await sleep(20);
  return { what: 'a record → Kafka consumer', rows, figures: latencies(sightings.inKafka, sightings, 1) };
}
