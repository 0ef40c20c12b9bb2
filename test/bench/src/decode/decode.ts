import { PerformanceObserver } from 'node:perf_hooks';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { crc32 } from 'node:zlib';
import { openStack, type SqlServer } from '@tapline/test-stack';
import ZongJi from '@vlasky/zongji';
import { PacketCutter } from '../drain.ts';
import type { BenchOptions } from '../options.ts';
import type { Measurement } from '../report.ts';
import { DATABASE, TABLE } from '../rows.ts';
import { encodeAll } from './encode.ts';
import { type Recording, record } from './record.ts';
import { DECODE_TABLES, type DecodeTable } from './tables.ts';

const MIB = 2 ** 20;

/** Binlog bytes in memory → Avro bytes in memory, in this process; beside it a plain pass over the same bytes, and zongji. */
export async function benchDecode(options: BenchOptions): Promise<(readonly Measurement[])[]> {
  const { rows, runs, table, say } = options;
  await using stack = await openStack({ mysql: { settings: { 'max-binlog-size': '1G' } } }, say);
  const tables = DECODE_TABLES.filter(({ name }) => table === undefined || name === table);
  const results: Measurement[][] = Array.from({ length: runs }, () => []);
  for (const of of tables) {
    const recording = await record(stack.mysql, of, Math.max(3, Math.round(rows * of.share)));
    say(`${of.name}: ${of.summary}; ${recording.rows} rows, ${Math.round(recording.bytes / MIB)} MiB of binlog`);
    await measureEncoding(of, recording);
    for (const run of results) {
      run.push(await measureEncoding(of, recording));
      if (of.name === 'narrow') {
        run.push(measurePass(recording), await measureZongji(stack.mysql, recording));
      }
    }
  }
  return results;
}

async function measureEncoding(of: DecodeTable, recording: Recording): Promise<Measurement> {
  const { rows, bytes } = recording;
  using garbage = new GarbageMeter();
  const measured = await measure(async () => {
    await encodeAll(recording);
  });
  const images = of.name === 'updates' ? 2 : 1;
  const columns = recording.table.columns.length * images;
  return {
    what: `${of.name} rows → Avro`,
    rows,
    separate: true,
    seconds: measured.seconds,
    cpuSeconds: { tapline: measured.cpuSeconds },
    figures: {
      nsPerColumn: (measured.cpuSeconds * 1e9) / (rows * columns),
      mibPerCpuSecond: bytes / MIB / measured.cpuSeconds,
      gcPercent: ((await garbage.seconds()) / measured.seconds) * 100,
    },
  };
}

/** What no decoder can be faster than: each byte's share of a checksum, and each packet found. */
function measurePass({ chunks, rows, bytes }: Recording): Measurement {
  const cpu = process.cpuUsage();
  const started = performance.now();
  let sum = 0;
  const cutter = new PacketCutter(() => undefined);
  for (const chunk of chunks) {
    sum = crc32(chunk, sum);
    cutter.take(chunk);
  }
  const seconds = (performance.now() - started) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  const used = (user + system) / 1e6;
  return {
    what: 'a plain pass over the same bytes',
    rows,
    seconds,
    cpuSeconds: { pass: used },
    figures: { mibPerCpuSecond: bytes / MIB / used },
  };
}

/** zongji decodes the same binlog, from the socket, into its row objects. It has no way in for bytes. */
async function measureZongji(mysql: SqlServer, { start, rows }: Recording): Promise<Measurement> {
  const zongji = new ZongJi({ ...mysql.address, dateStrings: true });
  try {
    const measured = await measure(async () => {
      let seen = 0;
      await new Promise<void>((resolve, reject) => {
        zongji.on('error', reject);
        zongji.on('binlog', (event) => {
          if ('rows' in event) seen += (event.rows as unknown[]).length;
          if (seen >= rows) resolve();
        });
        zongji.start({
          serverId: 4_100_000_000 + process.pid,
          filename: start.file,
          position: start.position,
          includeEvents: ['tablemap', 'writerows'],
          includeSchema: { [DATABASE]: [TABLE] },
        });
      });
    });
    return {
      what: 'zongji, from the socket to objects',
      rows,
      seconds: measured.seconds,
      cpuSeconds: { zongji: measured.cpuSeconds },
    };
  } finally {
    zongji.stop();
  }
}

async function measure(work: () => Promise<void>): Promise<{ seconds: number; cpuSeconds: number }> {
  const cpu = process.cpuUsage();
  const started = performance.now();
  await work();
  const seconds = (performance.now() - started) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  return { seconds, cpuSeconds: (user + system) / 1e6 };
}

/** Time in which this process collected garbage, main-thread pauses only. */
class GarbageMeter implements Disposable {
  readonly #observer: PerformanceObserver;
  #milliseconds = 0;

  constructor() {
    this.#observer = new PerformanceObserver((list) => this.#add(list.getEntries()));
    this.#observer.observe({ entryTypes: ['gc'] });
  }

  /** So far; entries come a turn of the event loop late. */
  async seconds(): Promise<number> {
    await nextTurn();
    await nextTurn();
    this.#add(this.#observer.takeRecords());
    return this.#milliseconds / 1000;
  }

  #add(entries: readonly { readonly duration: number }[]): void {
    for (const { duration } of entries) this.#milliseconds += duration;
  }

  [Symbol.dispose](): void {
    this.#observer.disconnect();
  }
}
