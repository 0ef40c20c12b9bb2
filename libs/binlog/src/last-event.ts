import { TaplineError } from '@tapline/kernel';
import { CHECKSUM_BYTES, EVENT_FLAG, type EventHeader } from './event-header.ts';
import type { BinlogPosition, LastEvent } from './types.ts';
import { EVENT_TYPE } from './wire-types.ts';

/** In no file: made by the server for this stream. */
const NOT_IN_A_FILE: ReadonlySet<number> = new Set([EVENT_TYPE.HEARTBEAT, EVENT_TYPE.HEARTBEAT_V2]);

/**
 * What a place of a file is known by again. A name and a number of bytes alone prove nothing: after RESET BINARY LOGS there is soon a file of the same
 * name with other events at the same place. So a stream that starts by file starts one event earlier, at the one that ended there, and takes it for
 * granted only when its time and its checksum are those that were seen.
 */
export class LastEvents {
  #expected: (LastEvent & { readonly end: number }) | undefined;
  #last: LastEvent | undefined;

  constructor(expected: (LastEvent & { readonly end: number }) | undefined) {
    this.#expected = expected;
  }

  /** The expected event has not come yet. */
  get waits(): boolean {
    return this.#expected !== undefined;
  }

  /** The event that ends where the stream stands. */
  get last(): LastEvent | undefined {
    return this.#last;
  }

  /** Another file begins. */
  forget(): void {
    this.#last = undefined;
  }

  /**
   * Takes note of an event that began at `from` and whose checksum, if any, is read by `checksum`. True: it is the one that was expected, and was
   * dealt with by the stream before. @throws TaplineError SOURCE_BINLOG_RESET when another one stands there.
   */
  take(header: EventHeader, from: BinlogPosition, checksum: number): boolean {
    const { endPosition, flags, type, timestampSeconds: seconds } = header;
    if (endPosition === 0 || (flags & EVENT_FLAG.ARTIFICIAL) !== 0 || NOT_IN_A_FILE.has(type)) return false;
    const expected = this.#expected;
    this.#expected = undefined;
    this.#last = { position: from.position, seconds, checksum };
    if (expected === undefined) return false;
    const isSame =
      from.position === expected.position &&
      endPosition === expected.end % 2 ** 32 &&
      seconds === expected.seconds &&
      checksum === expected.checksum;
    if (isSame) return true;
    throw binlogReset({ file: from.file, position: expected.end }, 'another event stands in front of it');
  }
}

/** 0 without checksums. */
export function checksumOf(buffer: Buffer, end: number, checksums: boolean): number {
  return checksums ? buffer.readUInt32LE(end - CHECKSUM_BYTES) : 0;
}

export function binlogReset({ file, position }: BinlogPosition, why: string, cause?: unknown): TaplineError {
  return new TaplineError('SOURCE_BINLOG_RESET', {
    message: `The source's binlog does not have the place ${file}:${position} that was reached: ${why}`,
    place: { position: `${file}:${position}` },
    cause,
  });
}
