import { Cursor, type TableName } from './cursor.ts';
import type { DdlDialect } from './dialect.ts';
import { readStatement } from './statement.ts';
import { type Token, tokensOf } from './tokens.ts';

/** What stands in a statement in place of what its source called so. */
export interface Rewriting {
  table(table: TableName): TableName;
  collation(name: string): string;
}

interface Edit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** Ways to carry out an ALTER, which depend on the server and on how the table came to be. */
const METHODS: Readonly<Record<string, readonly string[]>> = {
  ALGORITHM: ['COPY', 'INPLACE', 'INSTANT', 'NOCOPY'],
  LOCK: ['EXCLUSIVE', 'NONE', 'SHARED'],
};

/**
 * A statement on tables for another place: tables under their names there, also those that foreign keys refer to, always with their database; collations as they
 * are called there; the way to do it left to the server. All else, literals and comments among it, stays to the letter.
 *
 * @param database the session's default database.
 * @throws TaplineError SCHEMA_DDL_UNREAD.
 */
export function rewriteDdl(sql: string, database: string, dialect: DdlDialect, rewriting: Rewriting): string {
  const cursor = new Cursor(sql, database, dialect);
  readStatement(cursor, database);
  const edits: Edit[] = cursor.named.map(({ table, start, end }) => ({
    start,
    end,
    text: quotedTable(rewriting.table(table)),
  }));
  edits.push(...wordEdits([...tokensOf(sql, dialect)], rewriting));
  let text = sql;
  for (const edit of edits.toSorted((left, right) => right.start - left.start)) {
    text = text.slice(0, edit.start) + edit.text + text.slice(edit.end);
  }
  return text;
}

function wordEdits(tokens: readonly Token[], { collation }: Rewriting): Edit[] {
  return tokens.flatMap((token, at): Edit[] => {
    if (token.kind !== 'word') return [];
    const value = tokens[at + 1]?.upper === '=' ? tokens[at + 2] : tokens[at + 1];
    if (value === undefined || value.kind === 'symbol') return [];
    if (METHODS[token.upper]?.includes(value.upper) === true) return [{ ...placeOf(value), text: 'DEFAULT' }];
    if (token.upper !== 'COLLATE') return [];
    const name = collation(value.text.toLowerCase());
    return name === value.text.toLowerCase() ? [] : [{ ...placeOf(value), text: name }];
  });
}

function placeOf({ start, end }: Token): Pick<Edit, 'start' | 'end'> {
  return { start, end };
}

function quotedTable({ database, name }: TableName): string {
  return [database, name].map((part) => `\`${part.replaceAll('`', '``')}\``).join('.');
}
