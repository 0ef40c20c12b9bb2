import type { Cursor } from './cursor.ts';
import { takesCharset } from './data-type.ts';

/** The default character set of a table or database, as far as a statement sets it. */
export interface TextOptions {
  readonly charset: string | undefined;
  readonly collation: string | undefined;
}

/** The options of a table that matter to its columns and rows. */
export interface TableOptions extends TextOptions {
  /** In capitals. */
  readonly engine: string | undefined;
  /** MariaDB's WITH SYSTEM VERSIONING. */
  readonly versioned: boolean;
}

/** Words behind which a CREATE TABLE has no options any more: partitions, or the SELECT that fills the table. */
const BEHIND_OPTIONS: readonly string[] = ['PARTITION', 'AS', 'SELECT', 'IGNORE', 'REPLACE', 'WITH'];

/** Goes over `[DEFAULT] CHARACTER SET [=] x`, `[DEFAULT] COLLATE [=] y` and all other options up to a comma, or to what stands behind the options. */
export function readTableOptions(cursor: Cursor): TableOptions {
  let engine: string | undefined;
  let versioned = false;
  let charset: string | undefined;
  let collation: string | undefined;
  while (!cursor.atEnd && !cursor.sees(',')) {
    if (cursor.takes('WITH', 'SYSTEM', 'VERSIONING')) versioned = true;
    else if (BEHIND_OPTIONS.some((word) => cursor.sees(word))) break;
    else if (cursor.takes('ENGINE')) engine = value(cursor).toUpperCase();
    else if (takesCharset(cursor)) charset = value(cursor);
    else if (cursor.takes('COLLATE')) collation = value(cursor);
    else cursor.skip();
  }
  return { charset, collation, engine, versioned };
}

/** Those of a database. */
export function readTextOptions(cursor: Cursor): TextOptions {
  const { charset, collation } = readTableOptions(cursor);
  return { charset, collation };
}

function value(cursor: Cursor): string {
  cursor.takes('=');
  return cursor.name();
}
