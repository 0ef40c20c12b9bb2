import { type Logger, sleep, TaplineError } from '@tapline/kernel';
import { addressText } from '@tapline/mysql';
import type { ReaderConfig } from '../config.ts';
import type { ProgressRecord } from '../progress/record.ts';
import type { Tails } from '../resume/tails.ts';
import { type Candidate, hostsOf, probe, type Role, type ServerFacts, serverText } from './candidate.ts';
import { verdictByFile } from './file.ts';
import { judge, type Known, type Verdict } from './judge.ts';
import type { FailoverMemory } from './memory.ts';

/** A verdict that policy answers. */
export type Refused = Extract<Verdict, { kind: 'refused' }>;

/** A server, held against what was published. */
export interface Judged {
  readonly server: ServerFacts;
  readonly verdict: Verdict;
}

/** `usable`, or the best of those that are not, which a policy may still make something of. */
export interface Choice extends Judged {
  readonly verdict: Exclude<Verdict, { kind: 'behind' }>;
}

interface ChooseParts {
  readonly config: ReaderConfig;
  readonly log: Logger;
  readonly memory: Pick<FailoverMemory, 'looked'>;
  /** None at the first start. */
  readonly record: ProgressRecord | undefined;
  readonly tails: Tails | undefined;
  /** Servers found to be errant, by uuid, with what is wrong. */
  readonly errant?: ReadonlyMap<string, Refused>;
  readonly signal: AbortSignal;
}

const POLL_MS = 250;

/**
 * Which server to read from: one that has everything that was published, by preference.
 *
 * A server that lacks something is waited for (`lagTimeoutMs`) while it may still get it, which only a source cannot; so is one of the preferred kind, and,
 * when what is left is refused, one that does not answer. In the end a refused server is given back with its verdict: what becomes of it is policy.
 *
 * @throws TaplineError SOURCE_UNREACHABLE when none answers, SOURCE_BEHIND when all that answer lag; both are tried again. What a single server says by itself.
 */
export async function chooseServer(parts: ChooseParts): Promise<Choice> {
  const { config, memory, signal } = parts;
  const hosts = hostsOf(config);
  const { prefer, lagTimeoutMs } = config.source.failover;
  const known = parts.record === undefined ? undefined : knownOf(parts.record, parts.tails);
  for (const endMs = Date.now() + lagTimeoutMs; ; await sleep(POLL_MS, signal)) {
    const candidates = await Promise.all(hosts.map((host) => probe(host, signal)));
    const late = Date.now() >= endMs;
    const judged = candidates.flatMap(({ server }) =>
      server === undefined
        ? []
        : [{ server, verdict: parts.errant?.get(server.uuid) ?? verdictOf(server, parts.record, known, late) }],
    );
    memory.looked(tableOf(candidates, judged));
    if (judged.length === 0) throw noneAnswers(candidates);
    const choice = pick(judged, { prefer, late, allAnswer: judged.length === candidates.length });
    if (choice !== undefined) return choice;
    if (late) throw allBehind(judged);
  }
}

export function knownOf(record: ProgressRecord, tails: Tails | undefined): Known {
  const ends = [...(tails?.last.values() ?? [])].flatMap((partitions) => [...partitions.values()]);
  ends.sort((a, b) => (a.version < b.version ? -1 : 1));
  return {
    gtidSet: record.gtidSet,
    published: ends.flatMap(({ gtid }) => (gtid === undefined ? [] : [gtid])),
    serverUuid: record.serverUuid,
    file: record.file,
    position: record.position,
    retracted: (record.lost ?? []).map(({ gtidSet }) => gtidSet).join(','),
  };
}

function verdictOf(
  server: ServerFacts,
  record: ProgressRecord | undefined,
  known: Known | undefined,
  late: boolean,
): Verdict {
  if (record === undefined || known === undefined) return { kind: 'usable' };
  if (record.by === 'file') return verdictByFile(server, record, late);
  const verdict = judge(server, known);
  // Its history went on under another server, and it has waited long enough: what it lacks was lost above it.
  if (verdict.kind === 'behind' && verdict.suspect && late) {
    const why = `it follows a history that has gone on without ${verdict.missing}`;
    return { kind: 'refused', code: 'SOURCE_LOST_TAIL', why, missing: verdict.missing };
  }
  return verdict;
}

