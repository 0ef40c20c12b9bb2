import type { Change, Row } from '@tapline/sink';
import { deleteEntry, indexEntry } from './bulk.ts';
import { jsonOf } from './columns.ts';
import type { SearchConfig } from './config.ts';
import { requireWhole } from './document.ts';
import type { DocumentConfig } from './documents/config.ts';
import { Joins, referenceTo } from './documents/joins.ts';
import { Locator } from './location.ts';

/** The lines of a bulk for each change. The store is not asked for the table, so that values are written as those of columns that nobody knows. */
export function previewSearch(changes: readonly Change[], config: SearchConfig): readonly string[] {
  if (config.document !== undefined) return previewDocuments(changes, config, config.document);
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

/** Of a document of several tables the store is asked first what it is made of: shown is what a change says of it. */
function previewDocuments(changes: readonly Change[], config: SearchConfig, document: DocumentConfig): string[] {
  const joins = new Joins(document, config.id);
  return changes.map((change) => {
    const row = change.op === 'd' ? null : change.after;
    if (row !== null) requireWhole(change);
    const text = row === null ? 'none' : documentOf(row);
    return joins
      .rolesOf(change)
      .map((role) => {
        if (role.kind === 'root') return `document ${JSON.stringify(joins.idOf(change))}: ${text}`;
        if (role.kind === 'one')
          return `${role.as} ${JSON.stringify(referenceTo(role, change))} of all documents: ${text}`;
        const parent = row === null ? undefined : joins.parentOf(role, change, row, () => true);
        return `${role.as} of ${parent === undefined ? 'no document' : `document ${JSON.stringify(parent)}`}: ${text}`;
      })
      .join('\n');
  });
}

function documentOf(row: Row): string {
  const members = Object.entries(row).map(
    ([column, value]) => `${JSON.stringify(column)}:${value === null ? 'null' : jsonOf(value)}`,
  );
  return `{${members.join(',')}}`;
}
