import type { Cluster } from './cluster.ts';

/** Kafka's own topics, and those that start with an underscore by custom, are no matter of a pattern. */
const INTERNAL = /^_/;

export interface WatchedTopics {
  readonly topics: readonly string[];
  /** Each matches whole names. */
  readonly patterns: readonly RegExp[];
}

/** Which topics a consumer reads: those it names, and whichever match its patterns, with the partitions that they have at the moment. */
export class TopicWatch {
  readonly #cluster: Cluster;
  readonly #wanted: WatchedTopics;
  #seen: ReadonlyMap<string, number> = new Map();

  constructor(cluster: Cluster, wanted: WatchedTopics) {
    this.#cluster = cluster;
    this.#wanted = wanted;
  }

  /** As of the last look. */
  get topics(): readonly string[] {
    return [...this.#seen.keys()];
  }

  /** Looks anew. Topics that are named are there even before they exist. @throws TaplineError KAFKA_*, retryable. */
  async look(): Promise<void> {
    this.#seen = await this.#now();
  }

  /** Whether a topic or a partition has come, or a topic that a pattern matched has gone. */
  async hasChanged(): Promise<boolean> {
    const now = await this.#now();
    return now.size !== this.#seen.size || [...now].some(([topic, partitions]) => this.#seen.get(topic) !== partitions);
  }

  async #now(): Promise<Map<string, number>> {
    const { topics, patterns } = this.#wanted;
    const all = patterns.length === 0 ? [] : await this.#cluster.allTopics();
    const matching = all.filter((topic) => !INTERNAL.test(topic) && patterns.some((pattern) => pattern.test(topic)));
    const wanted = [...new Set([...topics, ...matching])].toSorted();
    await this.#cluster.refresh(wanted);
    const known = this.#cluster.metadata.topics;
    return new Map(wanted.map((topic) => [topic, known.get(topic)?.partitions.length ?? 0]));
  }
}
