import type { Kafka } from '@tapline/kafka';
import { type Logger, TaplineError } from '@tapline/kernel';
import { addressText } from '@tapline/mysql';
import type { ReaderConfig } from '../config.ts';
import type { LostTail, ProgressRecord } from '../progress/record.ts';
import type { Tails } from '../resume/tails.ts';
import type { AnchorStart } from './anchor.ts';
import type { ServerFacts } from './candidate.ts';
import { type Choice, chooseServer, type Refused, refusal } from './choose.ts';
import { commitOrderFinding } from './commit-order.ts';
import { judgeByFile } from './file.ts';
import type { Origin } from './lost.ts';
import type { FailoverMemory } from './memory.ts';
import { type Overlap, readOverlap } from './overlap.ts';
import { onServer, takeBack } from './policy.ts';

/** A server to read from, and the record to go on from there. */
export interface Settled {
  readonly address: Choice['server']['address'];
  /** None at the first start. */
  readonly record: ProgressRecord | undefined;
  /** What the record and the topics say together, where that is not what it was. */
  readonly tails?: Tails | undefined;
  /** The source is to be begun anew: what its first record is made with. */
  readonly anew?: { readonly before: ProgressRecord; readonly tails: Tails };
  /** The record goes on at an anchor, in front of what is published. */
  readonly replay?: AnchorStart;
  /** What was lost and is taken back. */
  readonly lost?: LostTail | undefined;
}

interface SettleParts {
  readonly config: ReaderConfig;
  readonly log: Logger;
  readonly memory: FailoverMemory;
  readonly record: ProgressRecord | undefined;
  readonly tails: Tails | undefined;
  readonly kafka: Pick<Kafka, 'reader'>;
  readonly originOf: (value: Buffer, topic: string) => Promise<Origin | undefined>;
  readonly signal: AbortSignal;
}

/**
 * Chooses the server and answers what is in the way by policy.
 *
 * @throws TaplineError as chooseServer does; SOURCE_LOST_TAIL, SOURCE_PURGED, SOURCE_BINLOG_RESET, SOURCE_ERRANT_GTIDS, SOURCE_OTHER_TOPOLOGY where policy is to fail.
 */
export async function settleOnServer(parts: SettleParts): Promise<Settled> {
  const choice = await chooseProven(parts);
  const { server, verdict } = choice;
  if (parts.record !== undefined && parts.record.serverUuid !== server.uuid) await tellOfOrder(server, parts);
  if (verdict.kind === 'refused') return await byPolicy(parts, choice, verdict);
  const { record } = parts;
  const { logBin, gtidMode } = server.info;
  if (record !== undefined && logBin && (record.by === 'file' || gtidMode === 'OFF'))
    return await settleByFile({ ...parts, record }, server);
  parts.memory.chose(server, parts.record);
  return { address: server.address, record: parts.record && onServer(parts.record, server), tails: parts.tails };
}

/** What a replica has committed in another order than its source did, a replay may not recognise. */
async function tellOfOrder({ address, info }: ServerFacts, { log, signal }: SettleParts): Promise<void> {
  if (info.flavor === 'mariadb') return;
  const finding = await commitOrderFinding(address, signal);
  if (finding !== undefined) log.warn(finding.seen, { check: finding.check, mend: finding.mend });
}

/** By places in files and anchors. */
async function settleByFile(
  parts: SettleParts & { readonly record: ProgressRecord },
  server: ServerFacts,
): Promise<Settled> {
  const { config, log, memory, record, tails } = parts;
  const { policy, lostTail } = config.source.failover;
  const { address } = server;
  const judged = await judgeByFile(server, record, parts);
  memory.chose(server, record);
  // That the tail is lost shows only while it is looked for, so the session before found it. Which rows it changed, nothing says without GTIDs.
  const lost = memory.takeLost(server);
  if (judged.verdict === 'usable' && (judged.replay === undefined || lost === undefined))
    return { address, tails, ...judged };
  const [error, answer] =
    judged.verdict === 'refused' ? [judged.error, policy] : [withoutRetract(lost as TaplineError, lostTail), lostTail];
  if (answer !== 'resnapshot' || tails === undefined || NEVER_ANEW.has(error.code)) throw memory.refused(error);
  tellAnew(log, error.code, error.message, server);
  return { address, record: undefined, anew: { before: record, tails } };
}

