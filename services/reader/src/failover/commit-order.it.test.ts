import { expect, test } from '@jest/globals';
import { connect } from '@tapline/mysql';
import { openStack } from '@tapline/test-stack';
import { commitOrderFinding } from './commit-order.ts';

test('a server that applies in parallel without the order of its source is told, with what mends it', async () => {
  // A server of its own: others look at the settings of those that are shared.
  await using stack = await openStack({});
  const settings = { 'innodb-buffer-pool-size': '64M', 'performance-schema': 'OFF' };
  const { address } = await stack.add('mysql', { settings });
  await using root = await connect(address);
  expect(await commitOrderFinding(address)).toBeUndefined();
  await root.execute('SET GLOBAL replica_preserve_commit_order = OFF');
  expect(await commitOrderFinding(address)).toMatchObject({ check: 'commit-order', level: 'warn' });
  await root.execute('SET GLOBAL replica_parallel_workers = 1');
  expect(await commitOrderFinding(address)).toBeUndefined();
});
