import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { compileJava } from '@tapline/test-stack';
import { runJavaTool } from '../java-tool.ts';
import { CpuMeter } from '../processes.ts';
import type { ApplyStack, OpenStore } from './store.ts';

const PUTS = fileURLToPath(new URL('HBasePuts.java', import.meta.url));

/** HBase; the limit is its own Java client, which puts the rows in batches of 500 from four threads. */
export async function openHBase(stack: ApplyStack): Promise<OpenStore> {
  const server = await stack.add('hbase', { forSpeed: true, heapMib: 1024 });
  const { command } = server.process.spec;
  const classes = join(stack.folder, 'hbase-puts');
  await mkdir(classes);
  await compileJava(PUTS, [server.libraries], classes);
  const run = async (args: readonly string[]): Promise<{ output: string; cpu: number }> =>
    await runJavaTool({
      command,
      classPath: `${classes}:${server.libraries}/*`,
      mainClass: 'HBasePuts',
      args: [server.address.master, ...args],
    });
  return {
    process: server.process,
    sink: ({ run: number }) =>
      Promise.resolve({
        type: 'hbase',
        masters: server.address.master,
        table: `applied${number}`,
        rowKey: '${hash:4}${key.id:int32}',
      }),
    async check({ rows, run: number }) {
      const { output } = await run(['count', `applied${number}`]);
      const counted = Number(/rows (\d+)/.exec(output)?.[1]);
      if (counted !== rows) throw new Error(`HBase holds ${counted} rows instead of ${rows}:\n${output.slice(-2000)}`);
    },
    async limits({ rows, run: number }) {
      const meter = new CpuMeter({ hbase: server.process.pid });
      const { output, cpu } = await run(['put', `raw${number}`, String(rows)]);
      const seconds = Number(/seconds ([\d.]+)/.exec(output)?.[1]);
      if (!(seconds > 0)) throw new Error(`HBase's client said no time:\n${output.slice(-2000)}`);
      const cpuSeconds = { client: cpu, ...meter.used() };
      return [{ what: "plain puts by HBase's own client", rows, seconds, cpuSeconds }];
    },
    [Symbol.asyncDispose]: () => server.stop(),
  };
}
