import { expect, test } from '@jest/globals';
import { registryOf } from './format.ts';

test('the topic of the schemas has as many copies as the others, unless it is told otherwise', () => {
  const copies = (replicationFactor: number): unknown => {
    const topics = { replicationFactor: 3 } as Parameters<typeof registryOf>[0]['topics'];
    return registryOf({ registry: { type: 'topic', topic: 'schemas', replicationFactor }, topics });
  };
  expect(copies(-1)).toEqual({ type: 'topic', topic: 'schemas', replicationFactor: 3 });
  expect(copies(2)).toMatchObject({ replicationFactor: 2 });
});
