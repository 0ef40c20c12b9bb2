import type { BinlogStart, StatementEvent } from '@tapline/binlog';
import type { Kafka, OrderedProducer } from '@tapline/kafka';
import type { Logger } from '@tapline/kernel';
import { connect } from '@tapline/mysql';
import { type HistoryRecord, HistoryTimeline, type TableName } from '@tapline/schema';
import type { ReaderConfig } from '../config.ts';
import type { ProgressRecord } from '../progress/record.ts';
import { parseExecuted } from '../source/executed.ts';
import type { Source } from '../source/open-source.ts';
import { serverIdOf } from '../source/server-id.ts';
import { readSourceDialect, type SourceDialect } from './dialect.ts';
import { HistoryTopic } from './history-topic.ts';
import { type CatalogChange, SchemaHistory } from './schema-history.ts';
import { type StatesAt, statesAt } from './states-at.ts';

export interface OpenHistoryParts {
  readonly config: ReaderConfig;
  readonly source: Source;
  readonly kafka: Pick<Kafka, 'reader' | 'topics'>;
  readonly producer: OrderedProducer;
  /** Where the stream will go on. */
  readonly record: ProgressRecord;
  /** What the stream has passed. */
  readonly executed: () => string;
  readonly altered: (table: TableName) => void;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

/**
 * The schema history at the place of the progress record: as its topic has it, or, where there is none yet (version 0), begun with what the source's tables
 * were there.
 *
 * @throws TaplineError SCHEMA_HISTORY_LOST, SCHEMA_HISTORY_UNREADABLE, TOPIC_*, and of the source and Kafka.
 */
export async function openHistory(parts: OpenHistoryParts): Promise<SchemaHistory> {
  const { config, source, kafka, producer, record, log, signal } = parts;
  const dialect = await dialectOfSource(source, signal);
  const mayBeMissing = record.schemaVersion === 0;
  const { topic, timeline } = await HistoryTopic.open({ config, kafka, producer, mayBeMissing, signal });
  const states = { source, dialect, serverId: serverIdOf(config), signal };
  let version = record.schemaVersion;
  let current = timeline;
  if (version === 0) {
    version = timeline.newest + 1;
    const records = snapshotRecords(version, record, await statesAt(startOf(source, record), states));
    current = new HistoryTimeline();
    for (const next of records) {
      current.add(next);
      await topic.append(next);
    }
    await topic.durable();
    log.info('the schema history begins with a snapshot', { version, tables: records.length - 2 });
  }
  const view = current.at(version, dialect.catalog);
  log.info('schema history', { version, ahead: view.beyond.length });
  return new SchemaHistory({
    view,
    dialect,
    topic,
    isCaptured: (database, table) => source.filter.matches(database, table),
    statesBehind: (event, tables) => statesAt(startBehind(source, parts.executed(), event), states, tables),
    approve: () => undefined,
    altered: parts.altered,
    log,
  });
}

async function dialectOfSource(source: Source, signal: AbortSignal): Promise<SourceDialect> {
  await using connection = await connect(source.address, signal);
  return await readSourceDialect(connection, source, signal);
}

type Place = Pick<ProgressRecord, 'gtidSet' | 'file' | 'position'>;

function snapshotRecords(version: number, place: Place, { databases, states, later }: StatesAt): HistoryRecord[] {
  const { gtidSet, file, position } = place;
  return [
    { kind: 'snapshot', version, gtidSet, file, position, writtenMs: Date.now(), databases },
    ...states.map((state): HistoryRecord => ({ kind: 'table', version, state })),
    ...later.map((state): HistoryRecord => ({ kind: 'later', version, ...state })),
    { kind: 'end', version, records: states.length + later.length },
  ];
}

/** Where transactions have GTIDs, the set says it all; else the file and the position of this server. */
function startOf({ info }: Source, { gtidSet, file, position }: Place): BinlogStart {
  return info.flavor === 'mariadb' || info.gtidMode === 'ON' || file === '' ? { gtidSet } : { file, position };
}

function startBehind(source: Source, executed: string, { gtid, position }: StatementEvent): BinlogStart {
  const passed = parseExecuted(source.tracking, executed);
  if (gtid !== '') passed.add(gtid, position);
  return startOf(source, { gtidSet: passed.toString(), ...position });
}
