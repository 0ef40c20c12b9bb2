import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import kafkajs from 'kafkajs';
import { murmur2, partitionFor } from './partitioner.ts';

test.each([
  ['21', -973932308],
  ['foobar', -790332482],
  ['a-little-bit-long-string', -985981536],
  ['a-little-bit-longer-string', -1486304829],
  ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
  ['abc', 479470107],
])('murmur2 of %s is what Java gives', (text, hash) => {
  expect(murmur2(Buffer.from(text))).toBe(hash);
});

test('every key gets the partition that the Java-compatible partitioner of kafkajs gives it', () => {
  const choose = kafkajs.Partitioners.DefaultPartitioner();
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: 1, maxLength: 40 }),
      fc.integer({ min: 1, max: 64 }),
      (bytes, partitions) => {
        const partitionMetadata = Array.from({ length: partitions }, (_, partitionId) => ({
          partitionId,
          leader: 1,
          partitionErrorCode: 0,
          replicas: [],
          isr: [],
        }));
        const key = Buffer.from(bytes);
        expect(partitionFor(key, partitions)).toBe(
          choose({ topic: 't', partitionMetadata, message: { key, value: null } }),
        );
      },
    ),
  );
});
