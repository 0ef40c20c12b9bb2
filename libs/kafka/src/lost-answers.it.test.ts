import { connect, createServer, type Server, type Socket } from 'node:net';
import { expect, test } from '@jest/globals';
import { openStack } from '@tapline/test-stack';
import { openKafka } from './kafka.ts';
import { produceNumbered, uniqueName, verifyNumbered } from './numbered.ts';

/** Stands between clients and a broker. An armed connection is cut at the next answer: the broker has done what was asked, the client never learns. */
class AnswerCutter implements AsyncDisposable {
  readonly server: Server;
  readonly #sockets = new Set<Socket>();
  #armed = false;
  cuts = 0;

  constructor(brokerPort: () => number) {
    this.server = createServer((client) => {
      const broker = connect(brokerPort(), '127.0.0.1');
      const end = (): void => {
        client.destroy();
        broker.destroy();
      };
      for (const socket of [client, broker]) {
        this.#sockets.add(socket);
        socket.on('error', end).on('close', () => {
          this.#sockets.delete(socket);
          end();
        });
      }
      client.on('data', (chunk) => forward(broker, client, chunk));
      broker.on('data', (chunk) => {
        if (!this.#armed) return forward(client, broker, chunk);
        this.#armed = false;
        this.cuts++;
        end();
      });
    });
  }

  arm(): void {
    this.#armed = true;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((done) => this.server.close(done));
  }
}

function forward(to: Socket, from: Socket, chunk: Buffer): void {
  if (to.write(chunk)) return;
  from.pause();
  to.once('drain', () => from.resume());
}

test('answers that never arrive: what the broker had written is recognised when it is sent again, whatever the window', async () => {
  await using stack = await openStack({});
  const [port] = (await stack.reserve(1)) as [number];
  let brokerPort = 0;
  await using cutter = new AnswerCutter(() => brokerPort);
  await new Promise<void>((done) => cutter.server.listen(port, '127.0.0.1', done));
  const settings = { 'advertised.listeners': `PLAINTEXT://127.0.0.1:${port}` };
  const kafkaServer = await stack.add('kafka', { settings });
  brokerPort = kafkaServer.broker(1).port;
  const brokers = [`127.0.0.1:${port}`];
  await using kafka = openKafka({ brokers });
  for (const inFlight of [1, 2, 5]) {
    const numbered = { topic: uniqueName('lost'), partitions: 4, count: 40_000 };
    await kafka.topics.ensure([{ topic: numbered.topic, partitions: 4, replicationFactor: 1 }]);
    await using producer = kafka.producer({ batchBytes: 16_384, bufferBytes: 524_288, inFlight });
    const before = cutter.cuts;
    await produceNumbered(producer, numbered, (i) => {
      if (i % 4_000 === 2_000) cutter.arm();
      return undefined;
    });
    expect(cutter.cuts - before).toBeGreaterThan(3);
    expect(producer.stats.retries).toBeGreaterThan(3);
    expect(producer.stats.widestWindow).toBeLessThanOrEqual(inFlight);
    if (inFlight > 1) expect(producer.stats.widestWindow).toBeGreaterThan(1);
    expect(await verifyNumbered(brokers, numbered)).toEqual([]);
  }
});
