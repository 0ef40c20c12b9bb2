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
  /** USING HASH. */
  readonly hash?: true;
}

/** MariaDB's PERIOD FOR name (start, end): neither column holds NULL, and keys may name it for both. */
export interface Period {
  readonly name: string;
  readonly start: string;
  readonly end: string;
}

/** What stands among the columns of a table and is none. `none`: a check, a foreign key, or SYSTEM_TIME. */
export type Constraint = KeyDefinition | Period | 'none';

export function isPeriod(constraint: KeyDefinition | Period): constraint is Period {
  return 'start' in constraint;
}

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
  const period = readPeriod(cursor);
  if (period !== undefined) return period;
  if (cursor.sees('CHECK') || symbol !== undefined) {
    cursor.skipItem();
    return 'none';
  }
  return undefined;
}

/** `PERIOD [IF NOT EXISTS] FOR name (start, end)`; of SYSTEM_TIME the columns say themselves what they are. */
function readPeriod(cursor: Cursor): Period | 'none' | undefined {
  if (!cursor.sees('PERIOD', 'FOR') && !cursor.sees('PERIOD', 'IF')) return undefined;
  cursor.next();
  takesIfNotExists(cursor);
  cursor.expect('FOR');
  const name = cursor.name();
  const [start, end] = cursor.list(() => cursor.name());
  if (name.toUpperCase() === 'SYSTEM_TIME' || start === undefined || end === undefined) return 'none';
  return { name, start, end };
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
  let hash = takesUsing(cursor);
  const parts = cursor.list(() => readPart(cursor));
  let visible = true;
  while (!cursor.atEnd && !cursor.sees(',') && !cursor.sees(')')) {
    if (cursor.takes('COMMENT')) cursor.next();
    else if (cursor.sees('USING') || cursor.sees('TYPE')) hash = takesUsing(cursor);
    else if (cursor.takes('NOT', 'IGNORED') || cursor.takes('VISIBLE')) visible = true;
    else if (cursor.takes('INVISIBLE') || cursor.takes('IGNORED')) visible = false;
    else cursor.skip();
  }
  return { kind, name, parts, visible, ...(hash ? { hash } : {}) };
}

/** `[USING type]`; whether it is HASH. */
function takesUsing(cursor: Cursor): boolean {
  if (cursor.takesOne('USING', 'TYPE') === undefined) return false;
  cursor.takes('=');
  return cursor.next().upper === 'HASH';
}

/** `column [(length)] [ASC | DESC]`, or `(expression) [ASC | DESC]`. */
function readPart(cursor: Cursor): KeyPart {
  if (cursor.sees('(')) {
    cursor.skipItem();
    return { column: undefined, prefix: undefined };
  }
  const column = cursor.columnName();
  const [prefix] = cursor.sees('(') ? cursor.list(() => cursor.integer()) : [];
  cursor.skipItem();
  return { column, prefix };
}

export function takesIfNotExists(cursor: Cursor): boolean {
  return cursor.takes('IF', 'NOT', 'EXISTS');
}
