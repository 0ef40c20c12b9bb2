import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { Transform, type TransformCallback } from 'node:stream';

/**
 * An address that moves from server to server, as a virtual IP or a DNS name does at a failover: a TCP proxy on a port that the system
 * chooses, which changes nothing, and holds data back only when it is told to.
 */
export class MovingAddress implements AsyncDisposable {
  readonly host = '127.0.0.1';
  readonly port: number;
  readonly #server: Server;
  readonly #sockets: Set<Socket>;
  #target: number | undefined;
  /** Set while data is held back. */
  #gate: Promise<void> | undefined;

  private constructor(server: Server, sockets: Set<Socket>) {
    this.#server = server;
    this.#sockets = sockets;
    this.port = (server.address() as AddressInfo).port;
  }

  /** In front of the server that listens at port `target` of this machine; undefined: nobody is there, every connection is reset. */
  static async open(target: number | undefined): Promise<MovingAddress> {
    const sockets = new Set<Socket>();
    const server = createServer();
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(0, '127.0.0.1', resolve);
    });
    const address = new MovingAddress(server, sockets);
    address.#target = target;
    server.on('connection', (client) => address.#join(client));
    return address;
  }

  /** New connections reach the server at this port; those that are open are reset, wherever in their packets they are. */
  moveTo(target: number | undefined): void {
    this.#target = target;
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  /** From now on nobody hears anything from the other side, as behind a cable that was pulled; until the hold is disposed of, when all of it comes. */
  hold(): AsyncDisposable {
    const opened = Promise.withResolvers<void>();
    this.#gate = opened.promise;
    return {
      [Symbol.asyncDispose]: () => {
        if (this.#gate === opened.promise) this.#gate = undefined;
        opened.resolve();
        return Promise.resolve();
      },
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
    });
  }

  #join(client: Socket): void {
    this.#keep(client);
    if (this.#target === undefined) {
      client.resetAndDestroy();
      return;
    }
    const server = connect(this.#target, '127.0.0.1');
    this.#keep(server);
    client.pipe(this.#gated()).pipe(server).pipe(this.#gated()).pipe(client);
    client.once('close', () => server.destroy());
    server.once('close', () => client.destroy());
  }

  #gated(): Transform {
    const passOn = async (chunk: Buffer, done: TransformCallback): Promise<void> => {
      await this.#gate;
      done(null, chunk);
    };
    return new Transform({ transform: (chunk: Buffer, _, done) => void passOn(chunk, done) });
  }

  #keep(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('error', () => undefined);
    socket.once('close', () => this.#sockets.delete(socket));
  }
}
