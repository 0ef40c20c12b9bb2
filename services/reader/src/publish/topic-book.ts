import { TaplineError } from '@tapline/kernel';
import type { Gaps } from '../fencing/fences.ts';
import type { TopicOfTable } from './routes.ts';
import type { TopicLanes } from './topic-lanes.ts';

/** A table that writes to a topic. */
export type TopicClaim = Pick<TopicOfTable, 'topic' | 'table' | 'shared'>;

/** All topics of the source that are known to the progress record, by name. */
export class TopicBook {
  readonly #topics = new Map<string, TopicLanes>();
  readonly #owners = new Map<string, TopicClaim>();
  /** Topics with something left to skip: looked at after every pull while there are any. */
  readonly #behind = new Set<TopicLanes>();

  get(topic: string): TopicLanes | undefined {
    return this.#topics.get(topic);
  }

  add(lanes: TopicLanes): TopicLanes {
    this.#topics.set(lanes.topic, lanes);
    if (lanes.skipping > 0) this.#behind.add(lanes);
    return lanes;
  }

  /** @throws TaplineError CONFIG_INVALID when another table has this topic already, and not both are said to share it in the same way. */
  claim(claim: TopicClaim): void {
    const { topic, table, shared } = claim;
    const owner = this.#owners.get(topic) ?? { topic, table, shared };
    this.#owners.set(topic, owner);
    if (owner.table === table || (shared !== 'refuse' && shared === owner.shared)) return;
    throw new TaplineError('CONFIG_INVALID', {
      message: `The tables ${owner.table} and ${table} would share the topic ${topic}.`,
      place: { topic, table },
      remedy:
        'Where a rule gives both this topic, say how their keys stay apart (sharedTopic). Where their names differ only in characters that topic names cannot hold, give one of them another topic (shape.rules), or leave it out (source.exclude).',
    });
  }

  /** Changes of each partition since this life began, by topic. */
  *counts(): Generator<readonly [string, readonly number[]]> {
    for (const lanes of this.#topics.values()) yield [lanes.topic, lanes.counts()];
  }

  /** The next offset of each partition by count: what a progress record says. */
  offsets(): Map<string, readonly bigint[]> {
    return new Map([...this.#topics.values()].map((lanes) => [lanes.topic, lanes.next.map(BigInt)]));
  }

  /** The same of one topic; nothing where it has had no changes yet. */
  nextOf(topic: string): readonly number[] {
    return [...(this.#topics.get(topic)?.next ?? [])];
  }

  /** Offsets beyond these that hold markers of lives, by topic. */
  gaps(): Map<string, Gaps> {
    const gaps = new Map<string, Gaps>();
    for (const lanes of this.#behind) {
      const ofTopic = lanes.gaps;
      if (ofTopic.size > 0) gaps.set(lanes.topic, ofTopic);
    }
    return gaps;
  }

  /** Changes that stand in the topics already and are still to be met again. */
  get skipping(): number {
    let sum = 0;
    for (const lanes of this.#behind) {
      const { skipping } = lanes;
      sum += skipping;
      if (skipping === 0) this.#behind.delete(lanes);
    }
    return sum;
  }
}
