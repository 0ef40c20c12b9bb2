import { connect, createServer, type Server, type Socket } from 'node:net';
import type { StackBase } from '@tapline/test-stack';
import { METADATA } from '../metadata.ts';

/**
 * For tests: stands between clients and a broker. An armed connection is cut at the next answer: the broker has done what was asked, the
 * client never learns.
 */
export class AnswerCutter implements AsyncDisposable {
  readonly address: string;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #armed = false;
  #awayMs = 0;
  #awayUntil = 0;
  cuts = 0;
  /** Topics that each question for metadata has named. */
  readonly asked: number[] = [];

  private constructor(port: number, brokerPort: () => number) {
    this.address = `127.0.0.1:${port}`;
    this.#server = createServer((client) => {
      if (performance.now() < this.#awayUntil) client.destroy();
      else this.#join(client, connect(brokerPort(), '127.0.0.1'));
    });
  }

  /** Starts a broker that clients reach through the cutter only. */
  static async before(stack: StackBase, settings: Readonly<Record<string, string>> = {}): Promise<AnswerCutter> {
    const [port] = (await stack.reserve(1)) as [number];
    let brokerPort = 0;
    const cutter = new AnswerCutter(port, () => brokerPort);
    await new Promise<void>((done) => cutter.#server.listen(port, '127.0.0.1', done));
    const advertised = { 'advertised.listeners': `PLAINTEXT://${cutter.address}` };
    const kafka = await stack.add('kafka', { settings: { ...settings, ...advertised } });
    brokerPort = kafka.broker(1).port;
    return cutter;
  }

  arm(): void {
    this.#armed = true;
  }

  /** After each cut, connections are refused so long. */
  awayMs(ms: number): void {
    this.#awayMs = ms;
  }

  #join(client: Socket, broker: Socket): void {
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
    client.on('data', (chunk) => {
      this.#note(chunk);
      forward(broker, client, chunk);
    });
    broker.on('data', (chunk) => {
      if (!this.#armed) return forward(client, broker, chunk);
      this.#armed = false;
      this.cuts++;
      this.#awayUntil = performance.now() + this.#awayMs;
      end();
    });
  }

  /** Metadata Request in header v1: length int32 · api key int16 (3) · version int16 · correlation id int32 · client id string · topics. One begins a chunk: nothing is sent before its answer. */
  #note(chunk: Buffer): void {
    if (chunk.length < 14 || chunk.readInt16BE(4) !== METADATA.apiKey || chunk.readInt16BE(6) !== METADATA.apiVersion)
      return;
    const topics = 14 + chunk.readInt16BE(12);
    this.asked.push(chunk.readInt32BE(topics));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((done) => this.#server.close(done));
  }
}

function forward(to: Socket, from: Socket, chunk: Buffer): void {
  if (to.write(chunk)) return;
  from.pause();
  to.once('drain', () => from.resume());
}
