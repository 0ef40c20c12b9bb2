import type { ReplayPlan, ReplayProgress, ReplayResult } from '@tapline/writer';

/** Partitions shown one by one; the others are told as a sum. */
const SHOWN_PARTITIONS = 40;

export function planText(plan: ReplayPlan): string {
  const { ranges, group, asked, resumed, recordsAtMost, target, exchange } = plan;
  const wanted = ranges.filter(({ position, to }) => position < to);
  const shown = wanted.slice(0, SHOWN_PARTITIONS);
  const width = Math.max(0, ...shown.map(({ topic, partition }) => `${topic}-${partition}`.length));
  const lines = [
    resumed ? `goes on with the replay from ${asked}` : `replays from ${asked}`,
    `  into     ${target}`,
    ...(exchange === undefined ? [] : [`  then     ${exchange}`]),
    `  records  ${counted(recordsAtMost)} at most (what Kafka has compacted away is counted too), of ${wanted.length} partitions`,
    `  times    ${span(wanted)}`,
    `  group    ${group}`,
    ...shown.map(
      (range) =>
        `  ${`${range.topic}-${range.partition}`.padEnd(width)}  offsets ${range.position} to ${range.to}, ${span([range])}`,
    ),
  ];
  if (wanted.length > shown.length) lines.push(`  … and ${wanted.length - shown.length} more partitions`);
  return `${lines.join('\n')}\n`;
}

export function progressText(progress: ReplayProgress, perSecond: number): string {
  const { passed, total, waiting } = progress;
  const part = total === 0 ? 100 : Math.floor((100 * passed) / total);
  const wait = waiting === undefined ? '' : `; waits: ${waiting.code}`;
  return `${counted(passed)} of ${counted(total)} (${part} %), ${counted(Math.round(perSecond))}/s: ${outcomes(progress)}${wait}`;
}

export function resultText(result: ReplayResult): string {
  const end = result.finished ? 'replayed' : 'stopped, --resume goes on';
  return `${[`${end}: ${outcomes(result)}`, ...result.exchanged].join('\n')}\n`;
}

function outcomes({ applied, stale, filtered, deadLetters }: ReplayProgress): string {
  const parts = [`applied ${counted(applied)}`, `stale ${counted(stale)} (the store had them)`];
  if (filtered > 0) parts.push(`filtered ${counted(filtered)}`);
  if (deadLetters > 0) parts.push(`dead letters ${counted(deadLetters)}`);
  return parts.join(', ');
}

function span(ranges: readonly Pick<ReplayPlan['ranges'][number], 'firstMs' | 'lastMs'>[]): string {
  const first = ranges.flatMap(({ firstMs }) => firstMs ?? []);
  const last = ranges.flatMap(({ lastMs }) => lastMs ?? []);
  if (first.length === 0) return 'no records';
  const low = first.reduce((a, b) => Math.min(a, b));
  const high = last.reduce((a, b) => Math.max(a, b));
  return `published ${new Date(low).toISOString()} to ${new Date(high).toISOString()}`;
}

function counted(count: number): string {
  return count.toLocaleString('en-US');
}
