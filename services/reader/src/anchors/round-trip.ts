/** An attempt to write an anchor. */
interface Trip {
  readonly sinceMs: number;
  id: bigint | undefined;
}

/**
 * How long an anchor takes from before it is written at the source until everything in front of it is acknowledged by Kafka: the lag, whether or not
 * the captured tables change. By the monotonic clock of this process, so that no clock jumps and no two clocks are compared.
 */
export class RoundTrip {
  readonly #now: () => number;
  #open: Trip[] = [];
  #lastSeconds = 0;

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** Before anything is asked of the source: an attempt that fails is under way until a later one comes back. */
  begin(): object {
    const trip: Trip = { sinceMs: this.#now(), id: undefined };
    this.#open.push(trip);
    return trip;
  }

  written(begun: object, id: bigint): void {
    (begun as Trip).id = id;
  }

  /** Everything in front of the anchor is durable in Kafka. */
  returned(id: bigint): void {
    const at = this.#open.findLastIndex((trip) => trip.id !== undefined && trip.id <= id);
    const trip = this.#open[at];
    if (trip === undefined) return;
    if (trip.id === id) this.#lastSeconds = (this.#now() - trip.sinceMs) / 1000;
    // Those in front of it, failed attempts too, are past.
    this.#open = this.#open.slice(at + 1);
  }

  /** Of the newest one that came back; longer when one has been under way for longer. */
  get seconds(): number {
    const oldest = this.#open[0];
    return oldest === undefined
      ? this.#lastSeconds
      : Math.max(this.#lastSeconds, (this.#now() - oldest.sinceMs) / 1000);
  }
}
