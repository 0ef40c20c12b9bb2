import type { TableMap } from '@tapline/binlog';
import { bindTable } from '@tapline/envelope';
import { TaplineError } from '@tapline/kernel';
import { type Table, tableOfState, withFills } from '@tapline/schema';
import { tableOfLayout } from '../source/layout-table.ts';
import type { Source } from '../source/open-source.ts';
import type { SchemaHistory } from './schema-history.ts';

/**
 * The table whose rows stand behind this layout, as it is at this place of the stream.
 *
 * Where the binlog names the columns (binlog_row_metadata=FULL) it is taken from there, and the history must agree. Where it does not, the history says what
 * the table is, and the layout must fit it.
 *
 * @throws TaplineError SCHEMA_MISMATCH; SCHEMA_DDL_UNREAD and SCHEMA_UNKNOWN where only the history could tell and does not.
 */
export function tableOfRow(layout: TableMap, history: Pick<SchemaHistory, 'catalog'>, source: Source): Table {
  const { database, table: name } = layout;
  const state = history.catalog.table({ database, name });
  const isKnown = state !== undefined && state.unread === undefined;
  if (layout.columns.every((column) => column.name !== undefined)) {
    const tables = isKnown ? [tableOfState(state)] : source.tables;
    const described = tableOfLayout(layout, { flavor: source.info.flavor, collations: source.collations, tables });
    if (!isKnown) return described;
    bound(tableOfState(state), layout);
    return withFills(described, state.columns);
  }
  if (state === undefined) {
    throw new TaplineError('SCHEMA_UNKNOWN', {
      message:
        'Rows came of a table that the schema history does not have, and the binlog does not name their columns (binlog_row_metadata is not FULL).',
      place: { table: `${database}.${name}` },
    });
  }
  return bound(tableOfState(state), layout);
}

function bound(table: Table, layout: TableMap): Table {
  try {
    return bindTable(table, layout);
  } catch (error) {
    if (!(error instanceof TaplineError) || error.code !== 'SCHEMA_MISMATCH') throw error;
    throw new TaplineError('SCHEMA_MISMATCH', {
      message: error.message,
      place: error.place,
      remedy: REMEDY,
      cause: error,
    });
  }
}

const REMEDY =
  'The table was altered in a way that the binlog does not tell (sql_log_bin = 0), or a statement was misread: report it. To go on, stop the reader and run `tapline schema rebuild`.';
