/**
 * Numbers the changes of one source: the `v` header, DESIGN.md contract 7.
 *
 * A version is `max(last + 1, micros << 10)`, of the transaction's time: it grows with every record, it is near the wall clock (so it goes on growing
 * when topics are made anew or the progress is lost), and 10 bits leave room for 1,024 changes a microsecond before the
 * sequence runs ahead of the clock. It fits 63 bits until the year 2255.
 *
 * A replay from a progress record gives the same numbers again, because the clock's state is part of the record and its
 * only other input is a time that the transaction has in the binlog of every server (PublisherOptions.versionsBy).
 *
 * BigInt costs an allocation per record, and so do numbers beyond 31 bits: the clock works on two halves of 32 bits held as signed integers, and
 * writes them straight into the header.
 */
export class VersionClock {
  #high: number;
  #low: number;
  /** The floor of the current transaction, from its commit time. */
  #floorHigh = 0;
  #floorLow = 0;

  constructor(last: bigint = 0n) {
    this.#high = highOf(last);
    this.#low = lowOf(last);
  }

  /** The version given last. */
  get last(): bigint {
    return (BigInt(this.#high) << 32n) | BigInt(this.#low >>> 0);
  }

  /** Sets the time of the transaction whose changes come next, in microseconds since the epoch. */
  startTransaction(micros: bigint): void {
    const floor = micros << 10n;
    this.#floorHigh = highOf(floor);
    this.#floorLow = lowOf(floor);
  }

  /** Takes the next version and writes it, 8 bytes big endian, at `offset`. */
  next(into: Buffer, offset: number): void {
    let high = this.#high;
    let low = (this.#low + 1) | 0;
    if (low === 0) high++;
    if (this.#floorHigh > high || (this.#floorHigh === high && this.#floorLow >>> 0 > low >>> 0)) {
      high = this.#floorHigh;
      low = this.#floorLow;
    }
    this.#high = high;
    this.#low = low;
    putInt32(into, offset, high);
    putInt32(into, offset + 4, low);
  }

  /** The version given last is at least this one. */
  raise(last: bigint): void {
    if (last > this.last) this.skip(Number(last - this.last));
  }

  /** Moves past `count` versions that an earlier life of this reader has given and that are not given again. */
  skip(count: number): void {
    const moved = this.last + BigInt(count);
    this.#high = highOf(moved);
    this.#low = lowOf(moved);
  }
}

function highOf(version: bigint): number {
  return Number(version >> 32n);
}

/** As a signed integer. */
function lowOf(version: bigint): number {
  return Number(BigInt.asIntN(32, version));
}

/** Big endian. */
function putInt32(into: Buffer, offset: number, value: number): void {
  into[offset] = value >>> 24;
  into[offset + 1] = value >>> 16;
  into[offset + 2] = value >>> 8;
  into[offset + 3] = value;
}
