import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Measurement } from './report.ts';

/** Clock ticks of /proc/PID/stat a second: USER_HZ, 100 on every Linux that Node runs on. */
const TICKS = 100;
const SAMPLE_MS = 200;
/** Two ticks. */
const IDLE_MS = 20;
const NEVER_IDLE_MS = 500;

/** User and system time that a process has used so far, in seconds; 0 when it is gone. */
export function cpuSeconds(pid: number | undefined): number {
  const stat = read(pid, 'stat');
  // The name in the second field may hold blanks and parentheses.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return stat === '' ? 0 : (Number(fields[11]) + Number(fields[12])) / TICKS;
}

/** Resolves when a process uses no CPU time for a moment: it has done what it was asked for. One that always has something to do is waited for half a second. */
export async function untilIdle(pid: number | undefined): Promise<void> {
  const endMs = performance.now() + NEVER_IDLE_MS;
  for (let before = -1, now = cpuSeconds(pid); now !== before && performance.now() < endMs; now = cpuSeconds(pid)) {
    before = now;
    await sleep(IDLE_MS);
  }
}

/** The most memory a process has had resident so far (VmHWM), in MiB. */
export function peakRssMib(pid: number | undefined): number {
  return Number(/VmHWM:\s+(\d+)/.exec(read(pid, 'status'))?.[1] ?? 0) / 1024;
}

/** Samples what a process has resident, until it is disposed. */
export class RssSampler implements Disposable {
  readonly #samples: number[] = [];
  readonly #timer: NodeJS.Timeout;

  constructor(pid: number | undefined) {
    this.#timer = setInterval(() => {
      const kib = Number(/VmRSS:\s+(\d+)/.exec(read(pid, 'status'))?.[1] ?? Number.NaN);
      if (!Number.isNaN(kib)) this.#samples.push(kib / 1024);
    }, SAMPLE_MS);
  }

  /** 0 before the first sample. */
  get medianMib(): number {
    return this.#samples.toSorted((a, b) => a - b)[this.#samples.length >> 1] ?? 0;
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}

/** Runnable processes over the last minute: how much else the machine has to do. */
export function machineLoad(): number {
  return Number(readFileSync('/proc/loadavg', 'utf8').split(' ')[0]);
}

function read(pid: number | undefined, file: string): string {
  if (pid === undefined) return '';
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return '';
  }
}

/** What processes have used since the meter was made. */
export class CpuMeter {
  readonly #pids: Readonly<Record<string, number | undefined>>;
  readonly #start: Readonly<Record<string, number>>;

  constructor(pids: Readonly<Record<string, number | undefined>>) {
    this.#pids = pids;
    this.#start = Object.fromEntries(Object.entries(pids).map(([name, pid]) => [name, cpuSeconds(pid)]));
  }

  /** CPU seconds of each process. */
  used(): Record<string, number> {
    return Object.fromEntries(
      Object.entries(this.#pids).map(([name, pid]) => [name, cpuSeconds(pid) - (this.#start[name] ?? 0)]),
    );
  }
}

/** Measures work that this process does with some servers. */
export async function measured(
  { what, rows, servers }: { what: string; rows: number; servers: Readonly<Record<string, number | undefined>> },
  work: () => Promise<void>,
): Promise<Measurement> {
  const meter = new CpuMeter(servers);
  const cpu = process.cpuUsage();
  const started = performance.now();
  await work();
  const seconds = (performance.now() - started) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  return { what, rows, seconds, cpuSeconds: { client: (user + system) / 1e6, ...meter.used() } };
}
