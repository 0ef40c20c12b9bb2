import { createHash } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { compileJava } from '@tapline/test-stack';
import { HBaseEyes } from '@tapline/writer/testing/hbase';
import { runJavaTool } from '../java-tool.ts';
import { CpuMeter, measured } from '../processes.ts';
import type { Measurement } from '../report.ts';
import { rowOf } from '../rows.ts';
import type { ApplyRun, ApplyStack, OpenStore } from './store.ts';

const PUTS = fileURLToPath(new URL('HBasePuts.java', import.meta.url));

/** As many as the writer has lanes, and as large as their batches. */
const CALLS = { rowsPerCall: 2000, calls: 4 } as const;
const UNCOUNTED_SHARE = 0.2;

/** HBase; the limits are plain puts of the same rows: over the writer's own RPC, made beforehand, and by HBase's own Java client, 500 a call from four threads. */
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
  const raw = async ({ rows, run: number }: ApplyRun): Promise<Measurement> => {
    const table = `raw${number}`;
    await eyes.makeTable(table, ['d', '_v']);
    const all = rawRows(rows);
    const uncounted = Math.floor(rows * UNCOUNTED_SHARE);
    const [first, rest] = [all.slice(0, uncounted), all.slice(uncounted)];
    await (await eyes.rawPuts(first, { table, family: 'd', ...CALLS }))();
    const send = await eyes.rawPuts(rest, { table, family: 'd', ...CALLS });
    const servers = { hbase: server.process.pid };
    const what = 'plain puts, made beforehand';
    const measurement = await measured({ what, rows: rest.length, servers }, send);
    await requireRows(table, rows);
    return measurement;
  };
  return {
    process: server.process,
    uncountedShare: UNCOUNTED_SHARE,
    alternates: true,
    sink: ({ run: number }) =>
      Promise.resolve({
        type: 'hbase',
        masters: master,
        table: `applied${number}`,
        rowKey: '${hash:4}${key.id:int32}',
      }),
    check: ({ rows, run: number }) => requireRows(`applied${number}`, rows),
    limits: async (applied) => [await raw(applied), await client(applied)],
    async [Symbol.asyncDispose]() {
      await eyes[Symbol.asyncDispose]();
      await server.stop();
    },
  };
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
