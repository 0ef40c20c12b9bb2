import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { classifyKafkaError, type Kafka, openKafka } from '@tapline/kafka';
import { sleep } from '@tapline/kernel';
import { openRegistry, type Registry } from '@tapline/registry';
import { type ItemRow, TopicWriter, testServers } from '@tapline/test-stack';
import { type ChangeOf, SeenInMemory, type SubscribeOptions, type Subscription, subscribe } from './index.ts';

interface Item {
  readonly id: bigint;
  readonly name: string | null;
  readonly price: string;
}

/** The topics' names are the run's own, so that they are no keys that the types could know. */
type Items = Readonly<Record<string, Item>>;

let kafka: Kafka;
let registry: Registry;
let brokers: readonly string[];
let topics = 0;

beforeAll(async () => {
  brokers = (await testServers('kafka')).kafka.brokers;
  kafka = openKafka({ brokers });
  registry = await openRegistry({ type: 'topic' }, { kafka });
});

afterAll(async () => {
  await registry?.[Symbol.asyncDispose]();
  await kafka?.[Symbol.asyncDispose]();
});

function topic(partitions = 4): Promise<TopicWriter> {
  const source = `client${process.pid}n${++topics}r${Math.random().toString(36).slice(2, 8)}`;
  return TopicWriter.open(kafka, registry, source, partitions);
}

function start(
  { topic: name }: TopicWriter,
  more: Pick<SubscribeOptions<Items>, 'handler'> & Partial<SubscribeOptions<Items>>,
): Subscription {
  return subscribe<Items>({
    brokers,
    group: `${name}-group`,
    topics: [name],
    commitMs: 50,
    // Whoever loses its partitions on a machine that stands still is given changes twice.
    sessionTimeoutMs: 60_000,
    ...more,
  });
}

function item(id: number, version: number): ItemRow {
  return { id, name: version % 7 === 0 ? null : `version ${version}`, price: `${version}.00` };
}

async function until(what: string, holds: () => boolean | Promise<boolean>, withinMs = 300_000): Promise<void> {
  const end = performance.now() + withinMs;
  while (!(await holds())) {
    if (performance.now() > end) throw new Error(`not within ${withinMs} ms: ${what}`);
    await sleep(20);
  }
}

async function committedTo({ topic: name }: TopicWriter): Promise<bigint> {
  const admin = await kafka.admin();
  // A coordinator that is only being found has nothing yet.
  const found = await admin
    .fetchOffsets({ groupId: `${name}-group`, topics: [name] })
    .catch((error: unknown) => (classifyKafkaError(error).disposition === 'retryable' ? [] : Promise.reject(error)));
  return (found[0]?.partitions ?? []).reduce((sum, { offset }) => sum + BigInt(Math.max(0, Number(offset))), 0n);
}

