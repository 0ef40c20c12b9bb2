import {
  type BinlogPosition,
  type BinlogStart,
  FilePosition,
  type Flavor,
  GtidSet,
  MariadbPosition,
} from '@tapline/binlog';
import { type MysqlConnection, readBinlogEnd, readGtids } from '@tapline/mysql';

/** How places of a stream are known: by the GTIDs of either kind of server, or, without any, by the places in one server's files. */
export type Tracking = Flavor | 'file';

/** What a server has executed, or a stream has passed: a GTID set (MySQL), a GTID position (MariaDB), a place in the files (without GTIDs). */
export interface Executed {
  /** Adds one transaction, which ends at `place`. */
  add(gtid: string, place: BinlogPosition): void;
  /** Whether this one transaction, which begins or ends at `place`, is in here. */
  contains(gtid: string, place: BinlogPosition): boolean;
  /** Whether everything in `other`, which is of the same tracking, is in here too. */
  includes(other: Executed): boolean;
  /** As the server prints it; what a progress record keeps. */
  toString(): string;
}

/** @throws TaplineError SOURCE_GTID_INVALID. */
export function parseExecuted(tracking: Tracking, text: string): Executed {
  // Each takes its own kind in `includes`, and one life has one tracking.
  return kindOf(tracking).parse(text) as Executed;
}

function kindOf(tracking: Tracking): { parse(text: string): GtidSet | MariadbPosition | FilePosition } {
  if (tracking === 'file') return FilePosition;
  return tracking === 'mysql' ? GtidSet : MariadbPosition;
}

/** What the server has executed by now: everything that is committed is in it. */
export async function readExecuted(
  connection: MysqlConnection,
  tracking: Tracking,
  signal?: AbortSignal,
): Promise<string> {
  if (tracking !== 'file') return (await readGtids(connection, signal)).executed;
  const { file, position } = await readBinlogEnd(connection, signal);
  return `${file}:${position}`;
}

/** The part of a progress record that says where it stands. */
interface RecordedPlace extends BinlogPosition {
  readonly by: 'gtid' | 'file';
  readonly gtidSet: string;
}

/** Where a progress record stands, as `parseExecuted` reads it. */
export function executedOf(record: RecordedPlace): string {
  if (record.by === 'gtid') return record.gtidSet;
  return record.file === '' ? '' : `${record.file}:${record.position}`;
}

/** Where a stream goes on from a progress record. */
export function startOf(record: RecordedPlace): BinlogStart {
  return record.by === 'gtid' ? { gtidSet: record.gtidSet } : placeOf(record);
}

export function placeOf({ file, position, last }: BinlogPosition): BinlogPosition {
  return { file, position, ...(last === undefined ? {} : { last }) };
}
