import assert from 'node:assert/strict';
import { isAbort, sleep } from '@tapline/kernel';
import { neverAborted, type Sink } from '@tapline/sink';
import type { Dice } from '@tapline/test-stack';
import { type Partition, present } from './history.ts';

const BATCH = 30;

/** A partition with what its group has committed. */
interface Claim {
  readonly partition: Partition;
  committed: number;
}

/** What a member takes from one partition. */
interface Taken {
  readonly claim: Claim;
  readonly until: number;
}

/**
 * Members of a group that share partitions of several topics, as badly as it goes: partitions change hands while changes of them are under way, members are cut off
 * in the middle of a call and begin again, offsets go back.
 */
export class Members {
  readonly #open: () => Promise<Sink>;
  readonly #dice: Dice;
  readonly #claims: readonly Claim[];
  readonly #sinks = new Map<number, Sink>();
  /** Calls that were cut off, for the test to say that there were some. */
  cut = 0;

  constructor(open: () => Promise<Sink>, dice: Dice, partitions: readonly Partition[]) {
    this.#open = open;
    this.#dice = dice;
    this.#claims = partitions.map((partition) => ({ partition, committed: 0 }));
  }

  get done(): boolean {
    return this.#claims.every(({ partition, committed }) => committed === partition.length);
  }

  /** Two members apply side by side what they believe to be theirs; some partitions both believe to be theirs. */
  async round(): Promise<void> {
    const mine: Taken[] = [];
    const yours: Taken[] = [];
    for (const claim of this.#shuffled()) {
      const until = Math.min(claim.partition.length, claim.committed + 1 + this.#dice.roll(BATCH));
      const later = Math.min(claim.partition.length, until + this.#dice.roll(BATCH));
      const whose = this.#dice.roll(5);
      if (whose < 3) mine.push({ claim, until });
      // The other has it already and goes on, while the first still works on what it had.
      if (whose > 1) yours.push({ claim, until: later });
    }
    await Promise.all([this.#work(0, mine), this.#work(1, yours)]);
  }

  /** Offsets go back, as with a reset or after a crash. */
  rewind(): void {
    const claim = this.#dice.pick(this.#claims);
    claim.committed = this.#dice.roll(claim.committed + 1);
  }

  /** All records once more, through a member that is new. */
  async replay(): Promise<void> {
    await using sink = await this.#open();
    const { errors } = await sink.apply(
      this.#claims.flatMap(({ partition }) => present(partition)),
      neverAborted(),
    );
    assert.deepEqual([...errors.values()], []);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#sinks.values()].map((sink) => sink[Symbol.asyncDispose]()));
  }

  async #work(member: number, taken: readonly Taken[]): Promise<void> {
    const sink = this.#sinks.get(member) ?? (await this.#open());
    this.#sinks.set(member, sink);
    const given = taken.flatMap(({ claim, until }) => present(claim.partition.slice(claim.committed, until)));
    const cutting = new AbortController();
    const cutAfterMs = this.#dice.once(4) ? this.#dice.roll(60) : undefined;
    if (cutAfterMs !== undefined) void sleep(cutAfterMs).then(() => cutting.abort());
    try {
      const { verdicts, errors } = await sink.apply(given, cutting.signal);
      assert.ok(!verdicts.includes('poison'), `poison: ${[...errors.values()].join('; ')}`);
      if (!verdicts.includes('retry')) for (const { claim, until } of taken) claim.committed = until;
    } catch (error) {
      if (!isAbort(error, cutting.signal)) throw error;
      this.cut++;
      this.#sinks.delete(member);
      await sink[Symbol.asyncDispose]();
    }
  }

  #shuffled(): readonly Claim[] {
    return this.#claims
      .map((claim) => ({ claim, at: this.#dice.roll(1000) }))
      .sort((one, other) => one.at - other.at)
      .map(({ claim }) => claim);
  }
}
