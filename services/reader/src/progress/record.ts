import { constants, zstdCompressSync } from 'node:zlib';
import type { LastEvent } from '@tapline/binlog';
import { progressJson } from '@tapline/kafka';
import { TaplineError } from '@tapline/kernel';
import type { Anchor } from '../anchors/anchor-book.ts';
import { decodeFences, type Fences, type RawFences, rawFences } from '../fencing/fences.ts';
import type { KeyFormat } from '../publish/format.ts';
import type { ReplayConfig } from '../resume/replay-config.ts';
import { decodeSnapshot, type RawSnapshot, type SnapshotProgress } from './snapshot-progress.ts';

/**
 * The durable resume point, kept in `<source>.progress`: everything of `gtidSet` is below `offsets`, nothing else is.
 * Written only when every record below `offsets` is acknowledged.
 */
export interface ProgressRecord {
  /** What the place is known by: `gtidSet` on every server, or `file` and `position` on this one (a source without GTIDs). */
  readonly by: 'gtid' | 'file';
  /** GTID set (MySQL) or GTID position (MariaDB) executed up to here. */
  readonly gtidSet: string;
  readonly file: string;
  readonly position: number;
  /** The event that ends there, by which the place is known again; where the stream is followed by file. */
  readonly last?: LastEvent;
  readonly serverUuid: string;
  /** 0 until the schema history gives versions (part 3). */
  readonly schemaVersion: number;
  /** Of the topics' keys. */
  readonly keyFormat: KeyFormat;
  /** The version given last (VersionClock). */
  readonly version: bigint;
  /** For every topic this source publishes to, the next offset of each partition. */
  readonly offsets: ReadonlyMap<string, readonly bigint[]>;
  readonly snapshot: SnapshotProgress;
  /**
   * Transactions of this GTID set (or position) come before the reader's start and are not published: the stream begins before it to see which XA
   * transactions are prepared there. '': the stream begins at the start.
   */
  readonly startAfter: string;
  /**
   * Once everything of this GTID set (or position) is passed, an XA transaction that is committed without having been seen prepared is known to
   * concern no captured table: those that do are never part of `gtidSet` before they are decided. null: not known, so such a commit stops the reader.
   */
  readonly xaFrom: string | null;
  /**
   * The anchors passed, the newest first, for a source without GTIDs: where to go on at a server on which `file` and `position` mean nothing.
   */
  readonly anchors: readonly Anchor[];
  /** The life that wrote this. undefined: a version of Tapline that could not be shut out of its topics. */
  readonly fences?: Fences | undefined;
  /** What decides which records the binlog gives, as it was for the records up to here and beyond; undefined in records from before it was kept. */
  readonly replay?: ReplayConfig | undefined;
  /** The newest transaction passed, by which a server is known to have the same history. With GTIDs. */
  readonly newest?: NewestTransaction | undefined;
  /** Lost transactions that were taken back, the newest last. A server that has them has another history. */
  readonly lost?: readonly LostTail[];
  /** Once everything of `behind` is passed, versions are above `version`: lost records have it. */
  readonly floor?: { readonly version: bigint; readonly behind: string } | undefined;
  /** When this was written, ms since the epoch. */
  readonly writtenMs: number;
}

export interface NewestTransaction {
  readonly gtid: string;
  /** Of its first commit, as BeginEvent has it. */
  readonly commitMicros: bigint;
  /** MariaDB: the transaction in front of it in its domain, '' when there is none: there a stream begins that meets it again. */
  readonly previous?: string;
}

/** Transactions that were published and that no server had any more when the reader came to it. */
export interface LostTail {
  readonly atMs: number;
  /** The server that they came from, and the one that is without them. */
  readonly from: string;
  readonly to: string;
  readonly gtidSet: string;
  /** Those that had changed captured tables, and the records that had been published of them. */
  readonly transactions: number;
  readonly records: number;
  readonly tables: readonly string[];
}

export function progressTopicOf(source: string): string {
  return `${source}.progress`;
}

const FORMAT = 1;

/** A longer record is compressed: thousands of tables have megabytes of offsets, mostly those of the record before, and one is written every second. */
const PLAIN_BYTES = 64 * 1024;

/** JSON, zstd around it when it is long. */
export function encodeProgress(record: ProgressRecord): Buffer {
  const { offsets, ...rest } = record;
  const head = JSON.stringify(
    { format: FORMAT, ...rest, fences: record.fences && rawFences(record.fences) },
    (_, value: unknown) => (typeof value === 'bigint' ? value.toString() : value),
  );
  // By hand: a function called for each of a hundred thousand offsets takes long.
  const topics = [...offsets].map(([topic, next]) => `${JSON.stringify(topic)}:["${next.join('","')}"]`);
  const json = Buffer.from(`${head.slice(0, -1)},"offsets":{${topics.join(',')}}}`);
  if (json.length <= PLAIN_BYTES) return json;
  return zstdCompressSync(json, { params: { [constants.ZSTD_c_compressionLevel]: 1 } });
}

/** @throws TaplineError PROGRESS_UNREADABLE when the bytes are not a progress record of a known format. */
export function decodeProgress(bytes: Uint8Array, topic: string): ProgressRecord {
  try {
    const raw = progressJson(bytes) as Raw;
    if (raw.format !== FORMAT) throw new Error(`format ${String(raw.format)}, this version reads format ${FORMAT}`);
    return {
      ...raw,
      version: BigInt(raw.version),
      // Records written before sources without GTIDs were followed do not say.
      by: raw.by ?? 'gtid',
      // Records written before there was a choice do not say.
      keyFormat: raw.keyFormat ?? 'avro',
      // Records written before XA transactions were followed do not say.
      xaFrom: raw.xaFrom ?? null,
      startAfter: raw.startAfter ?? '',
      // Records written before there were anchors have none.
      anchors: (raw.anchors ?? []).map((anchor) => ({
        ...anchor,
        id: BigInt(anchor.id),
        token: BigInt(anchor.token),
        version: BigInt(anchor.version),
      })),
      offsets: new Map(Object.entries(raw.offsets).map(([name, next]) => [name, next.map(BigInt)])),
      snapshot: decodeSnapshot(raw.snapshot),
      fences: raw.fences && decodeFences(raw.fences),
      newest: raw.newest && { ...raw.newest, commitMicros: BigInt(raw.newest.commitMicros) },
      floor: raw.floor && { ...raw.floor, version: BigInt(raw.floor.version) },
    };
  } catch (cause) {
    throw new TaplineError('PROGRESS_UNREADABLE', {
      message: `The newest progress record cannot be read: ${(cause as Error).message}`,
      place: { topic },
      cause,
    });
  }
}

interface Raw
  extends Omit<ProgressRecord, 'version' | 'offsets' | 'snapshot' | 'anchors' | 'fences' | 'floor' | 'newest'> {
  readonly newest?: Omit<NewestTransaction, 'commitMicros'> & { readonly commitMicros: string };
  readonly floor?: { readonly version: string; readonly behind: string };
  readonly fences?: RawFences;
  readonly format: unknown;
  readonly version: string;
  readonly offsets: Record<string, string[]>;
  readonly snapshot: RawSnapshot;
  readonly anchors?: readonly RawAnchor[];
}

type RawAnchor = Omit<Anchor, 'id' | 'token' | 'version'> & {
  readonly id: string;
  readonly token: string;
  readonly version: string;
};
