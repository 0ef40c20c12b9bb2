import type { Logger } from '@tapline/kernel';
import type { Table } from '@tapline/schema';
import type { LostTail } from '../progress/record.ts';
import { tableName } from '../snapshot/mysql-source.ts';
import type { Source } from '../source/open-source.ts';

const SHOWN = 10;

/** Tells of the tables whose lost rows no load takes back: without a key nothing says which they are, and in a topic of several tables they may be another one's. */
export function tellWhatStays(
  lost: Pick<LostTail, 'tables'>,
  source: Pick<Source, 'tables' | 'keys' | 'shape'>,
  log: Pick<Logger, 'error'>,
): void {
  const changed = new Set(lost.tables);
  const tables = source.tables.filter((table) => changed.has(tableName(table)));
  const isKeyless = (table: Table): boolean => source.keys.columnsOf(table) === undefined;
  const isShared = (table: Table): boolean => source.shape.destinationOf(table).sharedTopic !== 'refuse';
  const keyless = tables.filter(isKeyless);
  const shared = tables.filter((table) => !isKeyless(table) && isShared(table));
  if (keyless.length + shared.length === 0) return;
  log.error(
    'lost rows of some tables stay in their topics: without a key, or in a topic that tables share, none is deleted',
    {
      keyless: shown(keyless),
      shared: shown(shared),
    },
  );
}

function shown(tables: readonly Table[]): readonly string[] {
  return tables.slice(0, SHOWN).map(tableName);
}
