import type { Finding } from '@tapline/kernel';
import { addressText, connect, type MysqlAddress } from '@tapline/mysql';

/** Under both of their names. A replay from another server must meet the transactions in the order in which they were published. */
const ORDER = ['replica_preserve_commit_order', 'slave_preserve_commit_order'];
const WORKERS = ['replica_parallel_workers', 'slave_parallel_workers'];

/** What is wrong with how a server of MySQL applies what it replicates; undefined: it commits in its source's order. */
export async function commitOrderFinding(address: MysqlAddress, signal?: AbortSignal): Promise<Finding | undefined> {
  await using connection = await connect(address, signal);
  const names = [...ORDER, ...WORKERS].map((name) => `'${name}'`).join(', ');
  const rows = await connection.query(`SHOW GLOBAL VARIABLES WHERE Variable_name IN (${names})`, signal);
  const valueOf = (either: readonly string[]): string => rows.find(([name]) => either.includes(name ?? ''))?.[1] ?? '';
  if (valueOf(ORDER) === 'ON' || Number(valueOf(WORKERS)) <= 1) return undefined;
  return {
    check: 'commit-order',
    level: 'warn',
    seen: `${addressText(address)} may commit transactions in another order than its source: a failover to it can stop the reader (RESUME_MISMATCH).`,
    mend: 'STOP REPLICA SQL_THREAD; SET PERSIST replica_preserve_commit_order = ON; START REPLICA SQL_THREAD;',
  };
}
