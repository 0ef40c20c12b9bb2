import type { BinlogStart, StatementEvent } from '@tapline/binlog';
import type { Kafka, OrderedProducer } from '@tapline/kafka';
import { type Logger, TaplineError } from '@tapline/kernel';
import { connect } from '@tapline/mysql';
import {
  type Barrier,
  type HistoryRecord,
  HistoryTimeline,
  type HistoryView,
  type SnapshotBegin,
  type StateChange,
  type TableName,
  type TableState,
  tableKey,
} from '@tapline/schema';
import type { ReaderConfig } from '../config.ts';
import type { ProgressRecord } from '../progress/record.ts';
import { executedOf, parseExecuted, readExecuted, startOf } from '../source/executed.ts';
import type { Source } from '../source/open-source.ts';
import { serverIdOf } from '../source/server-id.ts';
import { readSourceDialect, type SourceDialect } from './dialect.ts';
import type { FormChange, FormVerdict } from './form-change.ts';
import { HistoryTopic } from './history-topic.ts';
import { SchemaHistory } from './schema-history.ts';
import { type StatesAt, statesAt } from './states-at.ts';

export interface OpenHistoryParts {
  readonly config: ReaderConfig;
  readonly source: Source;
  readonly kafka: Pick<Kafka, 'reader' | 'topics'>;
  readonly producer: OrderedProducer;
  /** Where the stream will go on. */
  readonly record: ProgressRecord;
  /** Nothing was published yet. */
  readonly isFirst: boolean;
  /** What the stream has passed. */
  readonly executed: () => string;
  readonly altered: (table: TableName) => void;
  readonly approve: (change: FormChange) => FormVerdict;
  readonly barrierOf: (changes: readonly StateChange[]) => Barrier;
  readonly isPassedOver: (sql: string) => boolean;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

export interface OpenedHistory {
  readonly history: SchemaHistory;
  /**
   * As in the progress record. Of a reader that begins with what is committed from now on, everything that the source had executed when the history was
   * begun: whatever tables were altered meanwhile, behind it each is known.
   */
  readonly startAfter: string;
}

/**
 * The schema history at the place of the progress record: as its topic has it, or, where there is none yet (version 0), begun with what the source's tables
 * were there.
 *
 * @throws TaplineError SCHEMA_HISTORY_LOST, SCHEMA_HISTORY_UNREADABLE, TOPIC_*, and of the source and Kafka.
 */
export async function openHistory(parts: OpenHistoryParts): Promise<OpenedHistory> {
  const { config, source, kafka, producer, record, log, signal } = parts;
  const dialect = await dialectOfSource(source, signal);
  const mayBeMissing = record.schemaVersion === 0;
  const { topic, timeline } = await HistoryTopic.open({ config, kafka, producer, mayBeMissing, signal });
  const states = { source, dialect, serverId: serverIdOf(config), signal };
  let { startAfter } = record;
  let version = record.schemaVersion;
  let current = timeline;
  if (version === 0) {
    version = timeline.newest + 1;
    const records = snapshotRecords(
      { kind: 'snapshot', version, ...recordedPlace(record), lowerCaseTableNames: source.info.lowerCaseTableNames },
      await statesAt(startOf(record), states),
      timeline.topics,
    );
    current = new HistoryTimeline();
    for (const next of records) current.add(next);
    await topic.appendAll(records);
    if (parts.isFirst && startAfter !== '') startAfter = await executedNow(source, signal);
    log.info('the schema history begins with a snapshot', { version, tables: records.length - 2 });
  }
  const view = current.at(version, dialect.catalog);
  requirePlace(view, record);
  log.info('schema history', { version, ahead: view.beyond.length });
  const history = new SchemaHistory({
    view,
    dialect,
    topic,
    isCaptured: (database, table) => source.filter.matches(database, table),
    statesBehind: (event, tables) => statesAt(startBehind(source, parts.executed(), event), states, tables),
    approve: parts.approve,
    barrierOf: parts.barrierOf,
    isPassedOver: parts.isPassedOver,
    altered: parts.altered,
    log,
  });
  return { history, startAfter };
}

async function executedNow(source: Source, signal: AbortSignal): Promise<string> {
  await using connection = await connect(source.address, signal);
  return await readExecuted(connection, source.tracking, signal);
}

export async function dialectOfSource(source: Source, signal: AbortSignal): Promise<SourceDialect> {
  await using connection = await connect(source.address, signal);
  return await readSourceDialect(connection, source, signal);
}

export type Place = Pick<ProgressRecord, 'gtidSet' | 'file' | 'position'>;

export function recordedPlace({ gtidSet, file, position }: Place): Place {
  return { gtidSet, file, position };
}

export function snapshotRecords(
  begin: Omit<SnapshotBegin, 'writtenMs' | 'databases'>,
  { databases, states, later }: StatesAt,
  topics: ReadonlyMap<string, number>,
): HistoryRecord[] {
  const { version } = begin;
  const numbered = (state: TableState): { readonly topic?: number } => {
    const topic = topics.get(tableKey(state));
    return topic === undefined ? {} : { topic };
  };
  return [
    { ...begin, writtenMs: Date.now(), databases },
    ...states.map((state): HistoryRecord => ({ kind: 'table', version, state, ...numbered(state) })),
    ...later.map((state): HistoryRecord => ({ kind: 'later', version, ...state })),
    { kind: 'end', version, records: states.length + later.length },
  ];
}

/** A rebuilt history holds for the place for which it was made, and no reader may have gone on meanwhile. */
function requirePlace({ snapshot }: HistoryView, record: ProgressRecord): void {
  const isSame = executedOf({ ...snapshot, by: record.by }) === executedOf(record);
  if (snapshot.replaces !== record.schemaVersion || isSame) return;
  throw new TaplineError('SCHEMA_HISTORY_LOST', {
    message: `The schema history was rebuilt for ${snapshot.file}:${snapshot.position} (${snapshot.gtidSet}), and the reader has come to ${record.file}:${record.position} meanwhile.`,
    remedy: 'Stop every reader of this source, and run `tapline schema rebuild FILE` again.',
  });
}

function startBehind(source: Source, executed: string, { gtid, position }: StatementEvent): BinlogStart {
  if (source.tracking === 'file') return position;
  const passed = parseExecuted(source.tracking, executed);
  passed.add(gtid, position);
  return { gtidSet: passed.toString() };
}
