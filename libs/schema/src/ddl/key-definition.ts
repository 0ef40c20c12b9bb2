import { skipReference } from './column-definition.ts';
import type { Cursor } from './cursor.ts';

export interface KeyPart {
  /** Undefined for an expression. */
  readonly column: string | undefined;
  /** Only so many characters (of a binary column: bytes) from the beginning are in the key; undefined: the whole column. */
  readonly prefix: number | undefined;
}

export interface KeyDefinition {
  readonly kind: 'primary' | 'unique' | 'plain';
  /** Undefined: the server makes one up. */
  readonly name: string | undefined;
  readonly parts: readonly KeyPart[];
  /** False: INVISIBLE (MariaDB: IGNORED). */
  readonly visible: boolean;
}

/** What stands among the columns of a table and is none. `none`: a check, a foreign key, a period. */
export type Constraint = KeyDefinition | 'none';

/** Takes a key, check, foreign key or period definition when one begins here; undefined: a column begins here. */
export function readConstraint(cursor: Cursor): Constraint | undefined {
  let symbol: string | undefined;
  if (cursor.takes('CONSTRAINT')) {
    const named = !['PRIMARY', 'UNIQUE', 'FOREIGN', 'CHECK'].some((word) => cursor.sees(word));
    // MariaDB: ADD CONSTRAINT IF NOT EXISTS name.
    if (named) takesIfNotExists(cursor);
    if (named) symbol = cursor.name();
  }
  if (cursor.takes('PRIMARY', 'KEY')) {
    // A name may stand here; the key is PRIMARY all the same.
    return { ...readKey(cursor, 'primary'), name: 'PRIMARY' };
  }
  if (cursor.takes('UNIQUE')) {
    cursor.takesOne('KEY', 'INDEX');
    const key = readKey(cursor, 'unique');
    return { ...key, name: key.name ?? symbol };
  }
  if (cursor.takesOne('FULLTEXT', 'SPATIAL') !== undefined) {
    cursor.takesOne('KEY', 'INDEX');
    return readKey(cursor, 'plain');
  }
  if (cursor.takes('VECTOR', 'KEY') || cursor.takes('VECTOR', 'INDEX') || cursor.takesOne('KEY', 'INDEX')) {
    return readKey(cursor, 'plain');
  }
  if (cursor.takes('FOREIGN', 'KEY')) {
    takesIfNotExists(cursor);
    while (!cursor.atEnd && !cursor.takes('REFERENCES')) cursor.skip();
    skipReference(cursor);
    return 'none';
  }
  if (cursor.sees('CHECK') || cursor.sees('PERIOD', 'FOR') || symbol !== undefined) {
    cursor.skipItem();
    return 'none';
  }
  return undefined;
}

/** `[IF NOT EXISTS] [name] [USING type] (part, …) option …`, behind the words that say which kind of key it is. */
export function readKey(cursor: Cursor, kind: KeyDefinition['kind']): KeyDefinition {
  takesIfNotExists(cursor);
  const named = !cursor.sees('(') && !cursor.sees('USING') && !cursor.sees('TYPE');
  const name = named ? cursor.name() : undefined;
  return readKeyBody(cursor, kind, name);
}

/** `[USING type] (part, …) option …` */
export function readKeyBody(cursor: Cursor, kind: KeyDefinition['kind'], name: string | undefined): KeyDefinition {
  if (cursor.takesOne('USING', 'TYPE') !== undefined) cursor.next();
  const parts = cursor.list(() => readPart(cursor));
  let visible = true;
  while (!cursor.atEnd && !cursor.sees(',') && !cursor.sees(')')) {
    if (cursor.takes('COMMENT')) cursor.next();
    else if (cursor.takes('NOT', 'IGNORED')) visible = true;
    else if (cursor.takes('INVISIBLE') || cursor.takes('IGNORED')) visible = false;
    else cursor.skip();
  }
  return { kind, name, parts, visible };
}

/** `column [(length)] [ASC | DESC]`, or `(expression) [ASC | DESC]`. */
function readPart(cursor: Cursor): KeyPart {
  if (cursor.sees('(')) {
    cursor.skipItem();
    return { column: undefined, prefix: undefined };
  }
  const column = cursor.name();
  const [prefix] = cursor.sees('(') ? cursor.list(() => cursor.integer()) : [];
  cursor.skipItem();
  return { column, prefix };
}

export function takesIfNotExists(cursor: Cursor): boolean {
  return cursor.takes('IF', 'NOT', 'EXISTS');
}
