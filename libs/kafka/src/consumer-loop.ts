import { anySignal, type Deferred, deferred, isRetryable, sleep, TaplineError } from '@tapline/kernel';
import { Assignment, type ConsumedPartition } from './assignment.ts';
import type { Cluster } from './cluster.ts';
import type { CommitOffset, ConsumeOptions, ConsumerLoop } from './consumer.ts';
import { EARLIEST } from './fetch-protocol.ts';
import { GroupMember } from './group-member.ts';
import { listOne } from './partition-reads.ts';
import { partitionName, type TopicPartition } from './topic-partition.ts';
import { TopicWatch } from './topic-watch.ts';

/**
 * The life of a group member: join → have partitions → (the group changes) → drain → join …
 *
 * Draining comes before joining again: the coordinator waits for this member's JoinGroup until the rebalance timeout, and
 * heartbeats go on meanwhile, so what was handed over is applied and committed before another member gets the partition.
 */
export class GroupConsumer implements ConsumerLoop {
  readonly #cluster: Cluster;
  readonly #options: ConsumeOptions;
  readonly #member: GroupMember;
  readonly #watch: TopicWatch;
  readonly #stop = new AbortController();
  readonly #failed: Deferred<never> = deferred<never>();
  readonly #sessionTimeoutMs: number;
  readonly #rebalanceTimeoutMs: number;
  #assignment: Assignment | undefined;
  #running: Promise<void> | undefined;
  #state: 'joining' | 'live' | 'draining' = 'joining';
  #closing = false;
  /** Set while a generation lives: ends it. */
  #endGeneration: (() => void) | undefined;

