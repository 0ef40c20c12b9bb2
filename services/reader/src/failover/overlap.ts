import { type BinlogEvent, GtidSet, openBinlogStream } from '@tapline/binlog';
import { compileTableFilter } from '@tapline/schema';
import type { ReaderConfig } from '../config.ts';
import type { ProgressRecord } from '../progress/record.ts';
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
 * Errant transactions. A GTID set alone does not tell them from what a promoted server has committed rightly: both are not in the reader's set. Their place in
 * the binlog does: rightly committed ones stand behind everything that was read, errant ones (committed on a replica while it was one) in front of
 * some of it. So the binlog is read from the newest transaction that was passed, as if that had not been: whatever comes in front of it is errant, however old it is.
 * The newest transaction itself proves that the two histories are one: its GTID and the moment of its first commit are those that were read.
 *
 * undefined: it cannot be told, as the server's binlog begins behind that transaction, or the record does not know it.
 */
export async function readOverlap({ server, record, config, signal }: OverlapParts): Promise<Overlap | undefined> {
  const { newest } = record;
  if (newest === undefined || GtidSet.parse(server.purged).contains(newest.gtid)) return undefined;
  const before = GtidSet.parse(record.gtidSet).subtract(GtidSet.parse(newest.gtid));
  const { lowerCaseTableNames } = server.info;
  const filter = compileTableFilter({ ...config.source, lowerCaseTableNames });
  await using stream = await openBinlogStream(
    {
      address: server.address,
      serverId: serverIdOf(config),
      flavor: 'mysql',
      start: { gtidSet: before.toString() },
      wants: (database, table) => filter.matches(database, table),
      bufferBytes: config.source.bufferBytes,
      spillFolder: config.source.spillFolder,
      heartbeatMs: config.source.heartbeatMs,
    },
    signal,
  );
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
        harmless.add(gtid);
      }
      if (touches(event, (database) => filter.mayMatchIn(database))) errant.add(gtid);
    }
  }
}

/** A statement (DDL) touches what its default database may hold. */
function touches(event: BinlogEvent, mayMatchIn: (database: string) => boolean): boolean {
  if (event.kind === 'statement') return mayMatchIn(event.database);
  return event.kind === 'rows';
}
