import { compileEnvelope } from '@tapline/envelope';
import type { Logger } from '@tapline/kernel';
import type { Table, TableKeys } from '@tapline/schema';
import type { ReaderConfig } from '../config.ts';
import { RowFilter } from './row-filter.ts';
import type { Shape } from './rules.ts';

/**
 * Holds the rules against the tables as they are now, so that what does not fit is told before anything is published. Tables that no rule is for cost nothing.
 *
 * @throws TaplineError SHAPE_MISMATCH, SCHEMA_UNSUPPORTED.
 */
export function checkShape(
  shape: Shape,
  tables: readonly Table[],
  { keys, config, log }: { readonly keys: TableKeys; readonly config: ReaderConfig; readonly log?: Logger },
): void {
  const whole = config.source.rowImage === 'full';
  for (const table of tables) {
    if (!shape.isFor(table)) continue;
    const { columns: shapes, ...rest } = shape.of(table);
    const keyColumns = keys.columnsOf(table);
    compileEnvelope({ source: config.name, table, keyColumns, shapes });
    RowFilter.of(rest, table, { wire: undefined, whole, keyColumns });
  }
  for (const pattern of shape.unmatched(tables))
    log?.warn('a pattern of shape.rules matches no captured table now', { pattern });
}
