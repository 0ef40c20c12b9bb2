import { GtidSet, MariadbPosition } from '@tapline/binlog';
import type { ErrorCode } from '@tapline/kernel';
import { isEarlierFile } from '@tapline/mysql';
import type { ServerFacts } from './candidate.ts';
import { passedWith } from './history.ts';

/** What the reader has passed and published, against which servers are held. */
export interface Known {
  /** The progress record's. */
  readonly gtidSet: string;
  /** GTIDs that stand in the topics beyond it: the newest of each partition, the oldest first. */
  readonly published: readonly string[];
  /** Of the server that they came from. */
  readonly serverUuid: string;
  /** Its place in the binlog of that server; '' when it is not known. */
  readonly file: string;
  readonly position: number;
  /** Transactions that were lost at an earlier failover and taken back: who has them has another history. */
  readonly retracted: string;
}

/**
 * `usable`: it has everything, in its binlog too what comes next. `behind`: it lacks something, and may get it: it is no source. `suspect` then says
 * that its history has gone on without, under another server. `refused`: its history does not lead on from what was published.
 */
export type Verdict =
  | { readonly kind: 'usable' }
  | { readonly kind: 'behind'; readonly missing: string; readonly suspect: boolean }
  | { readonly kind: 'refused'; readonly code: ErrorCode; readonly why: string; readonly missing: string };

/** Holds a server against what is known. Pure. */
export function judge(server: ServerFacts, known: Known): Verdict {
  const { history, info } = server;
  // It is refused for that, with what mends it, when it is opened.
  if (!info.logBin) return { kind: 'usable' };
  let passed: string;
  try {
    passed = passedWith(info.flavor, known.gtidSet, known.published);
  } catch {
    return refused('SOURCE_OTHER_TOPOLOGY', `it is a ${info.flavor} server, what was read came from another kind`);
  }
  const missing = history.lacking(passed);
  if (missing !== '') return lacking(server, known, passed, missing);
  // It has as many again already: the numbers are the same, the transactions are not.
  if (server.uuid === known.serverUuid && begunAnew(server, known))
    return refused(
      'SOURCE_BINLOG_RESET',
      `the binlog of the same server ends in front of ${known.file}, which was read`,
    );
  // MariaDB's numbers are given again by a server that comes back.
  if (known.retracted !== '' && info.flavor === 'mysql') {
    const back = history.common(known.retracted);
    if (back !== '')
      return refused('SOURCE_ERRANT_GTIDS', `it has transactions that were lost and taken back: ${back}`, back);
  }
  const purged = purgedBehind(server, known.gtidSet);
  return purged === undefined ? { kind: 'usable' } : refused('SOURCE_PURGED', purged);
}

function lacking(server: ServerFacts, known: Known, passed: string, missing: string): Verdict {
  const { history, role, uuid } = server;
  const empty = history.toString() === '';
  const common = history.common(passed) !== '';
  if (uuid === known.serverUuid && (!common || begunAnew(server, known)))
    return refused('SOURCE_BINLOG_RESET', `the same server lacks ${missing}, and its binlog was begun anew`, missing);
  if (!common && !(empty && role !== 'source'))
    return refused('SOURCE_OTHER_TOPOLOGY', 'it has none of the transactions that were read', missing);
  if (role !== 'source') return { kind: 'behind', missing, suspect: history.hasOthersThan(passed) };
  return refused('SOURCE_LOST_TAIL', `it never got ${missing}, which was published`, missing);
}

/** Binlog files are numbered on and only grow: one that ends before the place that was reached has been begun anew. */
function begunAnew({ newestFile }: ServerFacts, { file, position }: Known): boolean {
  if (newestFile.name === file) return newestFile.bytes < position;
  return isEarlierFile(newestFile.name, file) === true;
}

function purgedBehind({ info, purged }: ServerFacts, gtidSet: string): string | undefined {
  if (info.flavor === 'mysql') {
    const gone = GtidSet.parse(purged).subtract(GtidSet.parse(gtidSet));
    return gone.isEmpty
      ? undefined
      : `its binlog files no longer hold transactions that were not read: ${gone.toString()}`;
  }
  // Whether sequence numbers of different servers can be compared is left to the server, when the stream is opened.
  const lacks = MariadbPosition.parse(gtidSet).lacks(MariadbPosition.parse(purged), false);
  return lacks ? `its binlog begins after ${purged}, the reader stands at ${gtidSet || 'no position'}` : undefined;
}

function refused(code: ErrorCode, why: string, missing = ''): Verdict {
  return { kind: 'refused', code, why, missing };
}
