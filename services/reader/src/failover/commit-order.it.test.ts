import { expect, test } from '@jest/globals';
import { connect } from '@tapline/mysql';
import { testServers } from '@tapline/test-stack';
import { commitOrderFinding } from './commit-order.ts';

test('a server that applies in parallel without the order of its source is told, with what mends it', async () => {
  const { host, port } = (await testServers('mysql')).mysql;
  const address = { host, port, user: 'root' };
  await using root = await connect(address);
  expect(await commitOrderFinding(address)).toBeUndefined();
  await root.execute('SET GLOBAL replica_preserve_commit_order = OFF');
  try {
    expect(await commitOrderFinding(address)).toMatchObject({ check: 'commit-order', level: 'warn' });
    await root.execute('SET GLOBAL replica_parallel_workers = 1');
    expect(await commitOrderFinding(address)).toBeUndefined();
  } finally {
    await root.execute('SET GLOBAL replica_preserve_commit_order = DEFAULT, replica_parallel_workers = DEFAULT');
  }
});
