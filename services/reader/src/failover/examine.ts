import { type Finding, failedFinding, goodFinding } from '@tapline/kernel';
import { addressText, type MysqlAddress } from '@tapline/mysql';
import type { ReaderConfig } from '../config.ts';
import type { ProgressRecord } from '../progress/record.ts';
import { hostsOf, probe, type ServerFacts, serverText } from './candidate.ts';
import { knownOf } from './choose.ts';
import { commitOrderFinding } from './commit-order.ts';
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

async function orderFindings(address: MysqlAddress, { info, role }: ServerFacts): Promise<Finding[]> {
  if (info.flavor === 'mariadb' || role === 'source') return [];
  const good = goodFinding('commit-order', `${addressText(address)} keeps the order of its source.`);
  return [(await commitOrderFinding(address)) ?? good];
}
