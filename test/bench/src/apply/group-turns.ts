import { setTimeout as sleep } from 'node:timers/promises';
import { peakRssMib } from '../processes.ts';
import { aliveCheck } from '../services.ts';
import type { TopicWatch } from '../topics.ts';
import type { Consumer } from './store.ts';
import type { TurnTaker } from './turns.ts';

const POLL_MS = 50;

export interface GroupTurnsOptions {
  readonly what: string;
  /** Not launched yet. */
  readonly consumer: Consumer;
  /** Says what the group has done. */
  readonly topic: Pick<TopicWatch, 'committed'>;
  readonly rows: number;
  readonly servers: Readonly<Record<string, number | undefined>>;
}

/**
 * A process that consumes a topic, and is stopped (SIGSTOP) while it is not its turn. What it has done is what its group has committed, which is what it has applied but for the end of each
 * turn; that counts in the next one.
 */
export class GroupTurns implements TurnTaker {
  readonly what: string;
  readonly #options: GroupTurnsOptions;
  readonly #alive: () => void;
  #done = 0;

  constructor(options: GroupTurnsOptions) {
    this.what = options.what;
    this.#options = options;
    this.#alive = aliveCheck(options.consumer.process);
  }

  get left(): number {
    return this.#options.rows - this.#done;
  }

  get processes(): TurnTaker['processes'] {
    return { consumer: this.#options.consumer.process.pid, ...this.#options.servers };
  }

  get peakRssMib(): number {
    return peakRssMib(this.#options.consumer.process.pid);
  }

  /** Starts it, and stops it for the first time when it has done so many rows. */
  async launch(rows: number): Promise<void> {
    await this.#options.consumer.process.launch();
    await this.#until(rows);
    await this.#stop();
  }

  async work(ms: number): Promise<number> {
    const before = this.#done;
    this.#options.consumer.process.resume();
    await sleep(ms);
    await this.#stop();
    return this.#done - before;
  }

  /** Lets it do the rest, and ends it. */
  async finish(): Promise<void> {
    this.#options.consumer.process.resume();
    await this.#until(this.#options.rows);
    await this.#options.consumer.process.stop();
  }

  /** Ends it where it is. */
  async kill(): Promise<void> {
    await this.#options.consumer.process.kill();
  }

  async #stop(): Promise<void> {
    this.#options.consumer.process.pause();
    await this.#count();
  }

  async #until(rows: number): Promise<void> {
    for (await this.#count(); this.#done < rows; await this.#count()) await sleep(POLL_MS);
  }

  async #count(): Promise<void> {
    const { topic, consumer } = this.#options;
    this.#done = await topic.committed(consumer.group);
    this.#alive();
  }
}
