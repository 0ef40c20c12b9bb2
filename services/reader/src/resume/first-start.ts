import type { Kafka } from '@tapline/kafka';
import type { Logger } from '@tapline/kernel';
import { connect, readBinlogEnd, readGtids } from '@tapline/mysql';
import type { ReaderConfig } from '../config.ts';
import type { ProgressRecord } from '../progress/record.ts';
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
  const offsets = new Map<string, readonly bigint[]>();
  for (const table of source.tables) {
    const topic = topicOf(config.name, table);
    offsets.set(topic, await kafka.reader.endOffsets(topic, signal));
  }
  return {
    ...position,
    serverUuid: source.info.serverUuid ?? String(source.info.serverId),
    schemaVersion: 0,
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

async function startPosition(
  config: ReaderConfig,
  source: Source,
  signal: AbortSignal,
): Promise<Pick<ProgressRecord, 'gtidSet' | 'file' | 'position'>> {
  await using connection = await connect(source.address, signal);
  const { executed, purged } = await readGtids(connection, signal);
  const end = await readBinlogEnd(connection, signal);
  if (config.start.gtidSet !== '') return { gtidSet: config.start.gtidSet, file: '', position: 0 };
  if (config.start.from === 'earliest') return { gtidSet: purged, file: '', position: 0 };
  return { gtidSet: executed, ...end };
}
