import { Agent, request } from 'node:http';
import type { SearchServer } from '@tapline/test-stack';
import { CpuMeter } from '../processes.ts';
import type { Measurement } from '../report.ts';
import { type HttpRequest, httpRequests } from './http.ts';
import { Recorder } from './recorder.ts';
import type { ApplyRun, ApplyStack, OpenApplyStore, OpenStore } from './store.ts';

type Product = 'elasticsearch' | 'opensearch';

/** Bulks under way at once: as many as the writer has lanes. */
const CONNECTIONS = 4;
const HEAP_MIB = 1024;
const INDEX = 'applied';
/** Of each run: until then the writer's process compiles itself, and the first segments of the index are small. */
const UNCOUNTED_SHARE = 0.2;
/** Until so many rows the store's compiler makes its code faster from run to run, which would help whoever is measured later. */
const WARM_UP_ROWS = 400_000;
/** Few rows only show that the bench works. */
const WARM_UP_TIMES = 6;

/**
 * Elasticsearch or OpenSearch; the limit is the very bulks that the writer sent, recorded on their way, sent again over plain connections into an empty
 * index of the same settings and mapping.
 */
export function openSearchStore(product: Product): OpenApplyStore {
  return async (stack: ApplyStack): Promise<OpenStore> => {
    const server = await stack.add(product, { heapMib: HEAP_MIB, forSpeed: true });
    const recorder = await Recorder.open(server.port);
    const { url } = server.address;
    let bulks: readonly Bulk[] = [];
    let shape = '';
    return {
      process: server.process,
      uncountedShare: UNCOUNTED_SHARE,
      alternates: true,
      async sink({ run }) {
        await remove(url);
        const node = run === 0 ? `http://127.0.0.1:${recorder.port}` : url;
        // The index is made anew with each run: that is what the bench does, and no accident.
        return { type: product, node, index: INDEX, bookIndex: '' };
      },
      async check({ rows, run }) {
        await requireDocuments(url, rows);
        if (run > 0) return;
        shape = await shapeOf(url);
        bulks = inTurns(recorder.take().map((bytes) => httpRequests(bytes).filter(isBulk).map(bulkOf)));
      },
      async limits({ run, rows }: ApplyRun) {
        const measurements: Measurement[] = [];
        const times = run === 0 ? Math.min(WARM_UP_TIMES, Math.ceil(WARM_UP_ROWS / rows)) : 1;
        for (let time = 0; time < times; time++) {
          await remove(url);
          await answerOf(`${url}/${INDEX}`, { method: 'PUT', headers: JSON_TYPE, body: shape });
          measurements.push(await sendRaw(server, product, bulks, rows));
          await requireDocuments(url, rows);
        }
        return measurements;
      },
      async [Symbol.asyncDispose]() {
        await recorder[Symbol.asyncDispose]();
        await server.stop();
      },
    };
  };
}

const JSON_TYPE = { 'content-type': 'application/json' };

/** A bulk as it was sent, and how many rows it has. */
interface Bulk extends HttpRequest {
  readonly rows: number;
}

function isBulk({ path }: HttpRequest): boolean {
  return path.startsWith('/_bulk');
}

/** One of each connection after the other: about the order in which the writer sent them. One connection behind the other, ids would go to and fro. */
function inTurns(connections: readonly (readonly Bulk[])[]): readonly Bulk[] {
  const longest = Math.max(0, ...connections.map(({ length }) => length));
  return Array.from({ length: longest }, (_, at) => connections.flatMap((bulks) => bulks[at] ?? [])).flat();
}

const LINE_FEED = 10;

/** A row is two lines: what is to be done, and the document. */
function bulkOf(request: HttpRequest): Bulk {
  let lines = 0;
  for (const byte of request.body) if (byte === LINE_FEED) lines++;
  return { ...request, rows: lines / 2 };
}

async function remove(url: string): Promise<void> {
  await answerOf(`${url}/${INDEX}?ignore_unavailable=true`, { method: 'DELETE' });
}

async function requireDocuments(url: string, rows: number): Promise<void> {
  await answerOf(`${url}/${INDEX}/_refresh`, { method: 'POST' });
  const { count } = (await answerOf(`${url}/${INDEX}/_count`)) as { count: number };
  if (count !== rows) throw new Error(`the index holds ${count} documents instead of ${rows}`);
}

/** Settings that say what an index is, and not which one it is. */
const OWN_SETTINGS: ReadonlySet<string> = new Set([
  'creation_date',
  'provided_name',
  'uuid',
  'version',
  'replication.type',
  'resize',
]);

async function shapeOf(url: string): Promise<string> {
  const all = (await answerOf(`${url}/${INDEX}`)) as Record<string, IndexShape>;
  const { mappings = {}, settings: { index = {} } = {} } = all[INDEX] ?? {};
  const kept = Object.entries(index).filter(([name]) => !OWN_SETTINGS.has(name));
  return JSON.stringify({ mappings, settings: { index: Object.fromEntries(kept) } });
}

interface IndexShape {
  readonly mappings: unknown;
  readonly settings: { readonly index: Readonly<Record<string, unknown>> };
}

async function answerOf(url: string, init: RequestInit = {}): Promise<unknown> {
  const answer = await fetch(url, init);
  if (!answer.ok) throw new Error(`${url}: ${answer.status} ${await answer.text()}`);
  return await answer.json();
}

/** Sends all bulks, and measures from the moment on at which the rows that are not counted are answered. */
async function sendRaw(
  { port, process: { pid } }: SearchServer,
  product: Product,
  bulks: readonly Bulk[],
  rows: number,
): Promise<Measurement> {
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
  let next = 0;
  let answered = 0;
  let counted: Counted | undefined;
  const sender = async (): Promise<void> => {
    while (next < bulks.length) {
      const bulk = bulks[next++] as Bulk;
      const answer = await post(port, bulk, agent);
      if (!answer.includes('"errors":false')) throw new Error(`a bulk failed: ${answer.slice(0, 500)}`);
      answered += bulk.rows;
      if (answered >= rows * UNCOUNTED_SHARE) counted ??= new Counted(answered, { [product]: pid });
    }
  };
  try {
    await Promise.all(Array.from({ length: CONNECTIONS }, sender));
    if (counted === undefined) throw new Error('no bulk of a writer was recorded');
    return { what: 'the same bulks, sent raw', ...counted.until(answered), figures: { bulks: bulks.length } };
  } finally {
    agent.destroy();
  }
}

/** From a moment on, at which so many rows were answered. */
class Counted {
  readonly #rows: number;
  readonly #servers: CpuMeter;
  readonly #cpu = process.cpuUsage();
  readonly #started = performance.now();

  constructor(rows: number, servers: Readonly<Record<string, number | undefined>>) {
    this.#rows = rows;
    this.#servers = new CpuMeter(servers);
  }

  until(rows: number): Pick<Measurement, 'rows' | 'seconds' | 'cpuSeconds'> {
    const { user, system } = process.cpuUsage(this.#cpu);
    const cpuSeconds = { client: (user + system) / 1e6, ...this.#servers.used() };
    return { rows: rows - this.#rows, seconds: (performance.now() - this.#started) / 1000, cpuSeconds };
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
