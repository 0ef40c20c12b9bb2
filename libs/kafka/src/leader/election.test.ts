import { describe, expect, test } from '@jest/globals';
import type { GroupPeer } from '../group-protocol.ts';
import { type Candidacy, elect, encodeCandidacy, encodeElected, readElected } from './election.ts';

const member = (memberId: string, more: Partial<Candidacy> = {}): GroupPeer => ({
  memberId,
  metadata: encodeCandidacy({ name: `host ${memberId}`, leadsSince: -1, memberSince: -1, ...more }),
});

describe('who leads', () => {
  test('the one that leads already, whoever joins or leaves', () => {
    const leader = member('z', { leadsSince: 3, memberSince: 3 });
    expect(elect([member('a'), leader, member('b', { memberSince: 1 })]).memberId).toBe('z');
    expect(elect([leader])).toEqual({ memberId: 'z', name: 'host z' });
  });

  test('of two that think so, the later one: the earlier one was away and has not noticed yet', () => {
    const [stale, present] = [member('a', { leadsSince: 3 }), member('b', { leadsSince: 5 })];
    expect(elect([stale, present]).memberId).toBe('b');
    expect(elect([present, stale]).memberId).toBe('b');
  });

  test('nobody does: the one that has stood by longest, members that join now last', () => {
    const members = [member('a'), member('b', { memberSince: 7 }), member('c', { memberSince: 2 })];
    expect(elect(members).memberId).toBe('c');
    expect(elect([member('y'), member('x')]).memberId).toBe('x');
  });

  test('whoever of the members counts the votes, the result is the same', () => {
    const members = [member('a'), member('b', { memberSince: 4 }), member('c', { memberSince: 4 })];
    expect(elect(members)).toEqual(elect(members.toReversed()));
  });

  test('every member reads who leads', () => {
    const elected = elect([member('a')]);
    expect(readElected(encodeElected(elected))).toEqual(elected);
  });

  test.each(['', 'null', '{}', 'x'])('a group that something else uses is refused: %j', (text) => {
    const code = { code: 'KAFKA_REQUEST_REFUSED' };
    expect(() => elect([{ memberId: 'a', metadata: Buffer.from(text) }])).toThrow(expect.objectContaining(code));
    expect(() => readElected(Buffer.from(text))).toThrow(expect.objectContaining(code));
  });
});
