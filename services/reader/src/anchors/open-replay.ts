import type { Kafka } from '@tapline/kafka';
import type { Logger } from '@tapline/kernel';
import type { AnchorStart, ChangeCounts } from '../failover/anchor.ts';
import type { OffsetRange } from '../progress/snapshot-progress.ts';
import type { Tails } from '../resume/tails.ts';
import type { Source } from '../source/open-source.ts';
import { AnchorReplay } from './anchor-replay.ts';
import { PublishedVersions } from './published-versions.ts';

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
  const published = await PublishedVersions.read(ranges, { reader: kafka.reader, above: anchor.version, signal });
  return { behind, witness: new AnchorReplay({ start, published, address, log, signal }) };
}

/** Where the changes behind the anchor stand; markers between them make the true beginning an earlier one, so the first few may be left out. */
function replayed({ behind, from }: AnchorStart, { ends }: Tails): OffsetRange[] {
  const ranges: OffsetRange[] = [];
  for (const [topic, next] of from.offsets) {
    for (const [partition, offset] of next.entries()) {
      const back = offset - BigInt(behind.get(topic)?.get(partition) ?? 0);
      const to = ends.get(topic)?.[partition] ?? offset;
      if (to > back) ranges.push({ topic, partition, from: back < 0n ? 0n : back, to });
    }
  }
  return ranges;
}
