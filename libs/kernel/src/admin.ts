import type { Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describeError } from './describe-error.ts';
import { TaplineError } from './errors.ts';
import type { Logger } from './log.ts';
import type { Metrics } from './metrics.ts';

export interface AdminOptions {
  readonly host: string;
  /** 0: any free port; the log line `admin server listening` says which. */
  readonly port: number;
  readonly log: Logger;
  readonly metrics: Metrics;
  /** False: the process should be restarted. */
  readonly healthy: () => boolean;
  /** False: not doing its work (yet, or any more). */
  readonly ready: () => boolean;
  /** Answer of /state, without secrets. */
  readonly state: () => unknown;
  /** The service's own paths; undefined: it has no such path. */
  readonly answer?: (url: URL) => Promise<AdminAnswer | undefined>;
  /** The same of those that do something: with POST. */
  readonly act?: (url: URL) => Promise<AdminAnswer | undefined>;
}

/** JSON, without secrets. */
export interface AdminAnswer {
  readonly status: number;
  readonly body: unknown;
}

export interface AdminServer extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  readonly url: string;
}

/**
 * Serves GET /livez (or /healthz) and /readyz (200 or 503), /metrics (Prometheus) and /state (JSON), and the service's own paths. Browsers may not POST: a page of
 * somebody else's would do it in the name of who looks at it. Throws ADMIN_ADDRESS.
 */
export async function openAdmin(options: AdminOptions): Promise<AdminServer> {
  // Not by `import`: that asks node:http for all that it exports, which loads undici, 40 ms of CPU time at every start.
  const { createServer } = process.getBuiltinModule('node:http');
  const server = createServer((request, response) => {
    const path = request.url ?? '/';
    const { method = 'GET' } = request;
    const isRead = method === 'GET' || method === 'HEAD';
    if (!URL.canParse(path, ORIGIN)) return send(response, 400, TEXT, 'no path\n');
    if (!isRead && method !== 'POST') return send(response, 405, TEXT, 'GET or POST\n');
    if (!isRead && request.headers.origin !== undefined) return send(response, 403, TEXT, 'not from a browser\n');
    const url = new URL(path, ORIGIN);
    (isRead ? answer(url, options, response) : act(url, options, response)).catch((error: unknown) => {
      options.log.error('admin request failed', { path: url.pathname, error });
      if (!response.headersSent) sendJson(response, 500, { error: describeError(error, options.log.redactor) });
      else response.destroy();
    });
  });
  // Probes come and go; a client that stalls must not hold a socket, nor a kept-alive one the shutdown.
  server.requestTimeout = 10_000;
  server.keepAliveTimeout = 5_000;
  const { address, port } = await listen(server, options);
  const host = address.includes(':') ? `[${address}]` : address;
  options.log.info('admin server listening', { host: address, port, url: `http://${host}:${port}` });
  return {
    host: address,
    port,
    url: `http://${host}:${port}`,
    async [Symbol.asyncDispose](): Promise<void> {
      if (!server.listening) return;
      const { promise, resolve } = Promise.withResolvers<void>();
      server.close(() => resolve());
      server.closeAllConnections();
      await promise;
    },
  };
}

const ORIGIN = 'http://admin';
const TEXT = 'text/plain; charset=utf-8';

function listen(server: Server, { host, port }: AdminOptions): Promise<AddressInfo> {
  const { promise, resolve, reject } = Promise.withResolvers<AddressInfo>();
  server.once('error', (cause: NodeJS.ErrnoException) => {
    const message = `Cannot listen on ${host}:${port}: ${cause.code ?? cause.message}.`;
    reject(new TaplineError('ADMIN_ADDRESS', { message, place: { address: `${host}:${port}` }, cause }));
  });
  server.listen(port, host, () => resolve(server.address() as AddressInfo));
  return promise;
}

async function answer(url: URL, options: AdminOptions, response: ServerResponse): Promise<void> {
  switch (url.pathname) {
    case '/livez':
    case '/healthz':
      return sendVerdict(response, options.healthy());
    case '/readyz':
      return sendVerdict(response, options.ready());
    case '/metrics':
      return send(response, 200, options.metrics.contentType, await options.metrics.text());
    case '/state':
      return sendJson(response, 200, options.log.redactor.data(options.state()));
    default: {
      const own = await options.answer?.(url);
      if (own !== undefined) return sendJson(response, own.status, options.log.redactor.data(own.body));
      return send(response, 404, TEXT, 'known: /livez /readyz /metrics /state\n');
    }
  }
}

async function act(url: URL, options: AdminOptions, response: ServerResponse): Promise<void> {
  const done = await options.act?.(url);
  if (done === undefined) return send(response, 405, TEXT, 'GET only\n');
  return sendJson(response, done.status, options.log.redactor.data(done.body));
}

function sendVerdict(response: ServerResponse, good: boolean): void {
  send(response, good ? 200 : 503, TEXT, good ? 'ok\n' : 'no\n');
}

function sendJson(response: ServerResponse, status: number, value: unknown): void {
  send(response, status, 'application/json; charset=utf-8', `${JSON.stringify(value, null, 2)}\n`);
}

function send(response: ServerResponse, status: number, contentType: string, body: string): void {
  response.writeHead(status, { 'content-type': contentType, 'cache-control': 'no-store' });
  response.end(response.req.method === 'HEAD' ? undefined : body);
}
