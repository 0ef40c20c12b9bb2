import { setTimeout as sleep } from 'node:timers/promises';
import type { ManagedProcess } from '@tapline/test-stack';
import { CpuMeter, peakRssMib } from '../processes.ts';
import type { Measurement } from '../report.ts';
import { aliveCheck } from '../services.ts';
import { TopicWatch } from '../topics.ts';
import type { ApplyRun, ApplyStack } from './store.ts';

const POLL_MS = 20;
/** What asks for progress takes from the machine that is measured: in the middle it is asked seldom. */
const SELDOM_MS = 500;

export interface GroupWork {
  readonly what: string;
  /** A process that consumes the topic as this group; not launched yet, and still running when it is measured. */
  readonly consumer: ManagedProcess;
  readonly group: string;
  readonly servers: Readonly<Record<string, number | undefined>>;
  readonly run: ApplyRun;
  /** So many rows at the beginning are not counted; at least those of the first commit. */
  readonly uncountedRows?: number;
}

/** Counts by the offsets that the group commits, which is the same for every store: only what is applied is committed. */
export async function measureGroup(
  stack: ApplyStack,
  { what, consumer, group, servers, run: { topic, rows }, uncountedRows = 1 }: GroupWork,
): Promise<Measurement> {
  await using watch = await TopicWatch.open(stack.kafka.address.brokers, topic);
  const alive = aliveCheck(consumer);
  const untilCommitted = async (count: number, from?: Progress): Promise<Progress> => {
    for (;;) {
      const now = { committed: await watch.committed(group), at: performance.now() };
      if (now.committed >= count) return now;
      alive();
      await sleep(pauseMs(count, from, now));
    }
  };
  const launched = performance.now();
  await consumer.launch();
  const first = await untilCommitted(Math.max(1, uncountedRows));
  const meter = new CpuMeter({ consumer: consumer.pid, ...servers, broker: stack.kafka.broker(1).process.pid });
  const last = await untilCommitted(rows, first);
  // Few rows may all be in the first commit.
  const counted = last.committed - first.committed;
  return {
    what,
    rows: counted === 0 ? rows : counted,
    seconds: (last.at - (counted === 0 ? launched : first.at)) / 1000,
    cpuSeconds: meter.used(),
    peakRssMib: peakRssMib(consumer.pid),
    figures: { startupSeconds: (first.at - launched) / 1000 },
  };
}

interface Progress {
  readonly committed: number;
  readonly at: number;
}

/** Half of the time that is left at the rate so far. */
function pauseMs(count: number, from: Progress | undefined, now: Progress): number {
  if (from === undefined || now.committed === from.committed) return POLL_MS;
  const msPerRow = (now.at - from.at) / (now.committed - from.committed);
  return Math.min(SELDOM_MS, Math.max(POLL_MS, ((count - now.committed) * msPerRow) / 2));
}
