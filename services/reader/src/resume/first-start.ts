import type { Kafka } from '@tapline/kafka';
import { type Logger, sleep, TaplineError } from '@tapline/kernel';
import {
  addressText,
  connect,
  type MysqlAddress,
  type MysqlConnection,
  readBinlogEnd,
  readBinlogFiles,
  readOldestPosition,
  readPreparedXa,
} from '@tapline/mysql';
import type { ReaderConfig } from '../config.ts';
import type { ProgressRecord } from '../progress/record.ts';
import { LOADED, loadOf } from '../progress/snapshot-progress.ts';
import { keyFormatOf } from '../publish/format.ts';
import { topicSpecs } from '../publish/topic-opener.ts';
import { tableName } from '../snapshot/mysql-source.ts';
import { readExecuted } from '../source/executed.ts';
import type { Source } from '../source/open-source.ts';
import { replayConfigOf } from './replay-config.ts';

/**
 * The progress record of a reader that has none: where the stream starts, and where the topics end now.
 *
 * Versions start from the clock, so they are above those of any earlier life of this source whose progress was lost.
 */
export async function firstStart(parts: {
  config: ReaderConfig;
  source: Source;
  kafka: Kafka;
  log: Logger;
  signal: AbortSignal;
}): Promise<ProgressRecord> {
  const { config, source, kafka, log, signal } = parts;
  const position = await startPosition(config, source, signal);
  log.info('first start: there is no progress yet', {
    gtidSet: position.startAfter || position.gtidSet,
    snapshot: config.snapshot.mode,
  });
  const wanted = topicSpecs(config, source).map(({ topic }) => topic);
  // Those that are still to be made are opened when the first rows of their tables come.
  const topics = await kafka.topics.existing(wanted, signal);
  const offsets = await kafka.reader.endOffsetsOf(topics, signal);
  return {
    ...position,
    serverUuid: source.info.serverUuid ?? String(source.info.serverId),
    schemaVersion: 0,
    keyFormat: keyFormatOf(config),
    replay: replayConfigOf(config),
    version: (BigInt(Date.now()) * 1000n) << 10n,
    offsets,
    snapshot: config.snapshot.mode === 'initial' ? loadOf(source.tables.map(tableName)) : LOADED,
    anchors: [],
    writtenMs: Date.now(),
  };
}

/** Between what is executed and what is prepared: a transaction counts as executed a moment before its session has noted that it is prepared. */
const PREPARE_MS = 100;
/** How long prepared transactions are waited for before it is told that they are. */
const DECIDE_MS = 2000;
const POLL_MS = 100;
const SHOWN_XIDS = 5;
/** Behind the four bytes that every binlog file begins with. */
const FIRST_EVENT = 4;

type StartPosition = Pick<ProgressRecord, 'by' | 'gtidSet' | 'file' | 'position' | 'startAfter' | 'xaFrom'>;

async function startPosition(config: ReaderConfig, source: Source, signal: AbortSignal): Promise<StartPosition> {
  await using connection = await connect(source.address, signal);
  const { tracking } = source;
  const by = tracking === 'file' ? 'file' : 'gtid';
  const executed = by === 'file' ? '' : await readExecuted(connection, tracking, signal);
  const end = await readBinlogEnd(connection, signal);
  await sleep(PREPARE_MS, signal);
  const prepared = await readPreparedXa(connection, signal);
  const { gtidSet, from } = config.start;
  if (gtidSet === '' && from === 'latest') {
    await untilDecided(connection, prepared ?? [], source.address, signal);
    const startAfter = await readExecuted(connection, tracking, signal);
    return { by, gtidSet: executed, ...end, startAfter, xaFrom: prepared === undefined ? null : '' };
  }
  // The start lies in the past: what was prepared before it may be decided behind it, up to now. The first load has what was committed.
  const known = config.snapshot.mode === 'initial' ? '' : await readExecuted(connection, tracking, signal);
  const xaFrom = prepared?.length === 0 ? known : null;
  if (by === 'file') {
    if (gtidSet !== '') throw withoutGtids(gtidSet, source.address);
    const [oldest] = await readBinlogFiles(connection, signal);
    return { by, gtidSet: '', file: oldest?.name ?? '', position: FIRST_EVENT, startAfter: '', xaFrom };
  }
  const start = gtidSet === '' ? await readOldestPosition(connection, signal) : gtidSet;
  return { by, gtidSet: start, file: '', position: 0, startAfter: '', xaFrom };
}

/**
 * What is prepared where the stream begins must be decided before anything counts: nobody would have its rows else. What is prepared meanwhile, the stream
 * sees. So the reader's start is what is executed then, and the stream begins earlier, only to see what is prepared there (`startAfter`).
 *
 * @throws TaplineError SOURCE_XA_PREPARED, after which the reader tries again.
 */
async function untilDecided(
  connection: MysqlConnection,
  prepared: readonly string[],
  address: MysqlAddress,
  signal: AbortSignal,
): Promise<void> {
  let open = prepared;
  for (const endMs = Date.now() + DECIDE_MS; open.length > 0; ) {
    if (Date.now() > endMs) {
      const shown = open.slice(0, SHOWN_XIDS).join('; ');
      throw new TaplineError('SOURCE_XA_PREPARED', {
        message: `${open.length} XA transactions are prepared and undecided: ${shown}${open.length > SHOWN_XIDS ? '; …' : ''}`,
        place: { address: addressText(address) },
      });
    }
    await sleep(POLL_MS, signal);
    const now = new Set(await readPreparedXa(connection, signal));
    open = open.filter((xid) => now.has(xid));
  }
}

function withoutGtids(gtidSet: string, address: MysqlAddress): TaplineError {
  return new TaplineError('SOURCE_GTID_OFF', {
    message: `start.gtidSet is ${gtidSet}, and the source numbers no transactions.`,
    place: { address: addressText(address) },
    remedy: 'Remove start.gtidSet, or turn GTIDs on at the source.',
  });
}
