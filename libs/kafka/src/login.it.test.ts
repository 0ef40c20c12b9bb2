import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';
import { openStack } from '@tapline/test-stack';
import { type Kafka, openKafka } from './kafka.ts';
import { produceNumbered, uniqueName } from './numbered.ts';

const LOGIN = 'org.apache.kafka.common.security.plain.PlainLoginModule required';
/** Signed by itself, for localhost and 127.0.0.1; it protects nothing. */
const certificate = fileURLToPath(new URL('fixtures/test-only-cert.pem', import.meta.url));
const keystore = fileURLToPath(new URL('fixtures/test-only-keystore.pem', import.meta.url));
const settings = {
  'listener.security.protocol.map': 'PLAINTEXT:SASL_SSL,CONTROLLER:PLAINTEXT',
  'ssl.keystore.type': 'PEM',
  'ssl.keystore.location': keystore,
  'ssl.truststore.type': 'PEM',
  'ssl.truststore.location': certificate,
  'sasl.enabled.mechanisms': 'PLAIN',
  'sasl.mechanism.inter.broker.protocol': 'PLAIN',
  'listener.name.plaintext.plain.sasl.jaas.config': `${LOGIN} username="admin" password="a" user_admin="a" user_tapline="secret";`,
  // Sessions end soon: a connection must be renewed before.
  'connections.max.reauth.ms': '2000',
};

test('TLS and login by SASL; connections are renewed before their session ends; a wrong password is KAFKA_AUTH, an unknown certificate KAFKA_TLS', async () => {
  await using stack = await openStack({ kafka: { brokers: 1, settings } });
  const { brokers } = stack.kafka.address;
  const open = (password: string): Kafka =>
    openKafka({ brokers, tls: { ca: certificate }, sasl: { mechanism: 'plain', username: 'tapline', password } });
  await using kafka = open('secret');
  const numbered = { topic: uniqueName('login'), partitions: 2, count: 40 };
  await kafka.topics.ensure([{ topic: numbered.topic, partitions: 2, replicationFactor: 1 }]);
  await using producer = kafka.producer();
  const slowly = async (i: number): Promise<void> => {
    producer.flush();
    await new Promise((done) => setTimeout(done, i === 0 ? 0 : 120));
  };
  // Where the machine stands still for a moment, a session ends before its connection is renewed: then five seconds more.
  let before: number;
  let rounds = 0;
  do {
    before = producer.stats.retries;
    await produceNumbered(producer, numbered, slowly);
    const end = BigInt(20 * ++rounds);
    expect(await kafka.reader.endOffsets(numbered.topic)).toEqual([end, end]);
  } while (producer.stats.retries > before && rounds < 10);
  expect(producer.stats.retries).toBe(before);

  await using wrong = open('guess');
  const refused = { code: 'KAFKA_AUTH', disposition: 'fatal' };
  await expect(wrong.check()).rejects.toMatchObject(refused);
  await expect(wrong.topics.list()).rejects.toMatchObject(refused);
  await using writer = wrong.producer();
  writer.append(writer.lane(numbered.topic, 0), Buffer.from('k'), null, 1, Buffer.from([0]));
  await expect(writer.mark()).rejects.toMatchObject(refused);

  await using distrusting = openKafka({ brokers, tls: true });
  await expect(distrusting.check()).rejects.toMatchObject({ code: 'KAFKA_TLS', disposition: 'fatal' });
  await using plain = openKafka({ brokers, connectTimeoutMs: 2_000 }, { patienceMs: 1 });
  await expect(plain.check()).rejects.toMatchObject({ code: 'KAFKA_UNREACHABLE' });
});
