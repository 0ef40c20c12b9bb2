import { kafkaConfigOf, openKafka } from '@tapline/kafka';
import { type Logger, TaplineError } from '@tapline/kernel';
import { addressText, type MysqlAddress } from '@tapline/mysql';
import { tableKey, tableOfState } from '@tapline/schema';
import type { ReaderConfig } from '../config.ts';
import { chooseServer, refusal } from '../failover/choose.ts';
import { readProgress } from '../progress/read-progress.ts';
import type { ProgressRecord } from '../progress/record.ts';
import { topicChoice } from '../shape/topics.ts';
import { startOf } from '../source/executed.ts';
import { openSource, type Source } from '../source/open-source.ts';
import { serverIdOf } from '../source/server-id.ts';
import { HistoryTopic } from './history-topic.ts';
import { dialectOfSource, recordedPlace, snapshotRecords } from './open-history.ts';
import { type StatesAt, statesAt } from './states-at.ts';

/** What a rebuilt history holds. */
export interface Rebuilt {
  readonly version: number;
  readonly tables: number;
  /** Captured tables whose form at the place is not known, `database.table`. */
  readonly unknown: readonly string[];
}

/**
 * Makes the schema history anew for the place of the newest progress record, from the source's tables as they are now and the statements in its binlog since.
 * No reader of the source may run.
 *
 * @param partly also when captured tables were altered since the place: rows of theirs from before that can be read only where the binlog names their columns.
 * @throws TaplineError SCHEMA_REBUILD_INEXACT when it cannot be exact; of the source and Kafka.
 */
export async function rebuildHistory(
  config: ReaderConfig,
  { partly, log, signal }: { readonly partly: boolean; readonly log: Logger; readonly signal: AbortSignal },
): Promise<Rebuilt> {
  await using kafka = openKafka(kafkaConfigOf(config.kafka, `tapline-schema-${config.name}`), { logger: log });
  const record = await readProgress(config, kafka, signal);
  if (record === undefined) {
    throw new TaplineError('SCHEMA_REBUILD_INEXACT', {
      message: `The reader ${config.name} has no progress yet, so there is no place for which a history could be made.`,
      remedy: 'Start the reader: it begins its history by itself.',
    });
  }
  const address = await serverOf(record, { config, log, signal });
  const source = await openSource(address, config, { isTail: false, log, signal });
  const dialect = await dialectOfSource(source, signal);
  const found = await statesAt(startOf(record), { source, dialect, serverId: serverIdOf(config), signal });
  const unknown = found.states
    .filter(({ database, name, unread }) => unread !== undefined && source.filter.matches(database, name))
    .map(({ database, name }) => `${database}.${name}`);
  if (unknown.length > 0 && !partly) throw inexact(unknown);
  await using producer = kafka.producer(config.kafka);
  const { topic, timeline } = await HistoryTopic.open({ config, kafka, producer, mayBeMissing: true, signal });
  const version = Math.max(timeline.newest, record.schemaVersion) + 1;
  const { lowerCaseTableNames } = source.info;
  const begin = {
    kind: 'snapshot',
    version,
    replaces: record.schemaVersion,
    ...recordedPlace(record),
    lowerCaseTableNames,
  } as const;
  await topic.appendAll(
    snapshotRecords(begin, found, new Map([...usedTopics(config.name, source, found, record), ...timeline.topics])),
  );
  return { version, tables: found.states.length, unknown };
}

/** A server that has all that the reader has passed: its place in files is one on the server that it has read from only. */
async function serverOf(
  record: ProgressRecord,
  parts: { readonly config: ReaderConfig; readonly log: Logger; readonly signal: AbortSignal },
): Promise<MysqlAddress> {
  const memory = { looked: (): void => undefined };
  const { server, verdict } = await chooseServer({ ...parts, memory, record, tails: undefined });
  if (verdict.kind === 'refused') throw refusal({ server, verdict }, verdict);
  if (record.by === 'gtid' || server.uuid === record.serverUuid) return server.address;
  throw new TaplineError('SCHEMA_REBUILD_INEXACT', {
    message: `The reader has read from another server than ${addressText(server.address)}, and without GTIDs its place means nothing here.`,
    place: { address: addressText(server.address) },
    remedy: 'Rebuild it from the server that was read from; or start the reader over with a new load.',
  });
}

/** Where the history does not tell any more which of its topics a table has come to, the topics of the progress record do. */
function usedTopics(
  name: string,
  { shape }: Source,
  { states }: StatesAt,
  { offsets }: ProgressRecord,
): [string, number][] {
  return states.flatMap((state): [string, number][] => {
    if (state.unread !== undefined) return [];
    const first = topicChoice(name, state, shape.of(tableOfState(state))).topic;
    let number = 1;
    while (offsets.has(`${first}.v${number + 1}`)) number++;
    return number === 1 ? [] : [[tableKey(state), number]];
  });
}

function inexact(tables: readonly string[]): TaplineError {
  return new TaplineError('SCHEMA_REBUILD_INEXACT', {
    message: `These captured tables were altered between the reader's place and now: ${tables.join(', ')}. What they were at that place, the source does not tell any more.`,
  });
}
