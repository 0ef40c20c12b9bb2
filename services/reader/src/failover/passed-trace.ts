import { MariadbPosition } from '@tapline/binlog';
import type { NewestTransaction, ProgressRecord } from '../progress/record.ts';
import type { VersionClock } from '../publish/version-clock.ts';
import { type Executed, parseExecuted, type Tracking } from '../source/executed.ts';

type Kept = Pick<ProgressRecord, 'floor' | 'lost' | 'newest'>;

/**
 * What a life keeps in its progress records for the next failover.
 *
 * It also raises the clock above the versions of lost records, at one place of the binlog: behind the last surviving transaction that had been published. Up to
 * there the replay must give the versions that stand in the topics.
 */
export class PassedTrace {
  readonly #kept: Kept;
  readonly #clock: VersionClock;
  /** What must be passed before the clock is raised; undefined: it is. */
  #behind: Executed | undefined;
  #newest: NewestTransaction | undefined;

  constructor(kept: Kept, tracking: Tracking, clock: VersionClock) {
    this.#kept = kept;
    this.#clock = clock;
    this.#newest = kept.newest;
    this.#behind = kept.floor && parseExecuted(tracking, kept.floor.behind);
  }

  /** A transaction begins; `executed` is passed. */
  begin(gtid: string, commitMicros: bigint, executed: Executed): void {
    this.#newest = gtid === '' ? undefined : newestOf(gtid, commitMicros, executed);
    const { floor } = this.#kept;
    if (this.#behind === undefined || floor === undefined || !executed.includes(this.#behind)) return;
    this.#clock.raise(floor.version);
    this.#behind = undefined;
  }

  /** Between two transactions. */
  describe(): Kept {
    return {
      newest: this.#newest,
      lost: this.#kept.lost ?? [],
      ...(this.#behind === undefined ? {} : { floor: this.#kept.floor }),
    };
  }
}

function newestOf(gtid: string, commitMicros: bigint, executed: Executed): NewestTransaction {
  if (!(executed instanceof MariadbPosition)) return { gtid, commitMicros };
  return { gtid, commitMicros, previous: executed.lastInDomainOf(gtid) };
}
