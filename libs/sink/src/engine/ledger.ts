import { type Deferred, deferred } from '@tapline/kernel';

/**
 * Which records of one topic-partition are done. Records are added in the order of their offsets and finish in any order; what may be committed
 * is the lowest offset that is not done: everything before it is applied.
 *
 * A ring with one slot a record that is under way: the slot's number, counted from the first record ever added, is the record's ticket.
 */
export class PartitionLedger {
  readonly topic: string;
  readonly partition: number;
  #revoked = false;
  #paused = false;
  #holds = 0;
  #gate: Deferred<void> | undefined;
  /** Offset after the last record of the log as far as it is known: for the lag. */
  endOffset = 0;
  /** Commit time in the source of the newest change that is settled, or of the first that waits; ms since the epoch. */
  #settledMs = 0;
  #offsets: Float64Array;
  #done: Uint8Array;
  #head = 0;
  #tail = 0;
  #nextOffset = -1;
  #committed = -1;

  constructor(topic: string, partition: number, capacity: number = 1024) {
    this.topic = topic;
    this.partition = partition;
    this.#offsets = new Float64Array(capacity);
    this.#done = new Uint8Array(capacity);
  }

  /** The partition went to another member: what of it still waits is not given to the sink, and nothing of it is committed. */
  get revoked(): boolean {
    return this.#revoked;
  }

  revoke(): void {
    this.#revoked = true;
    this.letGo();
  }

  /** Resolves when more of the partition may be accepted; undefined while it may. */
  get gate(): Promise<void> | undefined {
    return this.#gate?.promise;
  }

  get isPaused(): boolean {
    return this.#paused;
  }

  /** Somebody wants it to wait. */
  pause(): void {
    this.#paused = true;
    this.#gate ??= deferred();
  }

  resume(): void {
    this.#paused = false;
    this.#release();
  }

  /** A lane has changes of it that are tried again: more would only pile up behind them. */
  hold(): void {
    this.#holds++;
    this.#gate ??= deferred();
  }

  unhold(): void {
    this.#holds = Math.max(0, this.#holds - 1);
    this.#release();
  }

  /** Nobody waits any more. */
  letGo(): void {
    this.#paused = false;
    this.#holds = 0;
    this.#release();
  }

  #release(): void {
    if (this.#paused || this.#holds > 0) return;
    this.#gate?.resolve();
    this.#gate = undefined;
  }

  /** The first record to come has this offset, and what is before it is committed. Only the first call counts. */
  begin(offset: number): void {
    if (this.#nextOffset >= 0) return;
    this.#nextOffset = offset;
    this.#committed = offset;
  }

  /** Records under way. */
  get open(): number {
    return this.#tail - this.#head;
  }

  /** Offset of the next record to come; -1 before `begin`. */
  get nextOffset(): number {
    return this.#nextOffset;
  }

  /** The lowest offset that is not done: the one to commit. */
  get unbroken(): number {
    return this.#head === this.#tail
      ? this.#nextOffset
      : (this.#offsets[this.#head & (this.#done.length - 1)] as number);
  }

  /** What there is to commit, or undefined when nothing is new. */
  get toCommit(): number | undefined {
    const offset = this.unbroken;
    return offset > this.#committed ? offset : undefined;
  }

  committed(offset: number): void {
    if (offset > this.#committed) this.#committed = offset;
  }

  /** Gives the ticket of a record, or of one of its changes. Offsets may have gaps (compaction, control records) but never go back. */
  add(offset: number): number {
    if (this.#tail - this.#head === this.#done.length) this.#grow();
    const slot = this.#tail & (this.#done.length - 1);
    this.#offsets[slot] = offset;
    this.#done[slot] = 0;
    this.#nextOffset = offset + 1;
    return this.#tail++;
  }

  /** The log goes on at `offset`: what lies between holds no record for us. */
  skipTo(offset: number): void {
    if (offset > this.#nextOffset) this.#nextOffset = offset;
  }

  /** The record of the ticket is applied, or stands in the dead-letter topic, or was filtered out. */
  done(ticket: number): void {
    const mask = this.#done.length - 1;
    this.#done[ticket & mask] = 1;
    while (this.#head < this.#tail && this.#done[this.#head & mask] === 1) this.#head++;
  }

  /** A change that was committed at `committedMs` was added. */
  waiting(committedMs: number): void {
    if (this.open === 1) this.#settledMs = committedMs;
  }

  settled(committedMs: number): void {
    if (committedMs > this.#settledMs) this.#settledMs = committedMs;
  }

  /** Records that are not done, as far as the end of the log is known. */
  get lagRecords(): number {
    return this.#nextOffset < 0 ? 0 : Math.max(0, this.endOffset - this.unbroken);
  }

  /** How far the sink is behind, ms; 0 when nothing waits. */
  lagMs(nowMs: number): number {
    return this.open === 0 || this.#settledMs === 0 ? 0 : Math.max(0, nowMs - this.#settledMs);
  }

  #grow(): void {
    const capacity = this.#done.length * 2;
    const offsets = new Float64Array(capacity);
    const done = new Uint8Array(capacity);
    for (let ticket = this.#head; ticket < this.#tail; ticket++) {
      const from = ticket & (this.#done.length - 1);
      const to = ticket & (capacity - 1);
      offsets[to] = this.#offsets[from] as number;
      done[to] = this.#done[from] as number;
    }
    this.#offsets = offsets;
    this.#done = done;
  }
}
