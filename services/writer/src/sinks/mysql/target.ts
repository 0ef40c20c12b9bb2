import { TaplineError } from '@tapline/kernel';
import { quoteName, quoteTable } from '@tapline/mysql';
import type { Column, Table } from '@tapline/schema';
import type { Row, Value } from '@tapline/sink';
import { foldOf } from './fold.ts';
import { type Literal, type LiteralForm, literalForm, literalOf } from './literal.ts';
import type { Offsets } from './offsets.ts';
import type { Flavor } from './session.ts';

export interface TargetColumn {
  readonly name: string;
  readonly quoted: string;
  readonly literal: Literal;
  readonly form: LiteralForm;
  /** Folds what the column's collation may hold for equal. */
  readonly fold: (value: Value) => string;
  /** A condition that holds for rows which have exactly this value. */
  readonly same: (value: Value) => string;
  /** An ENUM that holds none of its members, which an empty text stands for: its number is 0, and strict mode takes it from nobody. */
  readonly isNoMember: (value: Value | undefined) => boolean;
  /** What the column takes in the meantime. */
  readonly anyMember: string;
  /** The target computes it. */
  readonly generated: boolean;
}

/** A unique key of the target: no two rows share values of these columns. */
export interface TargetKey {
  readonly columns: readonly TargetColumn[];
}

/** What keeps a change from being applied twice, or late. */
export type Guard =
  | {
      /** Each row's version. */
      readonly kind: 'versions';
      /** How far the partitions were applied when versions began to be kept: of what is not above, rows have none. */
      readonly before?: { readonly topic: string; readonly applied: ReadonlyMap<number, bigint> };
    }
  | {
      /** How far each partition is applied. */
      readonly kind: 'offsets';
      readonly offsets: Offsets;
      /** Whether our changes come so that offsets may say it of them, too; else we only look. */
      readonly own: boolean;
    };

/** A table to write to, as it is in the target. */
export interface Target {
  /** `db.table`, for messages. */
  readonly name: string;
  /** Quoted. */
  readonly sql: string;
  readonly guard: Guard;
  /** The table of versions, quoted, which is there with that guard; it has the key's columns, in their types, and `__version`. */
  readonly versions: string;
  readonly columns: ReadonlyMap<string, TargetColumn>;
  /** The message key's columns; none when the table is appended to without a key. */
  readonly key: readonly TargetColumn[];
  /** The other unique keys. */
  readonly uniqueKeys: readonly TargetKey[];
  readonly dialect: Dialect;
  readonly sets: ColumnSets;
  /** Changes may be replayed ones: so it is until some were not. The versions are then asked first, which spares a refused transaction. */
  mayBeStale: boolean;
}

/** What servers differ in. */
export interface Dialect {
  readonly flavor: Flavor;
  /** INSERT … AS new ON DUPLICATE KEY UPDATE (MySQL 8.0.19); all others know VALUES(column), which MySQL is going to drop. */
  readonly rowAlias: boolean;
  /** The newest Unicode collations of utf8mb4: MySQL 8 has those of Unicode 9, MariaDB 10.10 those of 14; both have some of 5.2. TiDB has one of 9, and few at all. */
  readonly unicode: 'uca900' | 'uca1400' | 'uca520' | 'tidb';
}

export const VERSION_COLUMN = '__version';

/** Columns that rows come with, of one form. */
export interface ColumnSet {
  /** Those that are written: neither unknown to the target nor computed by it. */
  readonly columns: readonly TargetColumn[];
  /** Columns of the rows that the target does not have. */
  readonly unknown: readonly string[];
}

/** Rows of a table mostly have the same columns in the same order: what follows from those is found once. */
export class ColumnSets {
  readonly #columns: ReadonlyMap<string, TargetColumn>;
  readonly #sets = new Map<string, ColumnSet>();
  #lastNames: readonly string[] = [];
  #last: ColumnSet = { columns: [], unknown: [] };

  constructor(columns: ReadonlyMap<string, TargetColumn>) {
    this.#columns = columns;
  }

  of(row: Row): ColumnSet {
    return this.ofNames(Object.keys(row));
  }

