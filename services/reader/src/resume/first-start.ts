import type { Kafka } from '@tapline/kafka';
import { type Logger, sleep, TaplineError } from '@tapline/kernel';
import { addressText, connect, type MysqlAddress, readBinlogEnd, readGtids, readPreparedXa } from '@tapline/mysql';
import type { ReaderConfig } from '../config.ts';
import type { ProgressRecord } from '../progress/record.ts';
import { keyFormatOf } from '../publish/format.ts';
import { topicOf } from '../publish/routes.ts';
import type { Source } from '../source/open-source.ts';

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
  log.info('first start: there is no progress yet', { gtidSet: position.gtidSet, snapshot: config.snapshot.mode });
  const topics = source.tables.map((table) => topicOf(config.name, table));
  const offsets = await kafka.reader.endOffsetsOf(topics, signal);
  return {
    ...position,
    serverUuid: source.info.serverUuid ?? String(source.info.serverId),
    schemaVersion: 0,
    keyFormat: keyFormatOf(config),
    version: (BigInt(Date.now()) * 1000n) << 10n,
    offsets,
    snapshot: {
      state: config.snapshot.mode === 'initial' ? 'running' : 'done',
      finished: [],
      publishing: false,
      published: [],
    },
    writtenMs: Date.now(),
  };
}

/** Between what is executed and what is prepared: a transaction counts as executed a moment before its session has noted that it is prepared. */
const PREPARE_MS = 100;
const SHOWN_XIDS = 5;

type StartPosition = Pick<ProgressRecord, 'gtidSet' | 'file' | 'position' | 'xaFrom'>;

async function startPosition(config: ReaderConfig, source: Source, signal: AbortSignal): Promise<StartPosition> {
  await using connection = await connect(source.address, signal);
  const { executed, purged } = await readGtids(connection, signal);
  const end = await readBinlogEnd(connection, signal);
  await sleep(PREPARE_MS, signal);
  const prepared = await readPreparedXa(connection, signal);
  // After it was seen that nothing is prepared: what is prepared later, the stream sees. What was committed before, the first load sees.
  const later = await readGtids(connection, signal);
  const from = config.snapshot.mode === 'initial' ? '' : later.executed;
  const xaFrom = prepared?.length === 0 ? from : null;
  if (config.start.gtidSet !== '') return { gtidSet: config.start.gtidSet, file: '', position: 0, xaFrom };
  if (config.start.from === 'earliest') return { gtidSet: purged, file: '', position: 0, xaFrom };
  refusePrepared(prepared ?? [], source.address);
  return { gtidSet: executed, ...end, xaFrom };
}

/** @throws TaplineError SOURCE_XA_PREPARED, after which the reader tries again. */
function refusePrepared(prepared: readonly string[], address: MysqlAddress): void {
  if (prepared.length === 0) return;
  const shown = prepared.slice(0, SHOWN_XIDS).join('; ');
  throw new TaplineError('SOURCE_XA_PREPARED', {
    message: `${prepared.length} XA transactions are prepared and undecided: ${shown}${prepared.length > SHOWN_XIDS ? '; …' : ''}`,
    place: { address: addressText(address) },
  });
}
