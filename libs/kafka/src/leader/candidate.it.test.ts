import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { sleep } from '@tapline/kernel';
import { openStack, testServers } from '@tapline/test-stack';
import { type Kafka, openKafka } from '../kafka.ts';
import { uniqueName } from '../numbered.ts';
import type { Candidate, Term } from './candidate.ts';

/** Longer than a machine may stand still: who leads in between is not told by whose session has ended. */
const SESSION_MS = 60_000;
let brokers: readonly string[];
const clients: Kafka[] = [];

beforeAll(async () => {
  ({ brokers } = (await testServers('kafka')).kafka);
});
afterAll(async () => {
  for (const client of clients) await client[Symbol.asyncDispose]();
});

/** Each with connections of its own, as they are processes of their own. */
function candidate(group: string, name: string): Candidate {
  const client = openKafka({ brokers });
  clients.push(client);
  return client.candidate({ group, name, sessionTimeoutMs: SESSION_MS });
}

const lead = (member: Candidate): Promise<Term> => member.lead(AbortSignal.timeout(300_000));

async function until(what: string, holds: () => boolean): Promise<void> {
  const end = performance.now() + 300_000;
  while (!holds()) {
    if (performance.now() > end) throw new Error(`not in time: ${what}`);
    await sleep(20);
  }
}

test('one of any number leads; it stays the one while others come and go; when it leaves, the one that has stood by longest leads', async () => {
  const group = uniqueName('election');
  await using first = candidate(group, 'first');
  const term = await lead(first);
  expect([first.role, term.over()]).toEqual(['leader', undefined]);
  await using second = candidate(group, 'second');
  await until('the second stands by', () => second.role === 'standby');
  {
    await using third = candidate(group, 'third');
    await until('the third stands by', () => third.role === 'standby');
    expect([third.elected?.name, second.elected?.name]).toEqual(['first', 'first']);
  }
  expect(await lead(first)).toBe(term);
  await using fourth = candidate(group, 'fourth');
  await until('the fourth stands by', () => fourth.role === 'standby');
  expect([term.lost.aborted, term.over()]).toEqual([false, undefined]);

  const leads = lead(second);
  await first[Symbol.asyncDispose]();
  expect(term.over()).toMatchObject({ code: 'KAFKA_FENCED' });
  expect(term.lost.reason).toMatchObject({ code: 'KAFKA_FENCED' });
  expect((await leads).lost.aborted).toBe(false);
  await until('the fourth knows', () => fourth.elected?.name === 'second');
  expect(fourth.role).toBe('standby');
});

test('a leader that hears nothing from Kafka for a session steps down by itself, and leads again when Kafka is back', async () => {
  await using stack = await openStack({ kafka: 1 });
  await using away = openKafka({ brokers: stack.kafka.address.brokers, requestTimeoutMs: 2_000 });
  await using member = away.candidate({ group: 'election', name: 'only', sessionTimeoutMs: 6_000 });
  // The coordinator, which stood still as well, may have missed it by then or not: either way it is elected anew.
  for (let round = 0; round < 2; round++) {
    const term = await lead(member);
    const lost = new Promise((resolve) => term.lost.addEventListener('abort', resolve, { once: true }));
    stack.kafka.pause();
    await lost;
    expect(term.over()).toMatchObject({ code: 'KAFKA_FENCED' });
    // On a machine that stood still before, it may have led anew by the time Kafka was gone.
    await until('it leads no more', () => member.role !== 'leader');
    stack.kafka.resume();
    const again = await lead(member);
    expect([again === term, again.over()]).toEqual([false, undefined]);
  }
});

test('who waits to lead can be told to stop waiting', async () => {
  const group = uniqueName('election');
  await using first = candidate(group, 'first');
  await lead(first);
  await using second = candidate(group, 'second');
  const stop = new AbortController();
  const waiting = second.lead(stop.signal);
  stop.abort(new DOMException('stop', 'AbortError'));
  await expect(waiting).rejects.toThrow('stop');
});