  ofNames(names: readonly string[]): ColumnSet {
    if (names === this.#lastNames || sameList(names, this.#lastNames)) return this.#last;
    const id = names.join('\0');
    let set = this.#sets.get(id);
    if (set === undefined) {
      const known = names.flatMap((name) => this.#columns.get(name) ?? []);
      set = {
        columns: known.filter(({ generated }) => !generated),
        unknown: names.filter((name) => !this.#columns.has(name)),
      };
      this.#sets.set(id, set);
    }
    this.#lastNames = names;
    this.#last = set;
    return set;
  }
}

function sameList(left: readonly string[], right: readonly string[]): boolean {
  if (left.length !== right.length) return false;
  for (let index = 0; index < left.length; index++) if (left[index] !== right[index]) return false;
  return true;
}

export interface TargetOptions {
  readonly keyNames: readonly string[];
  readonly guard: Guard;
  readonly versions: string;
  readonly dialect: Dialect;
}

/** @throws TaplineError SINK_MYSQL_KEY when the table has no unique key over the message key: rows could not be found again. */
export function targetOf(table: Table, { keyNames, guard, versions, dialect }: TargetOptions): Target {
  const name = `${table.database}.${table.name}`;
  const columns = new Map(table.columns.map((column) => [column.name, targetColumn(column, dialect.flavor)]));
  const keys = [...(table.primaryKey === undefined ? [] : [table.primaryKey]), ...keysOf(table)];
  if (keyNames.length > 0 && !keys.some((key) => sameNames(key, keyNames))) {
    throw new TaplineError('SINK_MYSQL_KEY', {
      message: `${name} has no primary or unique key over (${keyNames.join(', ')}), which is the key of the records.`,
      place: { table: name },
    });
  }
  const of = (names: readonly string[]): TargetColumn[] => names.flatMap((column) => columns.get(column) ?? []);
  return {
    name,
    sql: quoteTable(table.database, table.name),
    guard,
    versions,
    columns,
    key: of(keyNames),
    uniqueKeys: keys.filter((key) => !sameNames(key, keyNames)).map((key) => ({ columns: of(key) })),
    dialect,
    sets: new ColumnSets(columns),
    mayBeStale: true,
  };
}

function keysOf(table: Table): (readonly string[])[] {
  return table.uniqueKeys.map(({ columns }) => columns);
}

function sameNames(left: readonly string[], right: readonly string[]): boolean {
  return left.length === right.length && left.every((name) => right.includes(name));
}

/**
 * Texts to the byte, whatever the collation says, and documents as documents. A FLOAT equals no number that one can write, so only whether it is NULL is asked.
 */
function sameOf({ type, collation }: Column, quoted: string, literal: Literal): TargetColumn['same'] {
  if (type === 'float') return (value) => `${quoted} IS ${value === null ? '' : 'NOT '}NULL`;
  if (type === 'json') return (value) => `CAST(${quoted} AS CHAR) <=> CAST(CAST(${literal(value)} AS JSON) AS CHAR)`;
  const isText = collation !== undefined && collation !== 'binary';
  if (isText) return (value) => `CONVERT(${quoted} USING utf8mb4) COLLATE utf8mb4_bin <=> ${literal(value)}`;
  return (value) => `${quoted} <=> ${literal(value)}`;
}

function targetColumn(column: Column, flavor: Flavor): TargetColumn {
  const quoted = quoteName(column.name);
  const literal = literalOf(column, flavor);
  return {
    name: column.name,
    quoted,
    literal,
    form: literalForm(column),
    same: sameOf(column, quoted, literal),
    fold: foldOf(column),
    isNoMember: (value) => column.type === 'enum' && value === '' && !(column.members ?? []).includes(''),
    anyMember: column.members?.[0] ?? '',
    generated: column.generated !== undefined,
  };
}

/** The key's values as SQL text, and so exact; what a row is known by within a call. */
export function keyTexts(target: Target, key: Row): string[] {
  return target.key.map(({ name, literal }) => literal(valueOf(target, key, name)));
}

function valueOf(target: Target, key: Row, name: string): Value {
  const value = key[name];
  if (value !== undefined) return value;
  throw new TaplineError('SINK_KEY', {
    message: `The record’s key has no column ${name}, which is the key of ${target.name} so far.`,
    place: { table: target.name },
  });
}
