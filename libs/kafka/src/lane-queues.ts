import type { Cluster } from './cluster.ts';
import type { Declarations } from './fence/declarations.ts';
import type { LaneState } from './lane.ts';
import type { ClusterMetadata } from './metadata.ts';

/** What lanes that cannot go wait for. */
interface Waits {
  /** Until the first of them may be tried again, after an error; Infinity: none waits for that. */
  readonly soonestMs: number;
  /** Some have no leader as far as known. */
  readonly leaderless: boolean;
}

/**
 * The lanes with something to send, by what they wait for: their broker's turn, or anything else. Each lane is looked at when it comes and when what
 * it waits for may have changed, not each time that something is sent: thousands of lanes wait while a broker has all the requests that it may have.
 */
export class LaneQueues {
  readonly #cluster: Cluster;
  readonly #declarations: Declarations | undefined;
  #fresh: LaneState[] = [];
  #waiting: LaneState[] = [];
  readonly #byBroker = new Map<number, LaneState[]>();
  /** By which the lanes were given to the brokers. */
  #metadata: ClusterMetadata | undefined;
  /** States of the cluster so far. Lanes keep the number: thousands that are idle would keep the whole state else. */
  #states = 0;

  constructor(cluster: Cluster, declarations: Declarations | undefined) {
    this.#cluster = cluster;
    this.#declarations = declarations;
  }

  get isEmpty(): boolean {
    if (this.#fresh.length + this.#waiting.length > 0) return false;
    for (const queue of this.#byBroker.values()) if (queue.length > 0) return false;
    return true;
  }

  /** Those that wait for anything but their broker's turn. */
  get held(): readonly LaneState[] {
    return [...this.#fresh, ...this.#waiting];
  }

  /** Takes a lane that is in none of the queues. */
  add(lane: LaneState): void {
    lane.queued = true;
    this.#fresh.push(lane);
  }

  /** What lanes wait for may be over: topics were declared, a pause has passed. */
  recheck(): void {
    for (const lane of this.#waiting) this.#fresh.push(lane);
    this.#waiting = [];
  }

  /** Gives the lanes that can go to the brokers that lead them. */
  route(): Waits {
    const { metadata } = this.#cluster;
    if (metadata !== this.#metadata) this.#startOver(metadata);
    let soonestMs = Number.POSITIVE_INFINITY;
    let leaderless = false;
    const now = performance.now();
    for (const lane of this.#fresh) {
      const isDeclared = this.#isDeclared(lane);
      const mayGo = isDeclared && lane.notBefore <= now;
      const leader = mayGo ? this.#leaderOf(lane) : undefined;
      if (leader !== undefined) {
        this.#queueOf(leader).push(lane);
        continue;
      }
      this.#waiting.push(lane);
      if (!isDeclared) this.#declarations?.want(lane.topic);
      else if (mayGo) leaderless = true;
      else soonestMs = Math.min(soonestMs, lane.notBefore - now);
    }
    this.#fresh = [];
    return { soonestMs, leaderless };
  }

  /** Of each broker the lanes that can go, to be taken from their beginning. */
  brokers(): Iterable<readonly [broker: number, queue: LaneState[]]> {
    return this.#byBroker;
  }

  clear(): void {
    this.#fresh = [];
    this.#waiting = [];
    this.#byBroker.clear();
  }

  #isDeclared(lane: LaneState): boolean {
    lane.declared ||= this.#declarations?.has(lane.topic) ?? true;
    return lane.declared;
  }

  /** Looked up once for each state of the cluster: in tables of thousands of topics that takes as long as a record. */
  #leaderOf(lane: LaneState): number | undefined {
    if (lane.leaderBy !== this.#states) {
      lane.leaderBy = this.#states;
      lane.leader = this.#cluster.leader(lane.topic, lane.partition);
    }
    return lane.leader;
  }

  /** Leaders may have changed. */
  #startOver(metadata: ClusterMetadata): void {
    this.#metadata = metadata;
    this.#states++;
    this.recheck();
    for (const queue of this.#byBroker.values()) for (const lane of queue.splice(0)) this.#fresh.push(lane);
  }

  #queueOf(broker: number): LaneState[] {
    let queue = this.#byBroker.get(broker);
    if (queue === undefined) {
      queue = [];
      this.#byBroker.set(broker, queue);
    }
    return queue;
  }
}
