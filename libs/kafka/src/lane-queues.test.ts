import { expect, test } from '@jest/globals';
import type { Cluster } from './cluster.ts';
import type { Declarations } from './fence/declarations.ts';
import { LaneState } from './lane.ts';
import { LaneQueues } from './lane-queues.ts';
import type { ClusterMetadata } from './metadata.ts';

const LIMITS = { batchBytes: 1024, maxMessageBytes: 1024 };
const lane = (topic: string): LaneState => new LaneState(topic, 0, LIMITS, {});
const metadata = (): ClusterMetadata => ({ brokers: new Map(), controllerId: 1, topics: new Map() });

interface Scene {
  readonly queues: LaneQueues;
  readonly leaders: Map<string, number>;
  readonly declared: Set<string>;
  /** Topics that were asked to be declared. */
  readonly wanted: string[];
  /** How often a leader was looked up. */
  looks(): number;
  moved(): void;
  queued(): Record<number, string[]>;
}

function scene(): Scene {
  let looks = 0;
  const leaders = new Map<string, number>();
  const declared = new Set<string>();
  const wanted: string[] = [];
  const cluster = {
    metadata: metadata(),
    leader(topic: string) {
      looks++;
      return leaders.get(topic);
    },
  };
  const declarations = {
    has: (topic: string) => declared.has(topic),
    want: (topic: string) => void wanted.push(topic),
  };
  const queues = new LaneQueues(cluster as unknown as Cluster, declarations as unknown as Declarations);
  return {
    queues,
    leaders,
    declared,
    wanted,
    looks: () => looks,
    moved: () => {
      cluster.metadata = metadata();
    },
    queued: () => Object.fromEntries([...queues.brokers()].map(([id, list]) => [id, list.map(({ topic }) => topic)])),
  };
}

test('lanes that wait for their broker are looked at once, however often something is sent', () => {
  const { queues, leaders, declared, looks } = scene();
  for (let i = 0; i < 1000; i++) {
    leaders.set(`t${i}`, 1);
    declared.add(`t${i}`);
    queues.add(lane(`t${i}`));
  }
  for (let sends = 0; sends < 100; sends++) queues.route();
  expect(looks()).toBe(1000);
  expect(queues.isEmpty).toBe(false);
});

test('a lane that comes again finds its leader without a look, until leaders may have changed', () => {
  const { queues, leaders, declared, looks, moved, queued } = scene();
  leaders.set('a', 1);
  declared.add('a');
  const again = lane('a');
  const send = (): void => {
    for (const [, queue] of queues.brokers()) queue.length = 0;
    queues.add(again);
    queues.route();
  };
  send();
  send();
  expect(looks()).toBe(1);
  leaders.set('a', 2);
  moved();
  send();
  expect([looks(), queued()]).toEqual([2, { 1: [], 2: ['a'] }]);
});

test('a lane without a leader goes on by itself when leaders have changed; a topic that is not declared is asked for', () => {
  const { queues, leaders, declared, moved, queued, wanted } = scene();
  declared.add('lost');
  queues.add(lane('lost'));
  queues.add(lane('new'));
  queues.route();
  expect(queued()).toEqual({});
  expect(wanted).toEqual(['new']);
  leaders.set('lost', 1);
  moved();
  queues.route();
  expect(queued()).toEqual({ 1: ['lost'] });
});

test('a lane goes on when its topic is declared, and when leaders have changed', () => {
  const { queues, leaders, declared, moved, queued } = scene();
  leaders.set('a', 1).set('b', 1);
  declared.add('b');
  queues.add(lane('a'));
  queues.add(lane('b'));
  expect(queues.route()).toEqual({ soonestMs: Number.POSITIVE_INFINITY, leaderless: false });
  expect(queued()).toEqual({ 1: ['b'] });
  declared.add('a');
  queues.recheck();
  queues.route();
  expect(queued()).toEqual({ 1: ['b', 'a'] });
  leaders.set('b', 2);
  moved();
  queues.route();
  expect(queued()).toEqual({ 1: ['a'], 2: ['b'] });
});

test('what waits for a pause or a leader is told', () => {
  const { queues, declared } = scene();
  const [late, lost] = [lane('late'), lane('lost')];
  declared.add('late').add('lost');
  late.notBefore = performance.now() + 60_000;
  queues.add(late);
  queues.add(lost);
  const { soonestMs, leaderless } = queues.route();
  expect([soonestMs > 50_000 && soonestMs <= 60_000, leaderless]).toEqual([true, true]);
  expect(queues.held).toEqual([late, lost]);
  expect(queues.isEmpty).toBe(false);
  queues.clear();
  expect(queues.isEmpty).toBe(true);
});

test('all lanes are let go of, those that can go too', () => {
  const { queues, leaders, declared } = scene();
  leaders.set('a', 1);
  declared.add('a');
  queues.add(lane('a'));
  queues.route();
  queues.clear();
  expect(queues.isEmpty).toBe(true);
});
