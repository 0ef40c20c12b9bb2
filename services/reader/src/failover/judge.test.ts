import { expect, test } from '@jest/globals';
import type { ServerInfo } from '@tapline/mysql';
import type { Role, ServerFacts } from './candidate.ts';
import { pick } from './choose.ts';
import { historyOf } from './history.ts';
import { judge, type Known, type Verdict } from './judge.ts';

const A = 'aaaaaaaa-0000-0000-0000-000000000000';
const B = 'bbbbbbbb-0000-0000-0000-000000000000';
const C = 'cccccccc-0000-0000-0000-000000000000';

interface Facts {
  readonly executed: string;
  readonly role?: Role;
  readonly uuid?: string;
  readonly purged?: string;
  readonly flavor?: 'mysql' | 'mariadb';
  readonly newestFile?: { readonly name: string; readonly bytes: number };
}

function server({
  executed,
  role = 'source',
  uuid = B,
  purged = '',
  flavor = 'mysql',
  newestFile = { name: 'binlog.000003', bytes: 999 },
}: Facts): ServerFacts {
  const address = { host: 'h', port: 1, user: 'u' };
  const info = { flavor, logBin: true } as ServerInfo;
  return { address, info, uuid, role, history: historyOf(flavor, executed), purged, newestFile };
}

const known = (gtidSet: string, more: Partial<Known> = {}): Known => ({
  gtidSet,
  published: [],
  serverUuid: A,
  file: 'binlog.000002',
  position: 500,
  retracted: '',
  ...more,
});

const codeOf = (verdict: Verdict): string => (verdict.kind === 'refused' ? verdict.code : verdict.kind);

test.each<[string, Facts, Known, string]>([
  ['a server that has everything', { executed: `${A}:1-9,${B}:1-3` }, known(`${A}:1-9`), 'usable'],
  [
    'what stands in the topics beyond the record counts too',
    { executed: `${A}:1-9` },
    known(`${A}:1-9`, { published: [`${A}:10`] }),
    'SOURCE_LOST_TAIL',
  ],
  ['a source that lacks something', { executed: `${A}:1-7` }, known(`${A}:1-9`), 'SOURCE_LOST_TAIL'],
  ['a replica that lacks something may get it', { executed: `${A}:1-7`, role: 'replica' }, known(`${A}:1-9`), 'behind'],
  ['so may one whose replication has stopped', { executed: `${A}:1-7`, role: 'stale' }, known(`${A}:1-9`), 'behind'],
  ['an empty replica is being built', { executed: '', role: 'replica' }, known(`${A}:1-9`), 'behind'],
  ['nothing in common', { executed: `${C}:1-9` }, known(`${A}:1-9`), 'SOURCE_OTHER_TOPOLOGY'],
  ['nothing at all', { executed: '' }, known(`${A}:1-9`), 'SOURCE_OTHER_TOPOLOGY'],
  ['another kind of server', { executed: '0-1-7', flavor: 'mariadb' }, known(`${A}:1-9`), 'SOURCE_OTHER_TOPOLOGY'],
  ['the same server with nothing left', { executed: '', uuid: A }, known(`${A}:1-9`), 'SOURCE_BINLOG_RESET'],
  [
    'the same server, numbering its files anew',
    { executed: `${A}:1-3`, uuid: A, newestFile: { name: 'binlog.000001', bytes: 9 } },
    known(`${A}:1-9`),
    'SOURCE_BINLOG_RESET',
  ],
  [
    '… even when it has as many transactions again',
    { executed: `${A}:1-99`, uuid: A, newestFile: { name: 'binlog.000001', bytes: 9 } },
    known(`${A}:1-9`),
    'SOURCE_BINLOG_RESET',
  ],
  [
    'the same server with another name for its files',
    { executed: `${A}:1-9`, uuid: A, newestFile: { name: 'mysql-bin.000001', bytes: 9 } },
    known(`${A}:1-9`),
    'usable',
  ],
  [
    'the same server after a crash that cost its last transactions',
    { executed: `${A}:1-7`, uuid: A },
    known(`${A}:1-9`),
    'SOURCE_LOST_TAIL',
  ],
  ['purged in front of the reader', { executed: `${A}:1-20`, purged: `${A}:1-12` }, known(`${A}:1-9`), 'SOURCE_PURGED'],
  ['purged behind it', { executed: `${A}:1-20`, purged: `${A}:1-5` }, known(`${A}:1-9`), 'usable'],
  [
    'a server that comes back with what was lost and taken back',
    { executed: `${A}:1-9,${B}:1-3` },
    known(`${A}:1-7,${B}:1-2`, { retracted: `${A}:8-9` }),
    'SOURCE_ERRANT_GTIDS',
  ],
  ['MariaDB: has everything', { executed: '0-1-9,0-2-12', flavor: 'mariadb' }, known('0-1-9'), 'usable'],
  [
    'MariaDB: higher numbers of another server say nothing',
    { executed: '0-1-7,0-2-12', flavor: 'mariadb' },
    known('0-1-9'),
    'SOURCE_LOST_TAIL',
  ],
  ['MariaDB: a replica behind', { executed: '0-1-7', flavor: 'mariadb', role: 'replica' }, known('0-1-9'), 'behind'],
  ['MariaDB: another domain', { executed: '5-7-9', flavor: 'mariadb' }, known('0-1-9'), 'SOURCE_OTHER_TOPOLOGY'],
])('%s', (_, facts, about, code) => {
  expect(codeOf(judge(server(facts), about))).toBe(code);
});

