import { Agent, request } from 'node:http';
import { type HttpRequest, httpRequests } from './http.ts';
import type { TurnTaker } from './turns.ts';

/** Bulks under way at once: as many as the writer has lanes. */
const CONNECTIONS = 4;
const LINE_FEED = 10;

/** A bulk as it was sent, and how many rows it has. */
export interface Bulk extends HttpRequest {
  readonly rows: number;
}

/**
 * The bulks that were sent on these connections, one of each connection after the other: about the order in which the writer sent them. One connection behind the
 * other, ids would go to and fro.
 */
export function bulksOf(connections: readonly Buffer[]): readonly Bulk[] {
  const sent = connections.map((bytes) => httpRequests(bytes).filter(isBulk).map(bulkOf));
  const longest = Math.max(0, ...sent.map(({ length }) => length));
  return Array.from({ length: longest }, (_, at) => sent.flatMap((bulks) => bulks[at] ?? [])).flat();
}

function isBulk({ path }: HttpRequest): boolean {
  return path.startsWith('/_bulk');
}

/** A row is two lines: what is to be done, and the document. */
function bulkOf(sent: HttpRequest): Bulk {
  let lines = 0;
  for (const byte of sent.body) if (byte === LINE_FEED) lines++;
  return { ...sent, rows: lines / 2 };
}

/** Sends recorded bulks again, byte for byte, over plain connections, always as many of them under way. */
export class RawBulks implements TurnTaker, Disposable {
  readonly what = 'the same bulks, sent raw';
  readonly processes: TurnTaker['processes'];
  readonly #bulks: readonly Bulk[];
  readonly #port: number;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
  #next = 0;
  #left: number;

  constructor(bulks: readonly Bulk[], { port, processes }: { port: number; processes: TurnTaker['processes'] }) {
    this.#bulks = bulks;
    this.#port = port;
    this.processes = processes;
    this.#left = bulks.reduce((sum, { rows }) => sum + rows, 0);
  }

  get left(): number {
    return this.#left;
  }

  work(ms: number): Promise<number> {
    const end = performance.now() + ms;
    return this.#send(() => performance.now() < end);
  }

  /** Sends bulks until no more than so many rows are left. */
  async until(left: number): Promise<void> {
    await this.#send(() => this.#left > left);
  }

  [Symbol.dispose](): void {
    this.#agent.destroy();
  }

  async #send(more: () => boolean): Promise<number> {
    const before = this.#left;
    const sender = async (): Promise<void> => {
      while (more()) {
        const bulk = this.#bulks[this.#next++];
        if (bulk === undefined) return;
        const answer = await post(this.#port, bulk, this.#agent);
        if (!answer.includes('"errors":false')) throw new Error(`a bulk failed: ${answer.slice(0, 500)}`);
        this.#left -= bulk.rows;
      }
    };
    await Promise.all(Array.from({ length: CONNECTIONS }, sender));
    return before - this.#left;
  }
}

function post(port: number, { path, body }: HttpRequest, agent: Agent): Promise<string> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/x-ndjson', 'content-length': body.length };
    const sent = request({ host: '127.0.0.1', port, path, method: 'POST', agent, headers }, (answer) => {
      let text = '';
      answer.setEncoding('utf8');
      answer.on('data', (chunk: string) => {
        text += chunk;
      });
      answer.once('end', () => resolve(text));
      answer.once('error', reject);
    });
    sent.once('error', reject);
    sent.end(body);
  });
}
