import { TaplineError } from '@tapline/kernel';
import type { KeyFormat } from '../publish/format.ts';
import { decodeSnapshot, type RawSnapshot, type SnapshotProgress } from './snapshot-progress.ts';

/**
 * The durable resume point, kept in `<source>.progress`: everything of `gtidSet` is below `offsets`, nothing else is.
 * Written only when every record below `offsets` is acknowledged.
 */
export interface ProgressRecord {
  /** GTID set (MySQL) or GTID position (MariaDB) executed up to here. */
  readonly gtidSet: string;
  readonly file: string;
  readonly position: number;
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
  /** When this was written, ms since the epoch. */
  readonly writtenMs: number;
}

const FORMAT = 1;

export function encodeProgress(record: ProgressRecord): Buffer {
  const json = JSON.stringify(
    { format: FORMAT, ...record, offsets: Object.fromEntries(record.offsets) },
    (_, value: unknown) => (typeof value === 'bigint' ? value.toString() : value),
  );
  return Buffer.from(json);
}

/** @throws TaplineError PROGRESS_UNREADABLE when the bytes are not a progress record of a known format. */
export function decodeProgress(bytes: Uint8Array, topic: string): ProgressRecord {
  try {
    const raw = JSON.parse(Buffer.from(bytes).toString()) as Raw;
    if (raw.format !== FORMAT) throw new Error(`format ${String(raw.format)}, this version reads format ${FORMAT}`);
    return {
      ...raw,
      version: BigInt(raw.version),
      // Records written before there was a choice do not say.
      keyFormat: raw.keyFormat ?? 'avro',
      // Records written before XA transactions were followed do not say.
      xaFrom: raw.xaFrom ?? null,
      startAfter: raw.startAfter ?? '',
      offsets: new Map(Object.entries(raw.offsets).map(([name, next]) => [name, next.map(BigInt)])),
      snapshot: decodeSnapshot(raw.snapshot),
    };
  } catch (cause) {
    throw new TaplineError('PROGRESS_UNREADABLE', {
      message: `The newest progress record cannot be read: ${(cause as Error).message}`,
      place: { topic },
      cause,
    });
  }
}

interface Raw extends Omit<ProgressRecord, 'version' | 'offsets' | 'snapshot'> {
  readonly format: unknown;
  readonly version: string;
  readonly offsets: Record<string, string[]>;
  readonly snapshot: RawSnapshot;
}
