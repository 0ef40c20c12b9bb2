import { readFileSync } from 'node:fs';
import { GtidSet, MariadbPosition } from '@tapline/binlog';
import { TaplineError } from '@tapline/kernel';

/** Where a replay begins in each partition, as it is asked for. */
export type ReplayStart =
  | { readonly at: 'earliest' }
  /** The first record that was published at this time, ms since the epoch, or later. */
  | { readonly at: 'time'; readonly ms: number }
  /** In front of the transactions: a GTID or a GTID set of MySQL, a GTID or a position of MariaDB. */
  | { readonly at: 'gtid'; readonly gtid: string }
  /** By topic and partition, the first of each of them; partitions that are not named are left out. */
  | { readonly at: 'offsets'; readonly offsets: ReadonlyMap<string, ReadonlyMap<number, bigint>> };

const DURATION = /^(\d+(?:\.\d+)?)(ms|s|m|h|d|w)$/;
const UNIT_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};
/** `topic:partition:offset`, several separated by commas, blanks or ends of lines. */
const OFFSET = /^([A-Za-z0-9._-]+):(\d+):(\d+)$/;
/** Date with or without a time; without a zone it would mean another time on every machine. */
const TIME = /^\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2}))?$/;

/**
 * `earliest`; a time, `2026-02-28T12:00:00Z` or `2026-02-28` (its midnight in UTC); how long ago, `2h`; a GTID or a set of them; `topic:partition:offset,…`; `@file` with the same.
 *
 * @throws TaplineError CONFIG_INVALID, SOURCE_GTID_INVALID, CONFIG_UNREADABLE.
 */
export function replayStart(text: string, nowMs: number): ReplayStart {
  const asked = text.trim();
  if (asked === 'earliest') return { at: 'earliest' };
  if (asked.startsWith('@')) return offsetsOf(readOffsets(asked.slice(1)), asked);
  const [, count, unit = ''] = DURATION.exec(asked) ?? [];
  if (count !== undefined) return { at: 'time', ms: Math.round(nowMs - Number(count) * (UNIT_MS[unit] as number)) };
  if (TIME.test(asked)) {
    const ms = Date.parse(asked);
    if (!Number.isNaN(ms)) return { at: 'time', ms };
  }
  // What has a clock's colons and no zone would be taken for an offset.
  if (/^\d{4}-\d{2}-\d{2}[T ]/.test(asked))
    throw invalid(`--from ${asked} is no time with its zone, as in 2026-02-28T12:00:00Z.`);
  if (asked.split(/[,\s]+/).every((part) => OFFSET.test(part))) return offsetsOf(asked, asked);
  if (/^[0-9a-fA-F]{8}-?[0-9a-fA-F]{4}/.test(asked) && asked.includes(':')) {
    GtidSet.parse(asked);
    return { at: 'gtid', gtid: asked };
  }
  if (/^\d+-\d+-\d+(?:,|$)/.test(asked)) {
    MariadbPosition.parse(asked);
    return { at: 'gtid', gtid: asked };
  }
  throw invalid(
    `--from is none of earliest, a time with its zone (2026-02-28T12:00:00Z), how long ago (2h), a GTID or a set of them, or topic:partition:offset,…: ${JSON.stringify(text)}.`,
  );
}

function offsetsOf(text: string, asked: string): ReplayStart {
  const offsets = new Map<string, Map<number, bigint>>();
  for (const part of text.split(/[,\s]+/).filter((one) => one !== '')) {
    const [, topic = '', partition, offset] = OFFSET.exec(part) ?? [];
    if (partition === undefined || offset === undefined)
      throw invalid(`${asked}: ${JSON.stringify(part)} is not topic:partition:offset.`);
    const partitions = offsets.get(topic) ?? new Map<number, bigint>();
    if (partitions.has(Number(partition)))
      throw invalid(`${asked}: partition ${partition} of ${topic} is there twice.`);
    offsets.set(topic, partitions.set(Number(partition), BigInt(offset)));
  }
  if (offsets.size === 0) throw invalid(`${asked}: there is no topic:partition:offset in it.`);
  return { at: 'offsets', offsets };
}

function readOffsets(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new TaplineError('CONFIG_UNREADABLE', {
      message: `${path} cannot be read: ${(cause as Error).message}.`,
      place: { path },
      cause,
    });
  }
}

function invalid(message: string): TaplineError {
  return new TaplineError('CONFIG_INVALID', { message, remedy: '`tapline replay --help` shows examples.' });
}
