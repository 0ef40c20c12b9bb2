import { expect, test } from '@jest/globals';
import { probeTcp } from './probe.ts';
import { testServers } from './test-servers.ts';

test('shared servers are started once and answer at the address given to every asker', async () => {
  const [first, second] = await Promise.all([testServers('redis', 'kafka'), testServers('redis')]);
  expect(second.redis).toEqual(first.redis);
  expect(await probeTcp(first.redis.port, 'PING\r\n', '+PONG')).toBe(true);
  expect(first.kafka.brokers).toHaveLength(1);
});
