import type { Change, Row } from '@tapline/sink';
import { deleteEntry, indexEntry } from './bulk.ts';
import { jsonOf } from './columns.ts';
import type { SearchConfig } from './config.ts';
import { requireWhole } from './document.ts';
import { Locator } from './location.ts';

/** The lines of a bulk for each change. The store is not asked for the table, so that values are written as those of columns that nobody knows. */
export function previewSearch(changes: readonly Change[], config: SearchConfig): readonly string[] {
  const locator = new Locator(config);
  return changes.map((change) => {
    const { op, before, after, version } = change;
    if (op !== 'd' && after !== null) {
      requireWhole(change);
      return indexEntry(locator.at(change, after), version, documentOf(after)).trimEnd();
    }
    if (locator.moves && before === null) return '';
    const at = locator.at(change, before);
    if (config.onDelete === 'delete') return deleteEntry(at, version).trimEnd();
    return indexEntry(at, version, `{${JSON.stringify(config.deletedField)}:true}`).trimEnd();
  });
}

function documentOf(row: Row): string {
  const members = Object.entries(row).map(
    ([column, value]) => `${JSON.stringify(column)}:${value === null ? 'null' : jsonOf(value)}`,
  );
  return `{${members.join(',')}}`;
}
