import { TaplineError } from '@tapline/kernel';
import { hasReached } from '@tapline/mysql';
import type { BinlogPosition } from './types.ts';

/**
 * What a stream of a server without GTIDs has passed: everything in front of a place in that server's files. It means nothing on any other server.
 *
 * Text: `binlog.000042:4711`; '' is in front of everything.
 */
export class FilePosition {
  #place: BinlogPosition | undefined;

  /** @throws TaplineError SOURCE_GTID_INVALID */
  static parse(text: string): FilePosition {
    const position = new FilePosition();
    if (text === '') return position;
    const [, file, bytes] = /^(.+):([0-9]{1,15})$/.exec(text) ?? [];
    if (file === undefined) {
      throw new TaplineError('SOURCE_GTID_INVALID', {
        message: `"${text.slice(0, 200)}" is not a place in a binlog: file:position`,
      });
    }
    position.add('', { file, position: Number(bytes) });
    return position;
  }

  get place(): BinlogPosition | undefined {
    return this.#place;
  }

  /** Everything in front of `place` is passed, whatever GTIDs it has. */
  add(_gtid: string, place: BinlogPosition): void {
    this.#place = place;
  }

  /** Whether a transaction at `place` is in here: the place where it begins, or where it ends. */
  contains(_gtid: string, place: BinlogPosition): boolean {
    return this.#place !== undefined && hasReached(this.#place, place);
  }

  includes(other: FilePosition): boolean {
    return other.#place === undefined || this.contains('', other.#place);
  }

  toString(): string {
    return this.#place === undefined ? '' : `${this.#place.file}:${this.#place.position}`;
  }
}
