import { type Finding, failedFinding, goodFinding } from '@tapline/kernel';
import { addressText, connect, type MysqlAddress } from '@tapline/mysql';
import type { ReaderConfig } from '../config.ts';
import type { ProgressRecord } from '../progress/record.ts';
import { hostsOf, probe, type ServerFacts, serverText } from './candidate.ts';
import { knownOf } from './choose.ts';
import { judge } from './judge.ts';

/** How each of the configured servers stands to what was published; without a list there is nothing to say. */
export async function examineHosts(config: ReaderConfig, record: ProgressRecord | undefined): Promise<Finding[]> {
  const signal = new AbortController().signal;
  const hosts = hostsOf(config);
  const candidates = await Promise.all(hosts.map((host) => probe(host, signal)));
  return (
    await Promise.all(
      candidates.map(async (candidate): Promise<Finding[]> => {
        if (candidate.server === undefined) return [failedFinding('server', candidate.error)];
        return [
          historyFinding(candidate.server, record),
          ...(await orderFindings(candidate.address, candidate.server)),
        ];
      }),
    )
  ).flat();
}

function historyFinding(server: ServerFacts, record: ProgressRecord | undefined): Finding {
  const check = 'history';
  const text = serverText(server);
  if (record === undefined || record.by === 'file') return goodFinding(check, `${text} answers.`);
  const verdict = judge(server, knownOf(record, undefined));
  if (verdict.kind === 'usable') return goodFinding(check, `${text} has everything up to the newest progress record.`);
  if (verdict.kind === 'behind') {
    const seen = `${text} lacks ${verdict.missing} yet.`;
    return { check, level: 'warn', seen, mend: 'SHOW REPLICA STATUS says why it lags.' };
  }
  const mend = 'Take it out of source.hosts, or rebuild it from a server that has everything.';
  return { check, level: 'fail', code: verdict.code, seen: `${text}: ${verdict.why}.`, mend };
}

/** Under both of their names. A replay from another server must meet the transactions in the order in which they were published. */
const ORDER = ['replica_preserve_commit_order', 'slave_preserve_commit_order'];
const WORKERS = ['replica_parallel_workers', 'slave_parallel_workers'];

async function orderFindings(address: MysqlAddress, { info, role }: ServerFacts): Promise<Finding[]> {
  if (info.flavor === 'mariadb' || role === 'source') return [];
  await using connection = await connect(address);
  const names = [...ORDER, ...WORKERS].map((name) => `'${name}'`).join(', ');
  const rows = await connection.query(`SHOW GLOBAL VARIABLES WHERE Variable_name IN (${names})`);
  const valueOf = (either: readonly string[]): string => rows.find(([name]) => either.includes(name ?? ''))?.[1] ?? '';
  const check = 'commit-order';
  if (valueOf(ORDER) === 'ON' || Number(valueOf(WORKERS)) <= 1)
    return [goodFinding(check, `${addressText(address)} keeps the order of its source.`)];
  return [
    {
      check,
      level: 'warn',
      seen: `${addressText(address)} may commit transactions in another order than its source: a failover to it can stop the reader (RESUME_MISMATCH).`,
      mend: 'STOP REPLICA SQL_THREAD; SET PERSIST replica_preserve_commit_order = ON; START REPLICA SQL_THREAD;',
    },
  ];
}
