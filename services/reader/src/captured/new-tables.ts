import type { Logger } from '@tapline/kernel';
import { compileTableFilter, type Table, type TableFilter } from '@tapline/schema';
import type { ReaderConfig } from '../config.ts';
import type { ProgressRecord } from '../progress/record.ts';
import { onlyLoads, type SnapshotProgress, withLoads } from '../progress/snapshot-progress.ts';
import { saltPrintOf } from '../resume/replay-config.ts';
import { topicChoice } from '../shape/topics.ts';
import { tableName } from '../snapshot/mysql-source.ts';
import type { Source } from '../source/open-source.ts';

const SHOWN = 5;

/**
 * The load with the tables in it that are captured from here on and were not before: the stream has passed changes of theirs, and rows that they held all along.
 * So are those that were left out for a time, and those with columns that are hashed by another salt than before, of which topics hold other hashes, perhaps as keys. What is
 * captured no more is not loaded to its end.
 */
export function withNewTables(
  snapshot: SnapshotProgress,
  parts: {
    readonly config: Pick<ReaderConfig, 'name' | 'snapshot' | 'shape'>;
    readonly record: Pick<ProgressRecord, 'replay' | 'offsets'>;
    readonly source: Pick<Source, 'filter' | 'info' | 'shape' | 'tables'>;
    readonly log: Logger;
  },
): SnapshotProgress {
  const { config, record, source, log } = parts;
  const { lowerCaseTableNames } = source.info;
  const before = record.replay && compileTableFilter({ ...record.replay, lowerCaseTableNames });
  // A record from before it said which tables are captured: one that has a topic was.
  const wasCaptured = (table: Table): boolean =>
    before?.matches(table.database, table.name) ??
    record.offsets.has(topicChoice(config.name, table, source.shape.of(table)).topic);
  const fresh = source.tables.filter((table) => !wasCaptured(table)).map(tableName);
  if (fresh.length > 0)
    log.info('tables are captured from here on', { tables: fresh.length, first: fresh.slice(0, SHOWN) });
  const rehashed = rehashedTables(parts);
  const added = [...fresh, ...rehashed.filter((table) => !fresh.includes(table))];
  const kept = onlyLoads(snapshot, (table) => matchesName(source.filter, table));
  if (config.snapshot.mode !== 'initial') return kept;
  return withLoads(
    kept,
    added.map((table) => ({ table })),
  );
}

function rehashedTables({ config, record, source, log }: Parameters<typeof withNewTables>[1]): readonly string[] {
  const before = record.replay?.saltPrint ?? '';
  if (before === '' || before === saltPrintOf(config.shape)) return [];
  const tables = source.tables
    .filter((table) => [...source.shape.of(table).columns.values()].some(({ kind }) => kind === 'hash'))
    .map(tableName);
  if (tables.length > 0)
    log.warn(
      config.snapshot.mode === 'initial'
        ? 'shape.salt was changed: tables with hashed columns are loaded again'
        : 'shape.salt was changed: topics hold hashes of both salts',
      { tables: tables.length, first: tables.slice(0, SHOWN) },
    );
  return tables;
}

/** Whether `database.table` is captured; either name may have dots in it. */
function matchesName(filter: Pick<TableFilter, 'matches'>, text: string): boolean {
  for (let dot = text.indexOf('.'); dot !== -1; dot = text.indexOf('.', dot + 1)) {
    if (filter.matches(text.slice(0, dot), text.slice(dot + 1))) return true;
  }
  return false;
}
