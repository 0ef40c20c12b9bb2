import type { BinlogFile } from '@tapline/mysql';

/** How far the source is from purging what the reader still needs. */
export interface Headroom {
  /** Binlog between the reader's durable place and the end of the source's. */
  readonly behindBytes: number;
  /** Binlog older than the file of that place: so much can be purged without harm. */
  readonly headroomBytes: number;
  /** At least so long the file is kept by its age (binlog_expire_logs_seconds); Infinity where files are kept for good. A purge by hand or by size may come earlier. */
  readonly headroomSeconds: number;
  /** At least so much can still be written before the file is purged by size (`ServerInfo.retentionBytes`); Infinity where that is not limited. */
  readonly roomBytes: number;
}

/**
 * undefined when the file of the place is not among those of the server: the place may be another server's, or the file was purged, which the next
 * session's start tells.
 */
export function headroomOf(parts: {
  readonly files: readonly BinlogFile[];
  readonly place: { readonly file: string; readonly position: number };
  /** When the newest transaction in front of the place was committed, at the latest. */
  readonly commitMs: number;
  /** 0: files are kept for good, whatever their age. */
  readonly retentionSeconds: number;
  /** 0: files are kept whatever their size. */
  readonly retentionBytes: number;
  readonly nowMs: number;
}): Headroom | undefined {
  const { files, place, commitMs, retentionSeconds, retentionBytes, nowMs } = parts;
  const needed = files.findIndex(({ name }) => name === place.file);
  if (needed < 0) return undefined;
  const bytes = (some: readonly BinlogFile[]): number => some.reduce((sum, file) => sum + file.bytes, 0);
  const neededBytes = bytes(files.slice(needed));
  return {
    headroomBytes: bytes(files.slice(0, needed)),
    behindBytes: Math.max(0, neededBytes - place.position),
    roomBytes: retentionBytes === 0 ? Number.POSITIVE_INFINITY : Math.max(0, retentionBytes - neededBytes),
    headroomSeconds: secondsLeft({ retentionSeconds, active: needed === files.length - 1, commitMs, nowMs }),
  };
}

/** A file's age counts from when it was last written to: never before the newest transaction that was read from it. */
function secondsLeft(file: { retentionSeconds: number; active: boolean; commitMs: number; nowMs: number }): number {
  if (file.retentionSeconds === 0) return Number.POSITIVE_INFINITY;
  // Only files that are closed are purged.
  if (file.active) return file.retentionSeconds;
  return Math.max(0, file.retentionSeconds - Math.max(0, file.nowMs - file.commitMs) / 1000);
}
