import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import { openKafka } from '@tapline/kafka';
import { openRegistry } from '@tapline/registry';
import { openStack, TopicWriter } from '@tapline/test-stack';
import { KeyOrder } from './key-order.ts';
import { chaosSeed, Random } from './random.ts';

const LONG = process.env.TAPLINE_CHAOS === 'long';
const CHANGE_MS = LONG ? 5000 : 500;
const CHANGES = LONG ? 120 : 4;
const MEMBERS = 3;
const PARTITIONS = 9;
const KEYS = 200;
/** Changes a second, more than what waits for a commit when the group changes. */
const RATE = 600;
const PROGRAM = new URL('./rebalance-member.program.ts', import.meta.url);

/** The members of the group: processes that tell what they handle. */
class Group {
  readonly members: Member[] = [];
  readonly #arguments: readonly string[];
  readonly #order: KeyOrder;
  #joined = 0;

  constructor(order: KeyOrder, ...args: readonly string[]) {
    this.#order = order;
    this.#arguments = args;
  }

  join(): void {
    const name = `member ${++this.#joined}`;
    const child = fork(PROGRAM, this.#arguments, { execArgv: ['--disable-warning=ExperimentalWarning'] });
    child.on('message', ({ number, id, version }: { number: number; id: number; version: string }) => {
      this.#order.took(name, id, BigInt(version));
      if (child.connected) child.send(number, () => undefined);
    });
    this.members.push({ name, child });
  }

  async leave(member: Member, how: 'close' | 'kill'): Promise<void> {
    this.members.splice(this.members.indexOf(member), 1);
    const { child } = member;
    const left = child.exitCode === null && child.signalCode === null ? once(child, 'exit') : undefined;
    if (how === 'kill') child.kill('SIGKILL');
    else if (child.connected) child.send('close');
    await left;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const member of [...this.members]) await this.leave(member, 'kill');
  }
}

interface Member {
  readonly name: string;
  readonly child: ChildProcess;
}

test('members that join, leave and die under load: nothing is lost, no key out of order, and who leaves as it should leaves nothing to be repeated', async () => {
  const seed = chaosSeed();
  console.log(`seed ${seed}: play again with TAPLINE_CHAOS_SEED=${seed}`);
  const random = new Random(seed);
  await using stack = await openStack({});
  const { brokers } = (await stack.add('kafka', true)).address;
  await using kafka = openKafka({ brokers });
  await using registry = await openRegistry({ type: 'topic' }, { kafka });
  await using topic = await TopicWriter.open(kafka, registry, 'rebalance', PARTITIONS);
  const order = new KeyOrder();
  await using group = new Group(order, brokers.join(), 'rebalance', topic.topic);
  const load = { on: true };
  const loading = run(topic, order, load);
  for (let member = 0; member < MEMBERS; member++) group.join();
  await until('the group handles changes', () => order.handled > 100);

  const half = CHANGES / 2;
  for (let change = 0; change < CHANGES; change++) {
    await sleep(CHANGE_MS);
    if (change === half) expect(order.repeated).toBe(0);
    const before = order.handled;
    if (group.members.length < MEMBERS) group.join();
    else await group.leave(random.pick(group.members), change < half ? 'close' : 'kill');
    // In the long form the group also changes while it still changes.
    if (!LONG) await until('the group goes on', () => order.handled > before + 500);
  }
  load.on = false;
  await loading;
  if (group.members.length === 0) group.join();
  await until('everything is handled', () => order.open === 0);
  expect(order.problems).toEqual([]);
  console.log(`${order.handled} changes handled, ${order.repeated} of them again`);
});

/** Changes of random keys, so many a second, until it is told to end. */
async function run(topic: TopicWriter, order: KeyOrder, load: { on: boolean }): Promise<void> {
  const random = new Random(1);
  const start = performance.now();
  for (let sent = 0; load.on; ) {
    for (const due = ((performance.now() - start) / 1000) * RATE; sent < due; sent++) {
      const id = random.int(0, KEYS - 1);
      topic.put({ id, name: `change ${sent}`, price: '1.00' });
      order.sent(id, topic.version);
    }
    await sleep(10);
  }
  await topic.sent();
}

async function until(what: string, holds: () => boolean): Promise<void> {
  const end = performance.now() + 300_000;
  while (!holds()) {
    if (performance.now() > end) throw new Error(`not within five minutes: ${what}`);
    await sleep(50);
  }
}
