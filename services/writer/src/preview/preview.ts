import type { KafkaRecord } from '@tapline/kafka';
import { TaplineError } from '@tapline/kernel';
import type { Change } from '@tapline/sink';
import { changesOf } from '../pipeline.ts';
import { sinkOf } from '../sinks/index.ts';
import type { WriterTools } from '../tools.ts';
import { shownRow } from './shown.ts';

/** Where to begin in each partition. */
export type Start =
  | { readonly at: 'earliest' }
  | { readonly at: 'offset'; readonly offset: bigint }
  | { readonly at: 'time'; readonly ms: number };

export interface PreviewOptions {
  readonly start: Start;
  /** Records of each topic, at most. */
  readonly limit: number;
  readonly signal: AbortSignal;
}

type Shown = ReturnType<typeof shownRow>;

interface ShownChange {
  readonly op: Change['op'];
  readonly version: string;
  readonly key: Shown;
  readonly before: Shown;
  readonly after: Shown;
}

/** What a writer would do with one change of a record. */
export interface PreviewedChange {
  readonly change: ShownChange;
  /** After the transforms; null: they leave it out. */
  readonly written: ShownChange | null;
  /** What would be sent to the store, where the sink can say. */
  readonly sends?: string;
  readonly error?: { readonly code: string; readonly message: string };
}

export interface PreviewedRecord {
  readonly topic: string;
  readonly partition: number;
  readonly offset: string;
  readonly timestamp: string;
  readonly changes: readonly PreviewedChange[];
  /** Why the record cannot be read. */
  readonly error?: { readonly code: string; readonly message: string };
}

/** What a writer would write, for real records of its topics. Nothing is committed, and the store is not opened. */
export async function* preview(
  tools: WriterTools,
  topics: readonly string[],
  { start, limit, signal }: PreviewOptions,
): AsyncGenerator<PreviewedRecord, void, undefined> {
  for (const topic of topics) {
    const found = await tools.kafka.topics.describe(topic, signal);
    if (found === undefined) throw new TaplineError('TOPIC_MISSING', { message: `The topic ${topic} does not exist.` });
    let left = limit;
    for (let partition = 0; partition < found.partitions && left > 0; partition++) {
      for await (const record of recordsFrom(tools, { topic, partition }, start, signal)) {
        yield await previewed(tools, { topic, partition }, record);
        if (--left === 0) break;
      }
    }
  }
}

interface Place {
  readonly topic: string;
  readonly partition: number;
}

/** Small fetches: a few records are wanted. */
const FETCH_BYTES = 262_144;

async function* recordsFrom(
  { kafka }: WriterTools,
  place: Place,
  start: Start,
  signal: AbortSignal,
): AsyncGenerator<KafkaRecord, void, undefined> {
  const from = start.at === 'offset' ? start.offset : undefined;
  for await (const records of kafka.reader.read({ ...place, from, fetchBytes: FETCH_BYTES, signal })) {
    for (const record of records) if (start.at !== 'time' || record.timestampMs >= start.ms) yield record;
  }
}

async function previewed(tools: WriterTools, place: Place, record: KafkaRecord): Promise<PreviewedRecord> {
  const { offset, timestampMs } = record;
  const head = { ...place, offset: String(offset), timestamp: new Date(timestampMs).toISOString() };
  try {
    const changes = changesOf(await tools.pipeline.read(place, record));
    return { ...head, changes: changes.map((change) => previewedChange(tools, change)) };
  } catch (error) {
    return { ...head, changes: [], error: described(error) };
  }
}

function previewedChange({ config, pipeline }: WriterTools, change: Change): PreviewedChange {
  const { type, ...settings } = config.sink;
  try {
    const written = pipeline.transform(change);
    if (written === undefined) return { change: shown(change), written: null };
    const [sends] = sinkOf(type).preview?.([written], settings) ?? [];
    return { change: shown(change), written: shown(written), ...(sends === undefined ? {} : { sends }) };
  } catch (error) {
    return { change: shown(change), written: null, error: described(error) };
  }
}

function shown({ op, version, key, before, after }: Change): ShownChange {
  return { op, version: String(version), key: shownRow(key), before: shownRow(before), after: shownRow(after) };
}

function described(error: unknown): { readonly code: string; readonly message: string } {
  if (error instanceof TaplineError) return { code: error.code, message: error.message };
  throw error;
}
