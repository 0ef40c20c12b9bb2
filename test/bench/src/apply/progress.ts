import { setTimeout as sleep } from 'node:timers/promises';
import type { ManagedProcess } from '@tapline/test-stack';
import { CpuMeter, peakRssMib } from '../processes.ts';
import type { Measurement } from '../report.ts';
import { aliveCheck } from '../services.ts';
import { TopicWatch } from '../topics.ts';
import type { ApplyRun, ApplyStack } from './store.ts';

const POLL_MS = 20;

export interface GroupWork {
  readonly what: string;
  /** A process that consumes the topic as this group; not launched yet, and still running when it is measured. */
  readonly consumer: ManagedProcess;
  readonly group: string;
  readonly servers: Readonly<Record<string, number | undefined>>;
  readonly run: ApplyRun;
}

/** Counts by the offsets that the group commits, which is the same for every store: only what is applied is committed. */
export async function measureGroup(
  stack: ApplyStack,
  { what, consumer, group, servers, run: { topic, rows } }: GroupWork,
): Promise<Measurement> {
  await using watch = await TopicWatch.open(stack.kafka.address.brokers, topic);
  const alive = aliveCheck(consumer);
  const untilCommitted = async (count: number): Promise<{ at: number; committed: number }> => {
    for (;;) {
      const committed = await watch.committed(group);
      if (committed >= count) return { at: performance.now(), committed };
      alive();
      await sleep(POLL_MS);
    }
  };
  const launched = performance.now();
  await consumer.launch();
  const first = await untilCommitted(1);
  const meter = new CpuMeter({ consumer: consumer.pid, ...servers, broker: stack.kafka.broker(1).process.pid });
  const last = await untilCommitted(rows);
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
