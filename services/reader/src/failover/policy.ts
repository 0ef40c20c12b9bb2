import type { Kafka } from '@tapline/kafka';
import type { Logger } from '@tapline/kernel';
import { addressText } from '@tapline/mysql';
import type { LostTail, ProgressRecord } from '../progress/record.ts';
import { LOADED, type SnapshotProgress, type TableLoad, withLoads } from '../progress/snapshot-progress.ts';
import type { Tails } from '../resume/tails.ts';
import type { ServerFacts } from './candidate.ts';
import { passedWith } from './history.ts';
import { findLost, type LostRecords, type Origin } from './lost.ts';
import type { FailoverMemory } from './memory.ts';

export interface PolicyParts {
  readonly server: ServerFacts;
  readonly record: ProgressRecord;
  readonly tails: Tails;
  readonly kafka: Pick<Kafka, 'reader'>;
  readonly originOf: (value: Buffer, topic: string) => Promise<Origin | undefined>;
  readonly log: Logger;
  readonly memory: FailoverMemory;
  readonly signal: AbortSignal;
}

/** More lost records than this would not fit into a progress record one by one. */
const RETRACT_AT_MOST = 20_000;
const KEPT_REPORTS = 20;

/** Every captured table waits. */
const ALL: SnapshotProgress = { ...LOADED, state: 'running', allBut: [] };

/** Where to go on behind a lost tail. */
export interface TakenBack {
  readonly record: ProgressRecord;
  /** undefined: there is too much of it to be passed over record by record. */
  readonly tails: Tails | undefined;
}

/**
 * Finds what is lost, tells of it, and notes it in the record: from that the surviving transactions are replayed and the lost records passed over, and then the
 * rows of the tables that they changed (or of all) are published as they are on the new source, with deletes for those that are gone.
 */
export async function takeBack(parts: PolicyParts, tables: 'changed' | 'all'): Promise<TakenBack> {
  const lost = await findLost({ ...parts, history: parts.server.history });
  const report = reportOf(parts, lost);
  tell(parts, lost, report);
  const record = { ...parts.record, lost: [...(parts.record.lost ?? []), report].slice(-KEPT_REPORTS) };
  return lost.records > RETRACT_AT_MOST ? { record, tails: undefined } : behind({ ...parts, record }, lost, tables);
}

function behind({ server, record, tails }: PolicyParts, lost: LostRecords, tables: 'changed' | 'all'): TakenBack {
  const gtidSet = server.history.common(record.gtidSet);
  const loads = [...lost.tables].map((table): TableLoad => ({ table }));
  return {
    record: {
      ...onServer(record, server),
      gtidSet,
      newest: undefined,
      // Tables may have been altered by what is lost.
      schemaVersion: 0,
      ...floorOf(server, gtidSet, lost, record),
      // Rows that a load has read may show lost transactions.
      snapshot: tables === 'all' || record.snapshot.state === 'running' ? ALL : withLoads(record.snapshot, loads),
    },
    tails: { ...tails, gaps: joined(tails.gaps, lost.offsets), last: lost.last },
  };
}

/** A place in another server's files means nothing on this one. */
export function onServer(record: ProgressRecord, server: ServerFacts): ProgressRecord {
  if (record.serverUuid === server.uuid) return record;
  return { ...record, serverUuid: server.uuid, file: '', position: 0 };
}

/**
 * New versions must be above those of the lost records, but what is replayed keeps its own: so the clock is raised once the last survivor is passed.
 * Where nothing is replayed it is raised at once.
 */
function floorOf(
  { info }: ServerFacts,
  gtidSet: string,
  { survivors, version }: LostRecords,
  record: ProgressRecord,
): Pick<ProgressRecord, 'version' | 'floor'> {
  const floor = version > record.version ? version : record.version;
  if (survivors.size === 0) return { version: floor };
  return {
    version: record.version,
    floor: { version: floor, behind: passedWith(info.flavor, gtidSet, [...survivors]) },
  };
}

function reportOf({ server, record }: PolicyParts, lost: LostRecords): LostTail {
  const { history, info, uuid } = server;
  return {
    atMs: Date.now(),
    from: record.serverUuid,
    to: uuid,
    gtidSet: history.lacking(passedWith(info.flavor, record.gtidSet, [...lost.survivors, ...lost.gtids])),
    transactions: lost.gtids.size,
    records: lost.records,
    tables: [...lost.tables],
  };
}

function tell({ log, memory, server }: PolicyParts, lost: LostRecords, report: LostTail): void {
  memory.lost(report);
  log.error('transactions are lost that were published: the new source never got them', {
    ...report,
    // No load takes them back.
    outboxEvents: lost.events,
    address: addressText(server.address),
    offsets: Object.fromEntries(
      [...lost.offsets].map(([topic, partitions]) => [
        topic,
        [...partitions].map(([partition, offsets]) => `${partition}: ${offsets[0]}-${offsets.at(-1)}`),
      ]),
    ),
  });
}

function joined(gaps: Tails['gaps'], lost: LostRecords['offsets']): Tails['gaps'] {
  const all = new Map([...gaps].map(([topic, partitions]) => [topic, new Map(partitions)]));
  for (const [topic, partitions] of lost) {
    const ofTopic = all.get(topic) ?? new Map<number, readonly bigint[]>();
    all.set(topic, ofTopic);
    for (const [partition, offsets] of partitions) {
      const both = [...(ofTopic.get(partition) ?? []), ...offsets];
      ofTopic.set(
        partition,
        both.toSorted((a, b) => (a < b ? -1 : 1)),
      );
    }
  }
  return all;
}

/** The record of a source that is begun anew behind everything that was published: all tables are loaded again. */
export function begunAnew(
  fresh: ProgressRecord,
  before: ProgressRecord,
  tails: Tails,
  loads: SnapshotProgress,
): ProgressRecord {
  const versions = [...tails.last.values()].flatMap((ends) => [...ends.values()].map(({ version }) => version));
  const version = [fresh.version, before.version, ...versions].reduce((a, b) => (a > b ? a : b));
  return {
    ...fresh,
    version,
    offsets: new Map([...tails.ends, ...fresh.offsets]),
    snapshot: loads,
    lost: before.lost ?? [],
  };
}
