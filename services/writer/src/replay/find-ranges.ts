import type { Kafka } from '@tapline/kafka';
import { TaplineError } from '@tapline/kernel';
import { offsetsByGtid } from './gtid-place.ts';
import type { Range } from './range.ts';
import type { ReplayStart } from './start.ts';

type Parts = Pick<Kafka, 'topics' | 'reader'>;

/** The topics that `--tables` chooses: `shop.orders`, `shop.*`, a topic's whole name. All where nothing is chosen. @throws TaplineError REPLAY_TABLE. */
export function chosenTopics(topics: readonly string[], tables: readonly string[]): string[] {
  const chosen = new Set<string>();
  for (const table of tables) {
    const pattern = table.replace(/[\\^$.+?()[\]{}|]/g, '\\$&').replaceAll('*', '.*');
    const named = new RegExp(`^(?:.+\\.)?${pattern}$`);
    const found = topics.filter((topic) => named.test(topic));
    if (found.length === 0) {
      throw new TaplineError('REPLAY_TABLE', {
        message: `--tables ${table} is none of the writer’s topics: ${topics.slice(0, 20).join(', ')}.`,
      });
    }
    for (const topic of found) chosen.add(topic);
  }
  return tables.length === 0 ? [...topics] : topics.filter((topic) => chosen.has(topic));
}

/**
 * What is to be replayed of each partition: from the place asked for up to the end as it is now.
 *
 * @throws TaplineError TOPIC_MISSING, REPLAY_PLACE: the place is not in the topics.
 */
export async function findRanges(
  kafka: Parts,
  topics: readonly string[],
  start: ReplayStart,
  signal: AbortSignal,
): Promise<Range[]> {
  await requireTopics(kafka, topics, signal);
  const known = start.at === 'gtid' ? await offsetsByGtid(kafka, topics, start.gtid, signal) : undefined;
  if (start.at === 'offsets') requireNamed(start.offsets, topics);
  const ranges: Range[] = [];
  for (const topic of topics) {
    const starts = await kafka.reader.startOffsets(topic, signal);
    const ends = await kafka.reader.endOffsets(topic, signal);
    const asked = await askedOffsets(kafka, topic, start, known, signal);
    if (start.at === 'offsets') requireOffsets(topic, start.offsets.get(topic), { starts, ends });
    for (const [partition, to] of ends.entries()) {
      const first = starts[partition] as bigint;
      const wanted = asked === 'all' ? first : asked?.[partition];
      if (asked !== 'all' && wanted === undefined && start.at === 'offsets') continue;
      const from = wanted === undefined || wanted < first ? first : wanted;
      ranges.push({ topic, partition, from, position: from, to: to < from ? from : to });
    }
  }
  return ranges;
}

/** Where to begin in the partitions of a topic; one without an offset from its start. */
async function askedOffsets(
  { reader }: Parts,
  topic: string,
  start: ReplayStart,
  known: ReadonlyMap<string, readonly bigint[]> | undefined,
  signal: AbortSignal,
): Promise<'all' | readonly (bigint | undefined)[] | undefined> {
  if (start.at === 'earliest') return 'all';
  if (start.at === 'time') return reader.offsetsAt(topic, start.ms, signal);
  if (start.at === 'gtid') return known?.get(topic) ?? 'all';
  const partitions = start.offsets.get(topic);
  if (partitions === undefined) return [];
  const offsets: (bigint | undefined)[] = [];
  for (const [partition, offset] of partitions) offsets[partition] = offset;
  return offsets;
}

async function requireTopics({ topics: known }: Parts, topics: readonly string[], signal: AbortSignal): Promise<void> {
  const there = new Set(await known.existing(topics, signal));
  const missing = topics.filter((topic) => !there.has(topic));
  if (missing.length === 0 && topics.length > 0) return;
  throw new TaplineError('TOPIC_MISSING', {
    message:
      topics.length === 0 ? 'No topic matches source.topics.' : `There is no topic ${missing.slice(0, 10).join(', ')}.`,
    place: { path: 'source.topics' },
    disposition: 'fatal',
  });
}

function requireNamed(offsets: ReadonlyMap<string, unknown>, topics: readonly string[]): void {
  const other = [...offsets.keys()].find((topic) => !topics.includes(topic));
  if (other === undefined) return;
  throw new TaplineError('REPLAY_PLACE', {
    message: `--from names the topic ${other}, which is not to be replayed: it is none of the writer’s, or not in --tables.`,
    place: { topic: other },
  });
}

function requireOffsets(
  topic: string,
  asked: ReadonlyMap<number, bigint> | undefined,
  { starts, ends }: { readonly starts: readonly bigint[]; readonly ends: readonly bigint[] },
): void {
  for (const [partition, offset] of asked ?? []) {
    const [start, end] = [starts[partition], ends[partition]];
    const place = { topic, partition };
    if (start === undefined || end === undefined) {
      throw new TaplineError('REPLAY_PLACE', {
        message: `Topic ${topic} has no partition ${partition}: it has ${ends.length}.`,
        place,
      });
    }
    if (offset > end) {
      throw new TaplineError('REPLAY_PLACE', {
        message: `Offset ${offset} is beyond the end of partition ${partition} of ${topic}, which is ${end}.`,
        place,
      });
    }
  }
}
