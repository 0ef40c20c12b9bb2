import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type Kafka, NO_HEADERS, openKafka } from '@tapline/kafka';
import { testServers } from '@tapline/test-stack';
import { registryContract } from './contract.ts';
import { openRegistry, type Registry } from './registry.ts';

let kafka: Kafka;
let url: string;
const topic = `registry.${process.pid}.${randomBytes(4).toString('hex')}`;
const spoiled = `${topic}.spoiled`;

beforeAll(async () => {
  const servers = await testServers('kafka', 'registry');
  kafka = openKafka({ brokers: servers.kafka.brokers });
  url = servers.registry.url;
});

afterAll(async () => {
  await kafka.topics.delete([topic, spoiled]);
  await kafka[Symbol.asyncDispose]();
});

registryContract('topic', { open: () => openRegistry({ type: 'topic', topic }, { kafka }) });
registryContract('confluent', { open: () => openRegistry({ type: 'confluent', url }, { kafka }) });

/** The registry itself, whatever it takes. */
const patient = (): Promise<Registry> => openRegistry({ type: 'confluent', url }, { kafka });
/** One that is asked once. */
const confluent = (at: string): Promise<Registry> =>
  openRegistry({ type: 'confluent', url: at }, { kafka, patienceMs: 1 });

test('a topic with anything else in it is refused with the offset', async () => {
  await kafka.topics.ensure([{ topic: spoiled, partitions: 1, replicationFactor: 1 }]);
  await using producer = kafka.producer();
  producer.append(producer.lane(spoiled, 0), Buffer.from('k'), Buffer.from('not JSON'), 1, NO_HEADERS);
  await producer.mark();
  await expect(openRegistry({ type: 'topic', topic: spoiled }, { kafka })).rejects.toMatchObject({
    code: 'REGISTRY_INVALID',
    place: { topic: spoiled, offset: '0' },
  });
});

test('an incompatible schema is refused with the subject', async () => {
  await using registry = await patient();
  const subject = `s${randomBytes(6).toString('hex')}-value`;
  const level = await fetch(`${url}/config/${subject}`, {
    method: 'PUT',
    headers: { 'content-type': 'application/vnd.schemaregistry.v1+json' },
    body: JSON.stringify({ compatibility: 'BACKWARD' }),
  });
  expect(level.ok).toBe(true);
  const schema = (type: string): string =>
    JSON.stringify({ type: 'record', name: 'r', fields: [{ name: 'id', type }] });
  await registry.idFor(subject, schema('long'));
  await expect(registry.idFor(subject, schema('string'))).rejects.toMatchObject({
    code: 'SCHEMA_INCOMPATIBLE',
    message: expect.stringContaining(subject) as unknown,
  });
});

test('what is no schema is refused with the registry’s words', async () => {
  await using registry = await patient();
  await expect(registry.idFor('bad-value', '{"type":"nonsense"}')).rejects.toMatchObject({ code: 'REGISTRY_REFUSED' });
});

test('a registry that does not answer is REGISTRY_UNREACHABLE, with its address', async () => {
  // A port that the system gave and took back may be somebody else's by now.
  const at = 'http://127.0.0.1:1';
  await using registry = await confluent(at);
  await expect(registry.idFor('x-value', '"string"')).rejects.toMatchObject({
    code: 'REGISTRY_UNREACHABLE',
    disposition: 'retryable',
    place: { address: at },
  });
});

test('a registry that comes up late is waited for; the user name and password are sent', async () => {
  const seen: (string | undefined)[] = [];
  let calls = 0;
  const server = createServer((request: IncomingMessage, response) => {
    seen.push(request.headers.authorization);
    response.writeHead(++calls < 3 ? 503 : 200).end(JSON.stringify(calls < 3 ? { message: 'starting' } : { id: 7 }));
  });
  const at = await listen(server);
  await using registry = await openRegistry(
    { type: 'confluent', url: `${at}/`, username: 'u', password: 'p:ü' },
    { kafka },
  );
  expect(await registry.idFor('x-value', '"string"')).toBe(7);
  expect(seen).toEqual(new Array(3).fill(`Basic ${Buffer.from('u:p:ü').toString('base64')}`));
  await close(server);
});

test.each([
  [401, '{"message":"who?"}', 'REGISTRY_NOT_ALLOWED'],
  [403, '', 'REGISTRY_NOT_ALLOWED'],
  [422, '{"error_code":42201,"message":"bad"}', 'REGISTRY_REFUSED'],
  [200, '<html>', 'REGISTRY_INVALID'],
  [200, '{}', 'REGISTRY_INVALID'],
  [500, 'oops', 'REGISTRY_UNREACHABLE'],
])('an answer %d %s is %s', async (status, body, code) => {
  const server = createServer((_, response) => response.writeHead(status).end(body));
  await using registry = await confluent(await listen(server));
  await expect(registry.idFor('x-value', '"string"')).rejects.toMatchObject({ code });
  await close(server);
});

test('waiting for a registry ends when the signal aborts', async () => {
  const server = createServer((_, response) => response.writeHead(503).end());
  await using registry = await openRegistry({ type: 'confluent', url: await listen(server) }, { kafka });
  const stop = new AbortController();
  const asked = registry.idFor('x-value', '"string"', stop.signal);
  stop.abort(new Error('stopped'));
  await expect(asked).rejects.toThrow('stopped');
  await close(server);
});

async function listen(server: Server): Promise<string> {
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function close(server: Server): Promise<void> {
  server.closeAllConnections();
  await new Promise((done) => server.close(done));
}
