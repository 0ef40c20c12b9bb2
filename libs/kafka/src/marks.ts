import { deferred } from '@tapline/kernel';
import type { Lane, LaneState } from './lane.ts';

type Offsets = ReadonlyMap<Lane, bigint>;

/** A point in the stream of appends: complete when every lane touched before it is acknowledged up to it. */
export class Mark {
  readonly #offsets = new Map<Lane, bigint>();
  readonly #done = deferred<Offsets>();
  #waiting = 0;

  get promise(): Promise<Offsets> {
    return this.#done.promise;
  }
  get complete(): boolean {
    return this.#waiting === 0;
  }

  expect(lane: LaneState): void {
    this.#waiting++;
    lane.marks.push({ mark: this, target: lane.appended });
  }
  /** The lane was touched, and is acknowledged already. */
  reached(lane: Lane, offset: bigint): void {
    this.#offsets.set(lane, offset);
  }
  arrived(lane: Lane, offset: bigint): void {
    this.#offsets.set(lane, offset);
    this.#waiting--;
  }
  resolve(): void {
    this.#done.resolve(this.#offsets);
  }
  reject(error: unknown): void {
    this.#done.reject(error);
  }
}

/** The marks of a producer: they resolve in the order in which they were set. */
export class Marks {
  readonly #open: Mark[] = [];
  #touched: LaneState[] = [];
  #round = 0;

  touch(lane: LaneState): void {
    if (lane.touchedRound === this.#round) return;
    lane.touchedRound = this.#round;
    this.#touched.push(lane);
  }

  /** A mark behind everything appended so far, with the lanes touched since the mark before. */
  set(): Mark {
    const mark = new Mark();
    for (const lane of this.#touched) {
      if (lane.acknowledged === lane.appended) mark.reached(lane, lane.nextOffset as bigint);
      else mark.expect(lane);
    }
    this.#touched = [];
    this.#round++;
    this.#open.push(mark);
    this.#settle();
    return mark;
  }

  /** To be called after `lane.acknowledged` and `lane.nextOffset` moved. */
  acknowledged(lane: LaneState): void {
    let first = lane.marks[0];
    if (first === undefined || first.target > lane.acknowledged) return;
    while (first !== undefined && first.target <= lane.acknowledged) {
      first.mark.arrived(lane, (lane.nextOffset as bigint) - BigInt(lane.acknowledged - first.target));
      lane.marks.shift();
      first = lane.marks[0];
    }
    this.#settle();
  }

  reject(error: unknown): void {
    for (const mark of this.#open) mark.reject(error);
    this.#open.length = 0;
  }

  #settle(): void {
    let count = 0;
    for (const mark of this.#open) {
      if (!mark.complete) break;
      mark.resolve();
      count++;
    }
    if (count > 0) this.#open.splice(0, count);
  }
}
