import type { StatementEvent } from '@tapline/binlog';
import type { Logger } from '@tapline/kernel';
import { serverVersionNumber, type TableName } from '@tapline/schema';
import type { ReaderConfig } from '../config.ts';
import type { Source } from '../source/open-source.ts';
import { vanishedRows } from './vanished.ts';

/** The tables to load again because of a statement, by `snapshot.vanishedRows`. `tables`: those that there are before it. Tells of it. */
export function reloadsBecauseOf(
  event: StatementEvent,
  parts: {
    readonly source: Pick<Source, 'filter' | 'info'>;
    readonly config: Pick<ReaderConfig, 'snapshot'>;
    readonly tables: () => Iterable<TableName>;
    readonly log: Logger;
  },
): readonly string[] {
  const { source, config, tables, log } = parts;
  const { filter, info } = source;
  const server = { flavor: info.flavor, version: serverVersionNumber(info.version) };
  const vanished = vanishedRows(event, { filter, server, tables });
  if (vanished.length === 0) return [];
  const reloads = config.snapshot.vanishedRows === 'reload' && config.snapshot.mode === 'initial';
  log.warn(
    reloads
      ? 'rows came or went without change events: their tables are loaded again'
      : 'rows came or went without change events: topics are not what the tables are any more',
    { statement: event.sql.slice(0, 200), tables: vanished.slice(0, 10), gtid: event.gtid },
  );
  return reloads ? vanished : [];
}
