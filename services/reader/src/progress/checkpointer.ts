import { killPoint } from '@tapline/kernel';
import type { ProgressRecord } from './record.ts';

const TOPICS_AN_INTERVAL = 2500;

/**
 * Writes progress records, each only after everything before it is acknowledged, one after the other.
 *
 * `start` does not wait: the stream goes on while acknowledgements come in. At most one record is under way; the interval is the least time
 * between two, so that a slow broker is not asked more often than it answers.
 */
export class Checkpointer {
  readonly #acknowledged: () => Promise<unknown>;
  readonly #save: (record: ProgressRecord) => Promise<void>;
  readonly #intervalMs: number;
  #underWay: Promise<void> | undefined;
  #startedMs = 0;
  #failure: { error: unknown } | undefined;
  #last: ProgressRecord | undefined;

  constructor(options: {
    /** Resolves when every record appended before the call is acknowledged. */
    acknowledged(): Promise<unknown>;
    save(record: ProgressRecord): Promise<void>;
    intervalMs: number;
  }) {
    this.#acknowledged = options.acknowledged;
    this.#save = async (record) => {
      killPoint('before-progress');
      await options.save(record);
      killPoint('after-progress');
    };
    this.#intervalMs = options.intervalMs;
  }

  /** The newest durable record. */
  get last(): ProgressRecord | undefined {
    return this.#last;
  }

  /** Whether it is time for another record. @throws what an earlier one failed with. */
  due(nowMs: number): boolean {
    if (this.#failure !== undefined) throw this.#failure.error;
    return this.#underWay === undefined && nowMs - this.#startedMs >= this.#pauseMs;
  }

  /** A record says the places in all topics: of thousands it is made as many times less often, and costs the reader no more of its time. */
  get #pauseMs(): number {
    return this.#intervalMs * Math.max(1, (this.#last?.offsets.size ?? 0) / TOPICS_AN_INTERVAL);
  }

  /** Starts writing `record`, which describes the stream at this very moment. Its failure is thrown by the next call of `due` or `now`. */
  start(record: ProgressRecord): void {
    this.#startedMs = record.writtenMs;
    this.#underWay = this.#write(record).then(
      () => {
        this.#underWay = undefined;
      },
      (error: unknown) => {
        this.#underWay = undefined;
        this.#failure = { error };
      },
    );
  }

  /** Writes `record` and resolves when it is durable. */
  async now(record: ProgressRecord): Promise<void> {
    const acknowledged = this.#acknowledged();
    acknowledged.catch(() => {});
    await this.#underWay;
    if (this.#failure !== undefined) throw this.#failure.error;
    await acknowledged;
    await this.#save(record);
    this.#last = record;
    this.#startedMs = record.writtenMs;
  }

  /**
   * Replaces the newest durable record by a changed copy, for a fact that must be durable before what comes next although the stream
   * stands in the middle of a transaction.
   */
  async amend(change: (last: ProgressRecord) => ProgressRecord): Promise<void> {
    await this.#underWay;
    if (this.#failure !== undefined) throw this.#failure.error;
    const record = change(this.#last as ProgressRecord);
    await this.#save(record);
    this.#last = record;
  }

  async #write(record: ProgressRecord): Promise<void> {
    await this.#acknowledged();
    await this.#save(record);
    this.#last = record;
  }
}
