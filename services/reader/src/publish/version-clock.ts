/**
 * Numbers the changes of one source: the `v` header, DESIGN.md contract 7.
 *
 * A version is `max(last + 1, commitMicros << 10)`: it grows with every record, it is near the wall clock (so it goes on growing
 * when topics are made anew or the progress is lost), and 10 bits leave room for 1,024 changes a microsecond before the
 * sequence runs ahead of the clock. It fits 63 bits until the year 2255.
 *
 * A replay from a progress record gives the same numbers again, because the clock's state is part of the record and its
 * only other input is the commit time in the binlog.
 *
 * BigInt costs an allocation per record, so the clock works on two 32-bit halves and writes them straight into the header.
 */
export class VersionClock {
  #high: number;
  #low: number;
  /** The floor of the current transaction, from its commit time. */
  #floorHigh = 0;
  #floorLow = 0;

  constructor(last: bigint = 0n) {
    this.#high = Number(last >> 32n);
    this.#low = Number(last & 0xffff_ffffn);
  }

  /** The version given last. */
  get last(): bigint {
    return (BigInt(this.#high) << 32n) | BigInt(this.#low);
  }

  /** Sets the commit time of the transaction whose changes come next, in microseconds since the epoch. */
  startTransaction(commitMicros: bigint): void {
    const floor = commitMicros << 10n;
    this.#floorHigh = Number(floor >> 32n);
    this.#floorLow = Number(floor & 0xffff_ffffn);
  }

  /** Takes the next version and writes it, 8 bytes big endian, at `offset`. */
  next(into: Buffer, offset: number): void {
    if (this.#low === 0xffff_ffff) {
      this.#low = 0;
      this.#high++;
    } else {
      this.#low++;
    }
    if (this.#floorHigh > this.#high || (this.#floorHigh === this.#high && this.#floorLow > this.#low)) {
      this.#high = this.#floorHigh;
      this.#low = this.#floorLow;
    }
    into.writeUInt32BE(this.#high, offset);
    into.writeUInt32BE(this.#low, offset + 4);
  }

  /** Moves past `count` versions that an earlier life of this reader has given and that are not given again. */
  skip(count: number): void {
    const moved = this.last + BigInt(count);
    this.#high = Number(moved >> 32n);
    this.#low = Number(moved & 0xffff_ffffn);
  }
}
