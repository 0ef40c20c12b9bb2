import type { Cursor } from './cursor.ts';
import { takesCharset } from './data-type.ts';

/** The default character set of a table or database, as far as a statement sets it. */
export interface TextOptions {
  readonly charset: string | undefined;
  readonly collation: string | undefined;
}

/** Words behind which a CREATE TABLE has no options any more: partitions, or the SELECT that fills the table. */
const BEHIND_OPTIONS: readonly string[] = ['PARTITION', 'AS', 'SELECT', 'IGNORE', 'REPLACE', 'WITH'];

/** Goes over `[DEFAULT] CHARACTER SET [=] x`, `[DEFAULT] COLLATE [=] y` and all other options up to a comma, or to what stands behind the options. */
export function readTextOptions(cursor: Cursor): TextOptions {
  let charset: string | undefined;
  let collation: string | undefined;
  while (!cursor.atEnd && !cursor.sees(',') && !BEHIND_OPTIONS.some((word) => cursor.sees(word))) {
    if (takesCharset(cursor)) charset = value(cursor);
    else if (cursor.takes('COLLATE')) collation = value(cursor);
    else cursor.skip();
  }
  return { charset, collation };
}

function value(cursor: Cursor): string {
  cursor.takes('=');
  return cursor.name();
}
