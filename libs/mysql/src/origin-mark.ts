/**
 * What a writer says of its own transactions in a MySQL that it fills, so that who reads that server's binlog can leave them out. Its name is in the name of a
 * table, in whatever database, so the table map says it, and no row has to be read. A writer changes a row of it first in each transaction, and ends its DDL with the comment.
 */
export const ORIGIN = /^[A-Za-z0-9_-]{1,40}$/;

const TABLE_PREFIX = '__origin.';
const COMMENT = /\/\* tapline origin ([A-Za-z0-9_-]{1,40}) \*\/\s*$/;

export function originTable(origin: string): string {
  return `${TABLE_PREFIX}${origin}`;
}

/** The origin that a table's rows are a mark of; undefined: they are none. */
export function originOfTable(table: string): string | undefined {
  return table.startsWith(TABLE_PREFIX) ? table.slice(TABLE_PREFIX.length) : undefined;
}

export function originComment(origin: string): string {
  return `/* tapline origin ${origin} */`;
}

/** The origin that a statement says at its end; undefined: none. */
export function originOfStatement(sql: string): string | undefined {
  return COMMENT.exec(sql)?.[1];
}
