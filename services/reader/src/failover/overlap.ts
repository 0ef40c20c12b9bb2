import {
  type BinlogEvent,
  type BinlogPosition,
  type BinlogStream,
  GtidSet,
  MariadbPosition,
  openBinlogStream,
} from '@tapline/binlog';
import { TaplineError } from '@tapline/kernel';
import { hasReached } from '@tapline/mysql';
import { compileTableFilter } from '@tapline/schema';
import type { ReaderConfig } from '../config.ts';
import type { NewestTransaction, ProgressRecord } from '../progress/record.ts';
import { serverIdOf } from '../source/server-id.ts';
import type { ServerFacts } from './candidate.ts';

/** What stands in a server's binlog in front of the newest transaction that the reader has passed, and that it had not met before. */
export interface Overlap {
  /** They touch captured tables: read now, they would put older values over newer ones. */
  readonly errant: readonly string[];
  /** They do not. */
  readonly harmless: readonly string[];
  /** The transaction with the newest GTID is another one than was read. */
  readonly isOther: boolean;
}

interface OverlapParts {
  readonly server: ServerFacts;
  readonly record: ProgressRecord;
  readonly config: ReaderConfig;
  readonly signal: AbortSignal;
}

/**
 * What a GTID set cannot tell: whether transactions of a number are those that were read under it, and whether others stand in front of them.
 *
 * Another history. A server that was reset, and has since executed as much again, has all the numbers. So the newest transaction that was passed is read once more: the
 * moment of its first commit must be the one that was seen. On a replica of MariaDB it has another one, so there only its number counts.
 *
 * Errant transactions. A set does not tell them from what a promoted server has committed rightly: both are not in the reader's set. Their place in
 * the binlog does: rightly committed ones stand behind everything that was read, errant ones (committed on a replica while it was one) in front of
 * some of it. So the binlog is read from the newest transaction that was passed, as if that had not been: whatever comes in front of it is errant. With MySQL that is so however
 * old it is. A position of MariaDB is one place in each domain: there only what stands right in front of the newest transaction shows, in its domain.
 *
 * undefined: it cannot be told, as the server's binlog begins behind that transaction, or the record does not know it.
 *
 * @throws TaplineError as openBinlogStream does.
 */
export async function readOverlap({ server, record, config, signal }: OverlapParts): Promise<Overlap | undefined> {
  const { newest } = record;
  const gtidSet = newest && startInFrontOf(newest, record.gtidSet, server);
  if (newest === undefined || gtidSet === undefined) return undefined;
  const { lowerCaseTableNames, flavor } = server.info;
  const filter = compileTableFilter({ ...config.source, lowerCaseTableNames });
  try {
    await using stream = await openBinlogStream(
      {
        address: server.address,
        serverId: serverIdOf(config),
        flavor,
        start: { gtidSet },
        wants: (database, table) => filter.matches(database, table),
        bufferBytes: config.source.bufferBytes,
        spillFolder: config.source.spillFolder,
        heartbeatMs: config.source.heartbeatMs,
      },
      signal,
    );
    const { name: file, bytes: position } = server.newestFile;
    const found = await readUpTo(newest, stream, { file, position }, (database) => filter.mayMatchIn(database));
    const keepsTime = flavor === 'mysql' || record.serverUuid === server.uuid;
    return found && { ...found, isOther: found.isOther && keepsTime };
  } catch (error) {
    // MariaDB tells of a place that its binlog does not have when it is asked to send from there.
    if (flavor === 'mariadb' && error instanceof TaplineError && NOT_THERE.has(error.code)) return undefined;
    throw error;
  }
}

const NOT_THERE: ReadonlySet<string> = new Set(['SOURCE_PURGED', 'SOURCE_DUMP_REFUSED']);

/** Where a stream begins that meets the transaction again. */
function startInFrontOf(
  { gtid, previous = '' }: NewestTransaction,
  gtidSet: string,
  { info, purged }: ServerFacts,
): string | undefined {
  if (info.flavor === 'mysql') {
    if (GtidSet.parse(purged).contains(gtid)) return undefined;
    return GtidSet.parse(gtidSet).subtract(GtidSet.parse(gtid)).toString();
  }
  if (previous === '') return undefined;
  const position = MariadbPosition.parse(gtidSet);
  position.add(previous);
  return position.toString();
}

async function readUpTo(
  newest: NewestTransaction,
  stream: BinlogStream,
  end: BinlogPosition,
  mayMatchIn: (database: string) => boolean,
): Promise<Overlap | undefined> {
  const errant = new Set<string>();
  const harmless = new Set<string>();
  let gtid = '';
  for (;;) {
    for (const event of await stream.pull()) {
      if (event.kind === 'begin' || event.kind === 'statement') {
        gtid = event.gtid;
        if (gtid === newest.gtid) {
          const isOther = event.commitMicros !== newest.commitMicros;
          return { errant: [...errant], harmless: [...harmless].filter((one) => !errant.has(one)), isOther };
        }
        if (sameDomain(gtid, newest.gtid)) harmless.add(gtid);
      } else if (event.kind !== 'rows' && hasReached(event.position, end)) return undefined;
      if (harmless.has(gtid) && touches(event, mayMatchIn)) errant.add(gtid);
    }
  }
}

/** Transactions of different domains of MariaDB have no order among each other. */
function sameDomain(gtid: string, other: string): boolean {
  const domainOf = (text: string): string => /^(\d+)-\d+-\d+$/.exec(text)?.[1] ?? '';
  return domainOf(gtid) === domainOf(other);
}

/** A statement (DDL) touches what its default database may hold. */
function touches(event: BinlogEvent, mayMatchIn: (database: string) => boolean): boolean {
  if (event.kind === 'statement') return mayMatchIn(event.database);
  return event.kind === 'rows';
}
