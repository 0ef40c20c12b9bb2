import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/** Stands between a writer and its store, and keeps all that the writer sends, connection by connection. */
export class Recorder implements AsyncDisposable {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #connections: Buffer[][] = [];

  private constructor(port: number) {
    this.#server = createServer({ noDelay: true }, (near) => {
      const chunks: Buffer[] = [];
      this.#connections.push(chunks);
      const far = connect({ port, host: '127.0.0.1', noDelay: true });
      near.on('data', (chunk: Buffer) => chunks.push(chunk));
      near.pipe(far);
      far.pipe(near);
      for (const socket of [near, far]) {
        this.#sockets.add(socket);
        socket.on('error', () => this.#end(near, far));
        socket.on('close', () => this.#end(near, far));
      }
    });
  }

  static async open(port: number): Promise<Recorder> {
    const recorder = new Recorder(port);
    recorder.#server.listen(0, '127.0.0.1');
    await once(recorder.#server, 'listening');
    return recorder;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** What was sent on each connection, as one piece each. What was taken is not kept. */
  take(): Buffer[] {
    const taken = this.#connections.map((chunks) => Buffer.concat(chunks));
    this.#connections = [];
    return taken;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #end(...sockets: readonly Socket[]): void {
    for (const socket of sockets) {
      this.#sockets.delete(socket);
      socket.destroy();
    }
  }
}