  constructor(cluster: Cluster, options: ConsumeOptions) {
    this.#cluster = cluster;
    this.#options = options;
    this.#sessionTimeoutMs = options.sessionTimeoutMs ?? 30_000;
    this.#rebalanceTimeoutMs = options.rebalanceTimeoutMs ?? 60_000;
    const { group, topics, patterns = [], holds = false, alone = false } = options;
    this.#watch = new TopicWatch(cluster, { topics, patterns });
    const timeouts = { sessionTimeoutMs: this.#sessionTimeoutMs, rebalanceTimeoutMs: this.#rebalanceTimeoutMs };
    this.#member = new GroupMember(
      cluster,
      { group, topics: () => this.#watch.topics, holds, alone, ...timeouts },
      this.#stop.signal,
    );
  }

  get failed(): Promise<never> {
    return this.#failed.promise;
  }

  get assigned(): readonly TopicPartition[] {
    return this.#assignment?.partitions ?? [];
  }

  /** Joins, and goes on in the background. Resolves when the first partitions are assigned. */
  async start(): Promise<void> {
    const { topics } = this.#options;
    await this.#cluster.persist('finding the topics to consume', async () => {
      await this.#cluster.refresh(topics);
      for (const topic of topics) await this.#cluster.topic(topic);
    });
    await this.#join();
    this.#running = this.#run().catch((error: unknown) => this.#fail(error));
  }

  async commit(offsets: readonly CommitOffset[]): Promise<void> {
    const assignment = this.#assignment;
    if (assignment === undefined) return;
    const mine = offsets.filter((o) =>
      assignment.partitions.some((p) => p.topic === o.topic && p.partition === o.partition),
    );
    if (mine.length === 0 || (await this.#member.commit(mine))) return;
    this.#cluster.logger.warn('Kafka: the group moved on without this member, offsets were not committed', {
      group: this.#options.group,
    });
    this.#endGeneration?.();
  }

  /** Drains, lets onRevoked commit, and leaves the group. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing = true;
    // Joining may take a rebalance timeout; there is nothing to drain then.
    if (this.#state === 'joining') this.#stop.abort(new DOMException('The consumer was closed', 'AbortError'));
    this.#endGeneration?.();
    await this.#running;
    this.#stop.abort(new DOMException('The consumer was closed', 'AbortError'));
    await this.#member.leave();
  }

  async #run(): Promise<void> {
    for (;;) {
      this.#state = 'live';
      await this.#live();
      this.#state = 'draining';
      await this.#drain();
      // A consumer that failed takes no partitions any more: its owner closes it.
      if (this.#closing || this.#failed.settled) return;
      this.#state = 'joining';
      await this.#join();
    }
  }

  async #join(): Promise<void> {
    const { group, onAssigned } = this.#options;
    const { signal } = this.#stop;
    await this.#cluster.persist('looking for the topics to consume', () => this.#watch.look(), { signal });
    const partitions = await this.#member.join();
    const positions = await this.#positions(partitions);
    this.#assignment = new Assignment(this.#cluster, positions, {
      onBatch: (batch) => this.#options.onBatch(batch),
      onFailed: (error) => this.#fail(error),
      line: `fetch ${group}`,
      partitionBytes: this.#options.partitionBytes ?? 1_048_576,
      fetchBytes: this.#options.fetchBytes ?? 8_388_608,
      bufferBytes: this.#options.bufferBytes ?? 33_554_432,
      isApart: this.#options.alone === true,
    });
    this.#cluster.logger.info('Kafka: partitions assigned', {
      group,
      partitions: partitions.map((p) => `${p.topic}-${p.partition}`),
    });
    await onAssigned?.(partitions);
    if (this.#options.holds !== true) this.#assignment.start();
  }

  /** Where each partition goes on: where its owner says, else at the committed offset, or its start. */
  async #positions(partitions: readonly TopicPartition[]): Promise<ConsumedPartition[]> {
    if (partitions.length === 0) return [];
    const places = await this.#options.places?.(partitions);
    const committed = await this.#member.committed(partitions);
    return Promise.all(
      committed.map(async ({ topic, partition, ...stored }) => {
        const offset = places?.get(partitionName({ topic, partition })) ?? stored.offset;
        const first = (): Promise<bigint> => listOne(this.#cluster, topic, partition, EARLIEST);
        const position =
          offset >= 0n
            ? offset
            : await this.#cluster.persist('finding the start', first, { signal: this.#stop.signal });
        return { topic, partition, position, busy: false, ahead: undefined };
      }),
    );
  }

  /** Heartbeats until the generation ends: the group changes, the coordinator forgot us, or the loop is closed. */
  async #live(): Promise<void> {
    const ended = deferred();
    this.#endGeneration = () => ended.resolve();
    const over = new AbortController();
    const topicsChange = this.#untilTopicsChange(anySignal(this.#stop.signal, over.signal));
    try {
      await Promise.race([ended.promise, this.#beat(() => ended.settled), topicsChange]);
    } finally {
      over.abort();
    }
    ended.resolve();
    this.#endGeneration = undefined;
  }

  /** What is new is shared out like everything else: by joining again. */
  async #untilTopicsChange(signal: AbortSignal): Promise<void> {
    const { group, refreshMs = 30_000 } = this.#options;
    for (;;) {
      await sleep(refreshMs, signal).catch(() => undefined);
      if (signal.aborted) return;
      try {
        if (!(await this.#watch.hasChanged())) continue;
        this.#cluster.logger.info('Kafka: topics or partitions came or went, joining again', { group });
        return;
      } catch (error) {
        if (signal.aborted) return;
        // Looked for again the next time; heartbeats say whether this member still lives.
        if (!isRetryable(error)) throw error;
      }
    }
  }

  async #beat(done: () => boolean): Promise<void> {
    let heard = performance.now();
    while (!done() && !this.#stop.signal.aborted) {
      await sleep(this.#beatMs, this.#stop.signal).catch(() => undefined);
      if (done() || this.#stop.signal.aborted) return;
      try {
        if (!(await this.#member.heartbeat())) return;
        heard = performance.now();
      } catch (error) {
        if (this.#stop.signal.aborted) return;
        if (!isRetryable(error)) throw error;
        // Silent for a whole session: the coordinator has given the partitions away.
        if (performance.now() - heard > this.#sessionTimeoutMs) return;
      }
    }
  }

  /** Ends handing over, lets the owner finish and commit, with heartbeats going on. */
  async #drain(): Promise<void> {
    const assignment = this.#assignment;
    if (assignment === undefined) return;
    const { group, onRevoked } = this.#options;
    this.#cluster.logger.info('Kafka: partitions revoked', { group, partitions: assignment.partitions.length });
    let drained = false;
    const work = Promise.all([assignment.stop(), onRevoked?.(assignment.partitions)]);
    work.catch(() => undefined);
    void this.#keepSession(() => drained);
    const late = new AbortController();
    const limit = sleep(this.#rebalanceTimeoutMs * 0.8, late.signal).then(
      () => this.#cluster.logger.warn('Kafka: partitions were not drained in time', { group }),
      () => undefined,
    );
    try {
      await Promise.race([work, limit]);
    } finally {
      drained = true;
      late.abort();
      if (this.#assignment === assignment) this.#assignment = undefined;
    }
  }

  /** While draining every heartbeat says that the group changes; what counts is that the coordinator hears them. */
  async #keepSession(done: () => boolean): Promise<void> {
    while (!done() && !this.#stop.signal.aborted) {
      await this.#member.heartbeat().catch(() => undefined);
      await sleep(this.#beatMs, this.#stop.signal).catch(() => undefined);
    }
  }

  get #beatMs(): number {
    return Math.min(3_000, this.#sessionTimeoutMs / 10);
  }

  #fail(error: unknown): void {
    if (this.#stop.signal.aborted || this.#failed.settled) return;
    const failure =
      error instanceof TaplineError
        ? error
        : new TaplineError('INTERNAL', { message: `Consuming failed: ${String(error)}`, cause: error });
    this.#cluster.logger.error('Kafka: the consumer stopped', { error: failure, group: this.#options.group });
    this.#failed.reject(failure);
    void this.#assignment?.stop();
  }
}

export async function startConsumer(cluster: Cluster, options: ConsumeOptions): Promise<ConsumerLoop> {
  const consumer = new GroupConsumer(cluster, options);
  await consumer.start();
  return consumer;
}
