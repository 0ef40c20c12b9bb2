import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { sleep } from '@tapline/kernel';
import { testServers, whenReady } from '@tapline/test-stack';
import { type Kafka, openKafka } from '../kafka.ts';
import { uniqueName } from '../numbered.ts';
import type { OrderedProducer } from '../producer.ts';
import { encodeHeaders } from '../record-batch.ts';
import { type Claim, encodeClaim, readClaim } from './claim.ts';
import { ClaimWriter } from './claim-writer.ts';

const PIECE_BYTES = 65_536;
const BUFFER_BYTES = 1_048_576;

let kafka: Kafka;
let brokers: readonly string[];
let producer: OrderedProducer;
let writer: ClaimWriter;
const topic = uniqueName('claims');
const squeezed = uniqueName('squeezed');

beforeAll(async () => {
  ({ brokers } = (await testServers('kafka')).kafka);
  kafka = openKafka({ brokers });
  const spec = { partitions: 2, replicationFactor: 1, compacted: false };
  await kafka.topics.ensure([
    { topic, ...spec },
    { topic: squeezed, ...spec },
  ]);
  producer = kafka.producer({ batchBytes: 2 * PIECE_BYTES, bufferBytes: BUFFER_BYTES });
  const signal = new AbortController().signal;
  writer = new ClaimWriter({ producer, reader: kafka.reader, topic, pieceBytes: PIECE_BYTES, signal });
});

afterAll(async () => {
  await kafka.topics.delete([topic, squeezed]);
  await kafka[Symbol.asyncDispose]();
});

const put = (value: Buffer, partition = 0): Promise<Claim> =>
  writer.write({ value, partition, name: 'shop.t/1', timestampMs: Date.now() });

describe('a value put aside', () => {
  test.each([1, PIECE_BYTES, PIECE_BYTES + 1, 3 * PIECE_BYTES, 1_000_003])(
    'comes back whole: %d bytes',
    async (bytes) => {
      const value = randomBytes(bytes);
      const claim = await put(value);
      expect(claim).toMatchObject({ topic, partition: 0, pieces: Math.ceil(bytes / PIECE_BYTES), bytes });
      expect((await kafka.claims.value(claim)).equals(value)).toBe(true);
    },
  );

  test('partitions count for themselves, and a header keeps the claim', async () => {
    const [first, second] = [randomBytes(100_000), randomBytes(200_000)];
    const claims = [await put(first, 1), await put(second, 1)];
    expect(claims.map(({ first: offset }) => offset)).toEqual([0n, 2n]);
    const read = claims.map((claim) => readClaim(encodeHeaders({ v: Buffer.alloc(8), claim: encodeClaim(claim) })));
    expect(read).toEqual(claims);
    expect((await kafka.claims.value(read[1] as Claim)).equals(second)).toBe(true);
  });

  test('takes no more memory in the producer than its budget, however large it is', async () => {
    let most = 0;
    const look = setInterval(() => {
      most = Math.max(most, producer.stats.bufferedBytes);
    }, 0);
    const value = randomBytes(20_000_000);
    const claim = await put(value);
    clearInterval(look);
    expect(most).toBeGreaterThan(0);
    expect(most).toBeLessThanOrEqual(BUFFER_BYTES + 2 * PIECE_BYTES);
    expect((await kafka.claims.value(claim)).equals(value)).toBe(true);
  });
});

test('pieces may be compressed on their way', async () => {
  const compressing = kafka.producer({ compression: 'zstd', batchBytes: 2 * PIECE_BYTES, bufferBytes: BUFFER_BYTES });
  const options = { producer: compressing, reader: kafka.reader, topic: squeezed, pieceBytes: PIECE_BYTES };
  const signal = new AbortController().signal;
  const value = Buffer.from('twelve bytes'.repeat(100_000));
  const claim = await new ClaimWriter({ ...options, signal }).write({ value, partition: 1, name: 'n', timestampMs: 1 });
  expect((await kafka.claims.value(claim)).equals(value)).toBe(true);
  expect(compressing.stats.bytesAcknowledged).toBeLessThan(value.length / 2);
});

test('an end that shows the pieces only later is waited for', async () => {
  const value = randomBytes(200_000);
  const claim = await put(value);
  const { pieces } = claim;
  const early = kafka.claims.value({ ...claim, first: claim.first + BigInt(pieces) });
  const ended = await Promise.race([early.then(() => 'ended'), sleep(300).then(() => 'waits')]);
  expect(ended).toBe('waits');
  expect(await put(value)).toMatchObject({ first: claim.first + BigInt(pieces) });
  expect((await early).equals(value)).toBe(true);
});

describe('a claim that cannot be met is poison', () => {
  test.each<[string, Partial<Claim>]>([
    ['the bytes are others', { crc32c: 1 }],
    ['fewer bytes than claimed', { bytes: 200_001 }],
    ['more bytes than claimed', { bytes: 199_999 }],
    ['other pieces', { first: 1n }],
  ])('damaged: %s', async (_, change) => {
    const claim = await put(randomBytes(200_000));
    const other = { ...claim, ...change, first: claim.first - (change.first ?? 0n) };
    await expect(kafka.claims.value(other)).rejects.toMatchObject({ code: 'CLAIM_DAMAGED', disposition: 'poison' });
  });

  test('missing: beyond the end, deleted by retention, or the topic is gone', async () => {
    const claim = await put(randomBytes(200_000));
    const missing = { code: 'CLAIM_MISSING', disposition: 'poison' };
    await using impatient = openKafka({ brokers }, { patienceMs: 500 });
    await expect(impatient.claims.value({ ...claim, pieces: 5 })).rejects.toMatchObject(missing);
    await expect(impatient.claims.value({ ...claim, topic: uniqueName('nowhere') })).rejects.toMatchObject(missing);
    const admin = await kafka.admin();
    // kafkajs deletes records only of topics that it has asked for before.
    await whenReady(() => admin.fetchTopicOffsets(topic));
    const partitions = [{ partition: 0, offset: String(claim.first + 1n) }];
    await whenReady(() => admin.deleteTopicRecords({ topic, partitions }));
    await expect(kafka.claims.value(claim)).rejects.toMatchObject(missing);
  });
});
