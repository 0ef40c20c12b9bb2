import { quoteName, quoteTable } from '@tapline/mysql';
import type { Change, Row } from '@tapline/sink';
import type { MysqlConfig } from './config.ts';
import { plainLiteral } from './literal.ts';
import { placeIn } from './lookup.ts';

/**
 * The statement that each change comes to where its version is newer than the row's, for a row by itself. Types are the target's to say, so values are written by what they
 * are in the records.
 */
export function preview(changes: readonly Change[], config: MysqlConfig): readonly string[] {
  return changes.map((change) => {
    const { key, before, after, op } = change;
    const table = tableOf(change, config);
    const row = key ?? before ?? {};
    if (after === null) return `DELETE FROM ${table} WHERE ${list(row, ' AND ')}${key === null ? ' LIMIT 1' : ''}`;
    const isInsert = op === 'c' || op === 'r';
    const insert = (verb: string): string =>
      `${verb} INTO ${table} (${Object.keys(after).map(quoteName).join(', ')}) VALUES (${Object.values(after).map(plainLiteral).join(', ')})`;
    if (key === null && isInsert) return insert('INSERT');
    if (key === null || (!isInsert && (config.mode === 'strict' || config.mode === 'insertIgnore'))) {
      return `UPDATE ${table} SET ${list(after, ', ')} WHERE ${list(row, ' AND ')}${key === null ? ' LIMIT 1' : ''}`;
    }
    if (config.mode === 'strict') return insert('INSERT');
    if (config.mode === 'insertIgnore') return insert('INSERT IGNORE');
    if (config.mode === 'replace') return insert('REPLACE');
    return `${insert('INSERT')} ON DUPLICATE KEY UPDATE ${list(after, ', ')}`;
  });
}

/** A tombstone does not say its table: its topic does. */
function tableOf({ source, topic }: Change, config: MysqlConfig): string {
  const [table = '', db = ''] = topic.split('.').toReversed();
  const place = placeIn(config, source ?? { db, table });
  return quoteTable(place.database, place.name);
}

function list(row: Row, separator: string): string {
  const isCondition = separator !== ', ';
  return Object.entries(row)
    .map(([name, value]) => {
      const equals = isCondition && value === null ? ' IS ' : ' = ';
      return quoteName(name) + equals + plainLiteral(value ?? null);
    })
    .join(separator);
}
