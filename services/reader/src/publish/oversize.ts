import { GrowingSink, type TableEnvelope } from '@tapline/envelope';
import {
  CLAIM_HEADER,
  ClaimWriter,
  encodeClaim,
  encodeHeaders,
  joinHeaders,
  type Kafka,
  type Lane,
  type OrderedProducer,
  type TopicSpec,
} from '@tapline/kafka';
import { TaplineError } from '@tapline/kernel';
import type { ReaderConfig } from '../config.ts';

/** A record that is larger than its topic takes. Its bytes are valid until it is published. */
export interface OversizeRecord {
  /** Whose record it is. */
  readonly route: {
    readonly name: string;
    readonly envelope: Pick<TableEnvelope, 'printKey' | 'writeReduced'>;
  };
  readonly lane: Lane;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: Buffer;
  readonly version: bigint;
  readonly timestampMs: number;
  /** `file:position` in the binlog. */
  readonly position: string;
}

/** A claim's header: a topic's name, numbers, and what stands around them. */
const CLAIM_HEADER_BYTES = 512;
/** What is left out of a value to make it fit, the longest first: most rows keep all but their one large column. */
const LONGEST_BYTES = [16_384, 1024, 64] as const;
/** A piece with its key and the batch around it fills one buffer of the producer. */
const PIECE_OVERHEAD_BYTES = 1024;
/** What brokers take at all, by default (socket.request.max.bytes). */
const BROKER_BYTES = 100 * 1024 * 1024;

/**
 * What becomes of records that their topics do not take (`topics.oversize`).
 *
 * `stop`: the reader stops before anything of the record is sent. `claimCheck`: the whole value goes to the claims topic; when that is
 * acknowledged, the record goes to its own topic, in its place in the order, with a claim in its headers and a value that lacks the
 * long texts and bytes. Nothing else is published meanwhile, so the order is that of the binlog.
 *
 * Rejected: a claims topic compacted by the records' keys. It would take away the pieces of a change while a consumer that is behind still
 * has that change before it.
 */
export class Oversize {
  readonly #producer: OrderedProducer;
  readonly #claims: ClaimWriter | undefined;
  readonly #reduced: GrowingSink = new GrowingSink(4096);
  /** Values put aside, and their bytes. */
  claims = 0;
  claimBytes = 0;

  private constructor(producer: OrderedProducer, claims: ClaimWriter | undefined) {
    this.#producer = producer;
    this.#claims = claims;
  }

  /** Makes the claims topic where it will be needed. @throws TaplineError TOPIC_COMPACTED, TOPIC_PARTITIONS. */
  static async open(parts: {
    config: ReaderConfig;
    kafka: Kafka;
    producer: OrderedProducer;
    signal: AbortSignal;
  }): Promise<Oversize> {
    const { config, kafka, producer, signal } = parts;
    const spec = claimsTopicSpec(config);
    if (spec === undefined) return new Oversize(producer, undefined);
    await kafka.topics.ensure([spec], signal);
    const { topic } = spec;
    const pieceBytes = config.kafka.batchBytes - PIECE_OVERHEAD_BYTES;
    return new Oversize(producer, new ClaimWriter({ producer, reader: kafka.reader, topic, pieceBytes, signal }));
  }

  /** Resolves when the record is handed to the producer. @throws TaplineError KAFKA_RECORD_TOO_LARGE, and what the producer fails with. */
  async publish(record: OversizeRecord): Promise<void> {
    const { route, lane, key, value, timestampMs } = record;
    if (this.#claims === undefined || value === null) throw tooLarge(record, value?.length ?? 0);
    const room = lane.maxRecordBytes - (key?.length ?? 0) - record.headers.length - CLAIM_HEADER_BYTES;
    // Before the claim is written: a record that does not fit even so leaves nothing behind.
    const reduced = this.#reduce(route, value, room);
    const name = `${lane.topic}/${record.version}`;
    if (reduced.length > room) throw tooLarge(record, reduced.length, true);
    const claim = await this.#claims.write({ value, partition: lane.partition, name, timestampMs });
    const headers = joinHeaders(record.headers, encodeHeaders({ [CLAIM_HEADER]: encodeClaim(claim) }));
    this.#producer.append(lane, key, reduced, timestampMs, headers);
    this.claims++;
    this.claimBytes += value.length;
  }

  #reduce(route: OversizeRecord['route'], value: Buffer, room: number): Buffer {
    const sink = this.#reduced;
    for (const longest of LONGEST_BYTES) {
      sink.position = 0;
      route.envelope.writeReduced(sink, value, longest);
      if (sink.position <= room) break;
    }
    return sink.written();
  }
}

/** undefined: no value is put aside. */
export function claimsTopicSpec({ name, topics }: Pick<ReaderConfig, 'name' | 'topics'>): TopicSpec | undefined {
  const { partitions, replicationFactor, oversize } = topics;
  if (oversize.policy === 'stop') return undefined;
  const kept = { 'cleanup.policy': 'delete', 'retention.ms': String(oversize.retentionMs) };
  return { topic: `${name}.claims`, partitions, replicationFactor, config: { ...topics.config, ...kept } };
}

function tooLarge(record: OversizeRecord, valueBytes: number, reduced = false): TaplineError {
  const { route, lane, key, headers } = record;
  const keyBytes = key?.length ?? 0;
  const bytes = keyBytes + valueBytes + headers.length;
  const row = key === null ? 'A row' : `The row ${route.envelope.printKey(key)}`;
  const what = reduced ? `${valueBytes} bytes even without its long texts and bytes` : `${valueBytes} bytes of value`;
  return new TaplineError('KAFKA_RECORD_TOO_LARGE', {
    message: `${row} makes a record of ${bytes} bytes (${keyBytes} bytes of key, ${what}); the topic takes ${lane.maxRecordBytes}, by its max.message.bytes.`,
    place: { table: route.name, topic: lane.topic, partition: lane.partition, position: record.position },
    remedy: remedyFor(record, bytes, reduced),
  });
}

function remedyFor({ lane }: OversizeRecord, bytes: number, reduced: boolean): string {
  const leaveOut = 'leave the table out (source.exclude).';
  if (bytes > BROKER_BYTES)
    return `No topic can take it, as brokers take no larger request: have large values put aside (topics.oversize.policy: claimCheck); or ${leaveOut}`;
  const wanted = Math.min(roundedUp(2 * bytes), BROKER_BYTES);
  const raise = `Raise the limit (kafka-configs.sh --alter --entity-type topics --entity-name ${lane.topic} --add-config max.message.bytes=${wanted}) and start the reader again: it goes on at this change`;
  const aside = reduced ? '' : '; or have large values put aside (topics.oversize.policy: claimCheck)';
  return `${raise}${aside}; or ${leaveOut}`;
}

/** To whole MiB. */
function roundedUp(bytes: number): number {
  return Math.ceil(bytes / 1_048_576) * 1_048_576;
}