function withoutRetract(lost: TaplineError, lostTail: string): TaplineError {
  if (lostTail !== 'retract') return lost;
  const { message, place } = lost;
  return new TaplineError('SOURCE_LOST_TAIL', {
    message,
    place,
    remedy:
      'Without GTIDs nothing says which rows the lost transactions changed, so they cannot be retracted: set source.failover.lostTail to resnapshot, which loads all tables again; or bring back the old source.',
    cause: lost,
  });
}

function tellAnew(log: Logger, code: string, reason: string, { address }: ServerFacts): void {
  log.warn('all tables are loaded again: the binlog does not lead on from what was published', {
    code,
    reason,
    address: addressText(address),
  });
}

/** A choice whose binlog has been read where it overlaps with what was passed. Where that refuses one, there may be another. */
async function chooseProven(parts: SettleParts): Promise<Choice> {
  const { record, config, log, signal } = parts;
  const errant = new Map<string, Refused>();
  for (;;) {
    const choice = await chooseServer({ ...parts, errant });
    const { server, verdict } = choice;
    const { logBin, flavor, gtidMode } = server.info;
    if (verdict.kind !== 'usable' || record?.by !== 'gtid' || !logBin) return choice;
    if (flavor === 'mysql' && gtidMode !== 'ON') return choice;
    const overlap = await readOverlap({ server, record, config, signal });
    const isNew = record.serverUuid !== server.uuid;
    if (isNew && overlap !== undefined && overlap.harmless.length > 0)
      log.warn('the new source has transactions of its own from before the failover; they touch no captured table', {
        gtids: overlap.harmless.slice(0, SHOWN),
        transactions: overlap.harmless.length,
      });
    const newest = record.newest?.gtid ?? '';
    const refused = overlap && (isNew ? refusedBy(overlap, newest) : resetBy(overlap, newest));
    if (refused === undefined) return choice;
    errant.set(server.uuid, refused);
  }
}

const SHOWN = 10;

/** Of the same server: in front of what was read there is nothing that was not. */
function resetBy({ isOther }: Overlap, newest: string): Refused | undefined {
  if (!isOther) return undefined;
  const why = `the binlog of the same server was begun anew: its transaction ${newest} is another one than was read under that number`;
  return { kind: 'refused', code: 'SOURCE_BINLOG_RESET', why, missing: '' };
}

function refusedBy({ errant, isOther }: Overlap, newest: string): Refused | undefined {
  if (isOther) {
    const why = `its transaction ${newest} is another one than was read under that number`;
    return { kind: 'refused', code: 'SOURCE_OTHER_TOPOLOGY', why, missing: '' };
  }
  if (errant.length === 0) return undefined;
  const shown = `${errant.slice(0, SHOWN).join(', ')}${errant.length > SHOWN ? ', …' : ''}`;
  const why = `${errant.length} transactions on captured tables stand in its binlog in front of what was read: ${shown}`;
  return { kind: 'refused', code: 'SOURCE_ERRANT_GTIDS', why, missing: '' };
}

/** The tables of another topology would be published over those of this one, and GTIDs are not given up by accident: no policy says that. */
const NEVER_ANEW: ReadonlySet<string> = new Set(['SOURCE_OTHER_TOPOLOGY', 'SOURCE_GTID_OFF']);

async function byPolicy(parts: SettleParts, choice: Choice, verdict: Refused): Promise<Settled> {
  const { config, log, memory, record, tails } = parts;
  const { server } = choice;
  const { policy, lostTail } = config.source.failover;
  const answer = verdict.code === 'SOURCE_LOST_TAIL' ? lostTail : policy;
  if (record === undefined || tails === undefined || answer === 'fail' || NEVER_ANEW.has(verdict.code))
    throw memory.refused(refusal(choice, verdict));
  const { address } = server;
  memory.chose(server, record);
  let before = record;
  let lost: LostTail | undefined;
  if (verdict.code === 'SOURCE_LOST_TAIL') {
    const taken = await takeBack({ ...parts, server, record, tails }, answer === 'retract' ? 'changed' : 'all');
    lost = taken.record.lost?.at(-1);
    if (taken.tails !== undefined) return { address, record: taken.record, tails: taken.tails, lost };
    before = taken.record;
  }
  tellAnew(log, verdict.code, verdict.why, server);
  return { address, record: undefined, anew: { before: acceptedAs(before, server), tails }, lost };
}

/** Begun anew from a server that has transactions which were taken back once: they are no reason any more to refuse it. */
function acceptedAs(record: ProgressRecord, { history, info }: ServerFacts): ProgressRecord {
  if (info.flavor === 'mariadb' || record.lost === undefined) return record;
  return { ...record, lost: record.lost.filter(({ gtidSet }) => history.common(gtidSet) === '') };
}