describe('subscribe', () => {
  test('gives every change as a typed row, each key in its order, many at once, and commits what is handled', async () => {
    await using writer = await topic();
    for (let version = 1; version <= 40; version++) for (let id = 0; id < 25; id++) writer.put(item(id, version));
    writer.remove(3);
    await writer.sent();
    const seen = new Map<bigint, bigint[]>();
    const last = new Map<bigint, Item | null>();
    let atWork = 0;
    let most = 0;
    await using subscription = start(writer, {
      concurrency: 8,
      handler: async (change) => {
        const id = change.key?.id as bigint;
        most = Math.max(most, ++atWork);
        await sleep(0);
        atWork--;
        seen.set(id, [...(seen.get(id) ?? []), change.version]);
        last.set(id, change.after);
      },
    });
    await until('all is committed', async () => (await committedTo(writer)) === 1001n);
    expect(most).toBeGreaterThan(1);
    expect(seen.size).toBe(25);
    for (const [id, versions] of seen) {
      expect(versions).toHaveLength(id === 3n ? 41 : 40);
      expect(versions).toEqual(versions.toSorted((a, b) => (a < b ? -1 : 1)));
    }
    expect(last.get(7n)).toEqual({ id: 7n, name: 'version 40', price: '40.00' });
    expect(last.get(3n)).toBeNull();
    expect(subscription.lag()).toEqual({ records: 0, seconds: 0 });
    await subscription.close();
    await expect(subscription.ended).resolves.toBeUndefined();
  });

  test('a handler that fails ends it at that change, and the next subscription begins with it', async () => {
    await using writer = await topic(1);
    for (let version = 1; version <= 20; version++) writer.put(item(version, version));
    await writer.sent();
    const first = start(writer, {
      concurrency: 1,
      handler: ({ key }) => {
        if (key?.id === 12n) throw new Error('the store says no');
      },
    });
    await expect(first.ended).rejects.toMatchObject({
      code: 'CLIENT_HANDLER',
      place: { topic: writer.topic, partition: 0, offset: '11' },
      message: expect.stringContaining('the store says no'),
    });
    expect(await committedTo(writer)).toBeLessThanOrEqual(11n);
    const handled: bigint[] = [];
    await using again = start(writer, {
      concurrency: 1,
      handler: ({ key }) => void handled.push(key?.id as bigint),
    });
    await until('the rest is handled', () => handled.at(-1) === 20n);
    expect(handled.slice(-9)).toEqual([12n, 13n, 14n, 15n, 16n, 17n, 18n, 19n, 20n]);
    await again.close();
  });

  test('what is to be tried again holds up its key, and what is skipped does not', async () => {
    await using writer = await topic(1);
    for (let version = 1; version <= 10; version++) writer.put(item(1, version));
    await writer.sent();
    const handled: string[] = [];
    let failures = 0;
    await using subscription = start(writer, {
      onError: (_, { after }) => (after?.price === '3.00' ? 'retry' : 'skip'),
      handler: ({ after }) => {
        if (after?.price === '3.00' && ++failures < 4) throw new Error('not now');
        if (after?.price === '6.00') throw new Error('never');
        handled.push(after?.price ?? '');
      },
    });
    await until('all is handled', () => handled.length === 9);
    expect(handled).toEqual(['1.00', '2.00', '3.00', '4.00', '5.00', '7.00', '8.00', '9.00', '10.00']);
    expect(failures).toBe(4);
    await subscription.close();
  });

  test('with a store of versions, what comes again is not handled again', async () => {
    await using writer = await topic(2);
    for (let version = 1; version <= 50; version++) for (let id = 0; id < 4; id++) writer.put(item(id, version));
    await writer.sent();
    const seen = new SeenInMemory();
    let handled = 0;
    const count = (): void => {
      handled++;
    };
    const first = start(writer, { seen, handler: count });
    await until('all is committed', async () => (await committedTo(writer)) === 200n);
    await first.close();
    writer.put(item(1, 51));
    await writer.sent();
    // Another group begins at the start of the topic.
    await using replay = start(writer, { group: `${writer.topic}-again`, seen, handler: count });
    await until('the new change is handled', () => handled === 201);
    await until('all is read', () => replay.lag().records === 0);
    expect(handled).toBe(201);
  });

  test('a paused partition waits and the others go on', async () => {
    await using writer = await topic(2);
    const handled = new Map<number, number>();
    await using subscription = start(writer, {
      handler: (_, { place }) => void handled.set(place.partition, (handled.get(place.partition) ?? 0) + 1),
    });
    await until('partitions are assigned', () => subscription.assigned.length === 2);
    subscription.pause([{ topic: writer.topic, partition: 0 }]);
    for (let id = 0; id < 2000; id++) writer.put(item(id, 1));
    await writer.sent();
    const ends = await kafka.reader.endOffsets(writer.topic);
    await until('the other partition is handled', () => handled.get(1) === Number(ends[1]));
    expect(handled.get(0)).toBeUndefined();
    subscription.resume([{ topic: writer.topic, partition: 0 }]);
    await until('the paused one is handled too', () => handled.get(0) === Number(ends[0]));
  });

  test('the example of docs/client.md is the program that runs here', async () => {
    const program = new URL('./testing/example.program.ts', import.meta.url);
    const page = readFileSync(new URL('../../../docs/client.md', import.meta.url), 'utf8');
    expect(page).toContain(readFileSync(program, 'utf8'));
    await using writer = await topic(2);
    writer.put({ id: 7, name: 'lamp', price: '12.50' });
    writer.remove(7);
    await writer.sent();
    const env = { ...process.env, BROKERS: brokers.join(), TOPIC: writer.topic };
    const child = spawn(process.execPath, [fileURLToPath(program)], { env, stdio: ['ignore', 'pipe', 'inherit'] });
    const ended = once(child, 'exit');
    let out = '';
    child.stdout.on('data', (chunk: Buffer) => {
      out += String(chunk);
    });
    try {
      await until('both changes are printed', () => out.includes('gone'));
      expect(out).toBe('item 7 costs 12.50\nitem 7 is gone\n');
      child.kill('SIGTERM');
      expect(await ended).toEqual([0, null]);
    } finally {
      child.kill('SIGKILL');
    }
  });

  test('the row of a change is known by its topic', () => {
    interface Shop {
      readonly orders: { readonly id: number; readonly total: string };
      readonly customers: { readonly id: number; readonly email: string };
    }
    const amountOf = (change: ChangeOf<Shop>): string | undefined =>
      change.topic === 'orders' ? change.after?.total : change.after?.email;
    const order = { topic: 'orders', after: { id: 1, total: '9.50' } } as ChangeOf<Shop>;
    expect(amountOf(order)).toBe('9.50');
  });
});
