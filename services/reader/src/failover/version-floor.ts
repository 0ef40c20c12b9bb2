import type { ProgressRecord } from '../progress/record.ts';
import type { VersionClock } from '../publish/version-clock.ts';
import { type Executed, parseExecuted, type Tracking } from '../source/executed.ts';

/**
 * Raises the clock above the versions of lost records, at one place of the binlog: behind the last surviving transaction that had been published. Up to there
 * the replay must give the versions that stand in the topics.
 */
export class VersionFloor {
  readonly #floor: NonNullable<ProgressRecord['floor']> | undefined;
  readonly #clock: VersionClock;
  #behind: Executed | undefined;

  constructor(floor: ProgressRecord['floor'], tracking: Tracking, clock: VersionClock) {
    this.#floor = floor;
    this.#clock = clock;
    this.#behind = floor && parseExecuted(tracking, floor.behind);
  }

  /** Before a transaction, with what is passed. */
  before(executed: Executed): void {
    if (this.#behind === undefined || this.#floor === undefined || !executed.includes(this.#behind)) return;
    this.#clock.raise(this.#floor.version);
    this.#behind = undefined;
  }

  /** What a progress record must say of it. */
  describe(): Pick<ProgressRecord, 'floor'> {
    return this.#behind === undefined ? {} : { floor: this.#floor };
  }
}