test('a replica whose history went on under another server is suspected to have lost what it lacks', () => {
  const verdict = judge(server({ executed: `${A}:1-7,${C}:1-5`, role: 'replica' }), known(`${A}:1-9`));
  expect(verdict).toMatchObject({ kind: 'behind', suspect: true, missing: `${A}:8-9` });
});

test('what two histories have in common is where a stream may start', () => {
  expect(historyOf('mysql', `${A}:1-7,${B}:1-3`).common(`${A}:1-9,${C}:1`)).toBe(`${A}:1-7`);
  expect(historyOf('mariadb', '0-1-7,0-2-12,3-1-5').common('0-1-9,3-1-5,4-1-1')).toBe('0-1-7,3-1-5');
});

const judged = (role: Role, verdict: Verdict) => ({ server: server({ executed: '', role }), verdict });
const usable: Verdict = { kind: 'usable' };
const behind: Verdict = { kind: 'behind', missing: 'x', suspect: false };
const lost: Verdict = { kind: 'refused', code: 'SOURCE_LOST_TAIL', why: '', missing: '' };
const purged: Verdict = { kind: 'refused', code: 'SOURCE_PURGED', why: '', missing: '' };
const choose = (servers: ReturnType<typeof judged>[], more: Partial<Parameters<typeof pick>[1]> = {}): string => {
  const found = pick(servers, { prefer: 'listed', late: false, allAnswer: true, ...more });
  return found === undefined ? 'wait' : `${found.server.role} ${codeOf(found.verdict)}`;
};

test('among usable servers the preference decides; a stale replica comes last', () => {
  const servers = [judged('stale', usable), judged('source', usable), judged('replica', usable)];
  expect(choose(servers)).toBe('source usable');
  expect(choose(servers, { prefer: 'replica' })).toBe('replica usable');
  expect(choose([judged('replica', usable), judged('source', usable)])).toBe('replica usable');
});

test('one of the preferred kind is waited for, one of the others is not', () => {
  const servers = [judged('source', usable), judged('replica', behind)];
  expect(choose(servers, { prefer: 'replica' })).toBe('wait');
  expect(choose(servers, { prefer: 'replica', late: true })).toBe('source usable');
  expect(choose(servers)).toBe('source usable');
});

test('a promoted source without the tail is the answer at once; a purged one while another may come back is not', () => {
  expect(choose([judged('source', lost)], { allAnswer: false })).toBe('source SOURCE_LOST_TAIL');
  expect(choose([judged('source', purged)], { allAnswer: false })).toBe('wait');
  expect(choose([judged('source', purged)], { allAnswer: false, late: true })).toBe('source SOURCE_PURGED');
  expect(choose([judged('source', purged)])).toBe('source SOURCE_PURGED');
  expect(choose([judged('replica', behind)], { late: true })).toBe('wait');
});