/** A place in the list counts after this: from a stale replica nothing comes. */
const RANKS: Readonly<Record<'listed' | 'replica' | 'source', Readonly<Record<Role, number>>>> = {
  listed: { source: 0, replica: 0, idle: 1, stale: 2 },
  replica: { replica: 0, source: 1, idle: 2, stale: 3 },
  source: { source: 0, replica: 1, idle: 2, stale: 3 },
};

interface PickOptions {
  readonly prefer: 'listed' | 'replica' | 'source';
  /** The time for waiting is over. */
  readonly late: boolean;
  readonly allAnswer: boolean;
}

/** Undefined: it is better to wait. Pure. */
export function pick(judged: readonly Judged[], { prefer, late, allAnswer }: PickOptions): Choice | undefined {
  const rank = ({ server }: Judged): number => RANKS[prefer][server.role];
  const best = (kind: Verdict['kind']): Judged | undefined =>
    judged.filter(({ verdict }) => verdict.kind === kind).toSorted((a, b) => rank(a) - rank(b))[0];
  const usable = best('usable');
  const behind = best('behind');
  const refused = best('refused');
  if (usable !== undefined) {
    const worthWaiting = prefer !== 'listed' && behind !== undefined && rank(behind) === 0 && rank(usable) > 0;
    return worthWaiting && !late ? undefined : (usable as Choice);
  }
  if (refused === undefined) return undefined;
  // A promoted source that lacks something will never get it; but a server that has it may come back, or catch up.
  const mayChange = behind !== undefined || (!allAnswer && (refused as Choice).verdict.kind === 'refused');
  if (mayChange && !late && !isLost(refused)) return undefined;
  return refused as Choice;
}

function isLost({ verdict }: Judged): boolean {
  return verdict.kind === 'refused' && verdict.code === 'SOURCE_LOST_TAIL';
}

function tableOf(candidates: readonly Candidate[], judged: readonly Judged[]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    candidates.map(({ address, error, server }) => {
      const verdict = judged.find((one) => one.server === server)?.verdict;
      return [addressText(address), error === undefined ? `${server.role}: ${verdictText(verdict)}` : error.code];
    }),
  );
}

function verdictText(verdict: Verdict | undefined): string {
  if (verdict === undefined || verdict.kind === 'usable') return 'has everything';
  return verdict.kind === 'behind' ? `lacks ${verdict.missing} yet` : `${verdict.code}: ${verdict.why}`;
}

/** What a refused server is refused for. */
export function refusal({ server }: Judged, { code, why }: Refused): TaplineError {
  return new TaplineError(code, {
    message: `The history of ${serverText(server)} does not lead on from what was published: ${why}.`,
    place: { address: addressText(server.address) },
  });
}

function noneAnswers(candidates: readonly Candidate[]): TaplineError {
  const errors = candidates.flatMap(({ error }) => (error === undefined ? [] : [error]));
  const [first] = errors;
  if (first !== undefined && errors.every(({ code }) => code === first.code || candidates.length === 1)) {
    if (candidates.length === 1 || first.disposition !== 'retryable') return first;
  }
  return new TaplineError('SOURCE_UNREACHABLE', {
    message: `None of the source's servers can be read from: ${errors.map(({ message }) => message).join('; ')}`,
    place: { address: candidates.map(({ address }) => addressText(address)).join(', ') },
    remedy:
      'Check `source.hosts`, the network, and that one of the servers runs. The reader goes on by itself when one answers.',
    cause: first,
  });
}

function allBehind(judged: readonly Judged[]): TaplineError {
  const texts = judged.map(({ server, verdict }) => `${addressText(server.address)} ${verdictText(verdict)}`);
  return new TaplineError('SOURCE_BEHIND', {
    message: `Every server that answers lacks transactions that were published: ${texts.join('; ')}`,
    place: { address: judged.map(({ server }) => addressText(server.address)).join(', ') },
  });
}
