import { expect, test } from '@jest/globals';
import { sleep } from '@tapline/kernel';
import { openStack } from '@tapline/test-stack';
import { openKafka } from './kafka.ts';
import { NO_HEADERS } from './record-batch.ts';

test('what a dead producer left with the leader only is waited for: later it would come to light behind the end that was seen', async () => {
  await using stack = await openStack({ kafka: { brokers: 3 } });
  await using kafka = openKafka({ brokers: stack.kafka.address.brokers });
  const topic = 'settled';
  await kafka.topics.ensure([{ topic, partitions: 1, replicationFactor: 3 }]);
  const producer = kafka.producer();
  producer.failed.catch(() => {});
  const lane = producer.lane(topic, 0);
  producer.append(lane, Buffer.from('k'), Buffer.from('replicated'), Date.now(), NO_HEADERS);
  await producer.mark();
  // Connections and the producer's id are there before a broker stops answering.
  await kafka.reader.writtenEnds(topic);
  const admin = await kafka.admin();
  const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
  const leader = topics[0]?.partitions[0]?.leader;
  const follower = stack.kafka.brokers.find(({ id }) => id !== leader);
  follower?.pause();
  producer.append(lane, Buffer.from('k'), Buffer.from('left behind'), Date.now(), NO_HEADERS);
  producer.flush();
  // The leader has it; it is not acknowledged while the follower does not answer. Then the producer is gone.
  while ((await kafka.reader.writtenEnds(topic))[0] !== 2n) await sleep(20);
  await producer[Symbol.asyncDispose]();
  const ends = await kafka.reader.settledEnds(topic);
  expect(ends).toEqual([2n]);
  expect(await kafka.reader.endOffsets(topic)).toEqual([2n]);
  follower?.resume();
});
