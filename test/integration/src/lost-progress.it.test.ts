import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { sleep } from '@tapline/kernel';
import { testServers } from '@tapline/test-stack';
import { Kafka, logLevel } from 'kafkajs';
import { Scene } from './scene.ts';
import { imageOf } from './topic-image.ts';

let scene: Scene;
let brokers: readonly string[];

beforeAll(async () => {
  const servers = await testServers('mysql', 'kafka');
  brokers = servers.kafka.brokers;
  scene = await Scene.open({ mysql: servers.mysql, brokers });
});

afterAll(async () => {
  await scene[Symbol.asyncDispose]();
});

async function deleteTopic(topic: string): Promise<void> {
  const admin = new Kafka({ brokers: [...brokers], logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  await admin.deleteTopics({ topics: [topic] });
  await admin.disconnect();
}

test('the progress topic deleted under a reader: it ends and says so, and nothing begins in silence behind a gap', async () => {
  const { sql } = scene;
  await sql.run('CREATE TABLE t (id INT PRIMARY KEY)', 'INSERT INTO t VALUES (1), (2)');
  const first = await scene.reader();
  await scene.records(first, 't', 2);
  const progress = `${scene.source}.progress`;
  await deleteTopic(progress);
  // Brokers let go of a topic a moment after they have said so.
  while (await scene.topics.exists(progress)) await sleep(100);
  await sql.run('INSERT INTO t VALUES (3)');
  // Half a minute: a topic that was just made may be unknown to a broker for a while.
  expect(await first.ended()).toBe(1);
  const gone = await first.errorOf('TOPIC_MISSING');
  expect(gone.message).toContain(progress);
  expect(gone.remedy).toContain('deleted');
  // It is not made anew by who does not know what it held.
  expect(await scene.topics.exists(progress)).toBe(false);
  const published = await scene.topics.count(scene.topic('t'));
  await sql.run('DELETE FROM t WHERE id = 2', 'INSERT INTO t VALUES (4)');

  const never = await scene.reader({ snapshot: { mode: 'never' } });
  const error = await never.errorOf('PROGRESS_LOST');
  expect(error.message).toContain(scene.topic('t'));
  expect(await never.ended()).toBe(1);
  expect(await scene.topics.count(scene.topic('t'))).toBe(published);

  const again = await scene.reader();
  await again.until('the table as it is', async () => {
    const image = await imageOf(scene.topics, scene.topic('t'));
    return Object.keys(image).join() === '1,3,4';
  });
  expect(await again.output()).toContain('hold records already, and there is no progress record');
  expect(await again.stop()).toBe(0);
});
