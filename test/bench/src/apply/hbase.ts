import { createHash } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { compileJava } from '@tapline/test-stack';
import { HBaseEyes, type SendRawPuts } from '@tapline/writer/testing/hbase';
import { runJavaTool } from '../java-tool.ts';
import { CpuMeter, untilIdle } from '../processes.ts';
import type { Measurement } from '../report.ts';
import { rowOf } from '../rows.ts';
import { TopicWatch } from '../topics.ts';
import { GroupTurns } from './group-turns.ts';
import type { ApplyRun, ApplyStack, OpenStore } from './store.ts';
import { measureInTurns, type TurnTaker, UNCOUNTED_SHARE } from './turns.ts';

const PUTS = fileURLToPath(new URL('HBasePuts.java', import.meta.url));

/** As many as the writer has lanes, and as large as their batches. */
const CALLS = { rowsPerCall: 2000, calls: 4 } as const;

/**
 * HBase; the limits are plain puts of the same rows: over the writer's own RPC, made beforehand, by turns of a second with the writer, each into a table of its own; and behind these by
 * HBase's own Java client, 500 a call from four threads.
 */
export async function openHBase(stack: ApplyStack): Promise<OpenStore> {
  const server = await stack.add('hbase', { forSpeed: true, heapMib: 1024 });
  const { master } = server.address;
  const { command } = server.process.spec;
  const eyes = new HBaseEyes(master);
  const classes = join(stack.folder, 'hbase-puts');
  await mkdir(classes);
  await compileJava(PUTS, [server.libraries], classes);
  const run = async (args: readonly string[]): Promise<{ output: string; cpu: number }> =>
    await runJavaTool({
      command,
      classPath: `${classes}:${server.libraries}/*`,
      mainClass: 'HBasePuts',
      args: [master, ...args],
    });
  const requireRows = async (table: string, rows: number): Promise<void> => {
    const counted = await eyes.count(table, ['d']);
    if (counted !== rows) throw new Error(`table ${table} of HBase holds ${counted} rows instead of ${rows}`);
  };
  const client = async ({ rows, run: number }: ApplyRun): Promise<Measurement> => {
    const meter = new CpuMeter({ hbase: server.process.pid });
    const { output, cpu } = await run([`client${number}`, String(rows)]);
    const seconds = Number(/seconds ([\d.]+)/.exec(output)?.[1]);
    if (!(seconds > 0)) throw new Error(`HBase's client said no time:\n${output.slice(-2000)}`);
    // With its warming up.
    const cpuSeconds = { client: cpu, ...meter.used() };
    return { what: "plain puts by HBase's own client", rows, seconds, cpuSeconds };
  };
  const openRaw = async (run: ApplyRun): Promise<RawPuts> => {
    const table = tableOf('raw', run);
    await eyes.makeTable(table, ['d', '_v']);
    const send = await eyes.rawPuts(rawRows(run.rows), { table, family: 'd', ...CALLS });
    return new RawPuts(send, { rows: run.rows, processes: { hbase: server.process.pid } });
  };
  return {
    process: server.process,
    uncountedShare: UNCOUNTED_SHARE,
    sink: (run) =>
      Promise.resolve({
        type: 'hbase',
        masters: master,
        table: tableOf('applied', run),
        rowKey: '${hash:4}${key.id:int32}',
      }),
    check: (run) => requireRows(tableOf('applied', run), run.rows),
    async limits(run) {
      await (await openRaw(run)).finish();
      return [await client(run)];
    },
    async inTurns(run, consumer) {
      const { rows } = run;
      await using topic = await TopicWatch.open(stack.kafka.address.brokers, run.topic);
      const servers = { hbase: server.process.pid, broker: stack.kafka.broker(1).process.pid };
      const writer = new GroupTurns({ what: 'tapline writer → hbase', consumer, topic, rows, servers });
      const raw = await openRaw(run);
      await raw.launch(rows * UNCOUNTED_SHARE);
      await writer.launch(rows * UNCOUNTED_SHARE);
      const settle = (): Promise<void> => untilIdle(server.process.pid);
      const measured = await measureInTurns([writer, raw], { run: run.run, settle });
      await writer.finish();
      await raw.finish();
      for (const kind of ['applied', 'raw'] as const) await requireRows(tableOf(kind, run), rows);
      return [...measured, await client(run)];
    },
    async [Symbol.asyncDispose]() {
      await eyes[Symbol.asyncDispose]();
      await server.stop();
    },
  };
}

function tableOf(kind: 'applied' | 'raw', { run }: ApplyRun): string {
  return `${kind}${run}`;
}

/** Puts that were made beforehand. */
class RawPuts implements TurnTaker {
  readonly what = 'plain puts, made beforehand';
  readonly processes: TurnTaker['processes'];
  readonly #send: SendRawPuts;
  left: number;

  constructor(send: SendRawPuts, { rows, processes }: { rows: number; processes: TurnTaker['processes'] }) {
    this.#send = send;
    this.processes = processes;
    this.left = rows;
  }

  /** Puts the first rows. */
  async launch(rows: number): Promise<void> {
    const end = this.left - rows;
    while (this.left > end) await this.work(0);
  }

  async work(ms: number): Promise<number> {
    const endMs = performance.now() + ms;
    let isFirst = true;
    const done = await this.#send(() => {
      const more = isFirst || performance.now() < endMs;
      isFirst = false;
      return more;
    });
    this.left -= done;
    return done;
  }

  async finish(): Promise<void> {
    this.left -= await this.#send();
  }
}

function rawRows(count: number): { row: Buffer; columns: Record<string, string> }[] {
  return Array.from({ length: count }, (_, index) => {
    const { id, k, c, pad } = rowOf(index + 1);
    const number = Buffer.alloc(4);
    number.writeInt32BE(id ^ 0x8000_0000);
    const hash = createHash('md5').update(String(id)).digest('hex').slice(0, 4);
    return { row: Buffer.concat([Buffer.from(hash), number]), columns: { id: String(id), k: String(k), c, pad } };
  });
}
