import { CpuMeter } from '../processes.ts';
import type { Measurement } from '../report.ts';

/** Of each taker's rows: until then a compiler has just started, and tables and indexes are still small. */
export const UNCOUNTED_SHARE = 0.2;
const TURN_MS = 1000;

/** One of some that do the same work beside each other, a turn each. */
export interface TurnTaker {
  readonly what: string;
  /** Rows that it has not done yet. */
  readonly left: number;
  /** Processes whose CPU time is counted in its turns, by name; this process's own is `client`. */
  readonly processes: Readonly<Record<string, number | undefined>>;
  /** The most memory that its process has had so far, in MiB. */
  readonly peakRssMib?: number;
  /** Works for about so long, and ends what it has begun. @returns rows done meanwhile. */
  work(ms: number): Promise<number>;
}

/** A turn is begun only when a taker has this many times as many rows left as it did in its last one: what ends in the middle of a turn would count as slow. */
const ENOUGH = 1.2;

/**
 * Lets them work by turns, and adds up each one's rows, time and CPU time: whatever makes the machine or the store slower or faster meanwhile meets all alike. What a turn
 * leaves behind for later (`settle`) is done at its end, and counted: it would slow down the next one. Who begins alternates from `run` to run.
 *
 * @returns of each taker, in their order.
 */
export async function measureInTurns(
  takers: readonly TurnTaker[],
  {
    run,
    settle,
    turnMs = TURN_MS,
  }: { readonly run: number; readonly settle: () => Promise<void>; readonly turnMs?: number },
): Promise<Measurement[]> {
  const sums = takers.map((taker) => ({ taker, rows: 0, seconds: 0, last: 0, cpu: new Map<string, number>() }));
  const inTurn = run % 2 === 0 ? sums.toReversed() : sums;
  let turns = 0;
  do {
    for (const sum of inTurn) {
      const { taker, cpu } = sum;
      const meter = new CpuMeter({ client: process.pid, ...taker.processes });
      const started = performance.now();
      sum.last = await taker.work(turnMs);
      await settle();
      sum.seconds += (performance.now() - started) / 1000;
      sum.rows += sum.last;
      for (const [name, seconds] of Object.entries(meter.used())) cpu.set(name, (cpu.get(name) ?? 0) + seconds);
    }
    turns++;
  } while (sums.every(({ taker, last }) => taker.left >= last * ENOUGH));
  return sums.map(({ taker: { what, peakRssMib }, rows, seconds, cpu }) => {
    const memory = peakRssMib === undefined ? {} : { peakRssMib };
    return { what, rows, seconds, cpuSeconds: Object.fromEntries(cpu), ...memory, figures: { turns } };
  });
}
