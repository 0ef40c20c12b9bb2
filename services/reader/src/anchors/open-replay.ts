import type { Kafka } from '@tapline/kafka';
import type { Logger } from '@tapline/kernel';
import type { AnchorStart, ChangeCounts } from '../failover/anchor.ts';
import type { Tails } from '../resume/tails.ts';
import type { Source } from '../source/open-source.ts';
import { AnchorReplay } from './anchor-replay.ts';
import { type ReplayedRange, readPublishedTail } from './published-tail.ts';

/** Reads what the replay from an anchor must meet. */
export async function openReplay(
  start: AnchorStart,
  parts: {
    readonly kafka: Pick<Kafka, 'reader'>;
    readonly tails: Tails;
    readonly server: Pick<Source, 'address'>;
    readonly log: Logger;
    readonly signal: AbortSignal;
  },
): Promise<{ readonly behind: ChangeCounts; readonly witness: AnchorReplay }> {
  const { kafka, tails, log, signal } = parts;
  const { address } = parts.server;
  const { behind, anchor } = start;
  const ranges = replayed(start, tails);
  const published = await readPublishedTail(ranges, { reader: kafka.reader, above: anchor.version, signal });
  return { behind, witness: new AnchorReplay({ start, published, address, log, signal }) };
}

/** Where the changes behind the anchor stand; markers between them make the true beginning an earlier one, so the first few may be left out. */
function replayed({ behind, from }: AnchorStart, { ends, gaps }: Tails): ReplayedRange[] {
  const ranges: ReplayedRange[] = [];
  for (const [topic, next] of from.offsets) {
    for (const [partition, offset] of next.entries()) {
      const count = behind.get(topic)?.get(partition) ?? 0;
      const to = ends.get(topic)?.[partition] ?? offset;
      const beyond = Number(to - offset) - (gaps.get(topic)?.get(partition)?.length ?? 0);
      const start = offset - BigInt(count);
      if (count + beyond > 0)
        ranges.push({ topic, partition, from: start < 0n ? 0n : start, to, changes: count + beyond });
    }
  }
  return ranges;
}
