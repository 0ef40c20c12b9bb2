import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A server in front of a store that lets in who knows the password, and forbids what it is told to, as proxies of stores and their own security do. */
export class GuardedFront implements AsyncDisposable {
  readonly url: string;
  password: string;
  /** Requests whose path ends so are forbidden. */
  forbidden: string | undefined;
  readonly #server: Server;
  readonly #store: string;

  private constructor(server: Server, store: string, password: string) {
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    this.password = password;
    this.#server = server;
    this.#store = store;
    server.on('request', (asked, answer) => this.#answer(asked, answer));
  }

  static async open(store: string, password: string): Promise<GuardedFront> {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new GuardedFront(server, store, password);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, 'close');
  }

  #answer(asked: IncomingMessage, answer: ServerResponse): void {
    const { method, url = '/', headers } = asked;
    const refusal = this.#refusal(headers.authorization ?? '', url);
    if (refusal !== undefined) {
      asked.resume();
      answer.writeHead(refusal, { 'content-type': 'text/plain' }).end('not for you');
      return;
    }
    const passed = request(this.#store + url, { method, headers }, (from) => {
      answer.writeHead(from.statusCode ?? 502, from.headers);
      from.pipe(answer);
    });
    passed.on('error', () => answer.destroy());
    asked.pipe(passed);
  }

  #refusal(authorization: string, url: string): number | undefined {
    const [, known = ''] = /^Basic (.+)$/.exec(authorization) ?? [];
    if (Buffer.from(known, 'base64').toString() !== `tapline:${this.password}`) return 401;
    const [path = ''] = url.split('?');
    return this.forbidden !== undefined && path.endsWith(this.forbidden) ? 403 : undefined;
  }
}
