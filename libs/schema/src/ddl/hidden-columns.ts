import type { Column } from '../table.ts';
import type { CollationBook } from './collations.ts';
import type { DdlDialect } from './dialect.ts';
import type { KeyPart } from './key-definition.ts';
import { type Key, SHAPE, sameName, type TableState } from './table-state.ts';

const ROW_START: Column = {
  name: 'row_start',
  type: 'timestamp',
  columnType: 'timestamp(6)',
  nullable: false,
  unsigned: false,
  fsp: 6,
  generated: 'stored',
};
const ROW_END: Column = { ...ROW_START, name: 'row_end' };

/** Of a version before 10.4 there are no hashes. */
const FIRST_WITH_HASHES = 100_400;

/**
 * Columns that MariaDB puts behind those of a table, and shows in its binlog alone: when a row of a system-versioned table began and ended to be valid, unless
 * the table has columns of its own for that; and a hash for each unique key that is too long for an index.
 */
export function hiddenColumns(
  isVersioned: boolean,
  longKeys: readonly Key[],
  columns: readonly Column[],
): readonly Column[] {
  const versions = isVersioned ? [ROW_START, ROW_END] : [];
  return [...versions, ...longKeys.map((key, i) => hashColumn(i + 1, key, columns))];
}

/** NULL when one of the key's columns is. */
function hashColumn(number: number, { parts }: Key, columns: readonly Column[]): Column {
  const nullable = new Set(columns.filter((column) => column.nullable).map(({ name }) => name));
  return {
    name: `DB_ROW_HASH_${number}`,
    type: 'bigint',
    columnType: 'bigint(20) unsigned',
    nullable: parts.some(({ column }) => column !== undefined && nullable.has(column)),
    unsigned: true,
    generated: 'virtual',
  };
}

/** Whether rows carry the columns of `hiddenColumns` for versions. */
export function isVersioned(state: TableState): boolean {
  return state.hidden?.[0]?.name === ROW_START.name;
}

/** The state with the hidden columns that its keys call for. */
export function withHidden(
  state: TableState,
  versioned: boolean,
  { dialect, book }: { readonly dialect: DdlDialect; readonly book: CollationBook },
): TableState {
  const { hidden: _, ...rest } = state;
  if (dialect.flavor !== 'mariadb') return rest;
  const isHashed = dialect.version >= FIRST_WITH_HASHES && state.engine !== 'MEMORY';
  const long = isHashed ? state.keys.filter((key) => isLong(key, state.columns, book)) : [];
  const hidden = hiddenColumns(versioned, long, state.columns);
  return hidden.length === 0 ? rest : { ...rest, hidden };
}

/** InnoDB's limits, in bytes, in its usual row format. */
const MAX_PART_BYTES = 3072;
const MAX_KEY_BYTES = 3500;

/** Whether MariaDB keeps a hash of the key's columns instead of an index over them. */
function isLong(key: Key, columns: readonly Column[], book: CollationBook): boolean {
  if (key.kind !== 'unique') return false;
  if (key.hash === true) return true;
  const bytes = key.parts.map((part) => partBytes(part, columns, book));
  return bytes.some((one) => one > MAX_PART_BYTES) || bytes.reduce((sum, one) => sum + one, 0) > MAX_KEY_BYTES;
}

/** About; what is fixed in size is never too long. */
function partBytes({ column: name, prefix }: KeyPart, columns: readonly Column[], book: CollationBook): number {
  const column = columns.find((candidate) => name !== undefined && sameName(candidate.name, name));
  if (column === undefined) return 8;
  if (SHAPE.test(column.type)) return Number.POSITIVE_INFINITY;
  if (!/char$|text$|binary$|blob$/.test(column.type)) return 8;
  const isBlob = /(?:text|blob)$/.test(column.type);
  const characterBytes = column.charset === undefined ? 1 : (book.charset(column.charset)?.maxBytes ?? 1);
  if (prefix !== undefined) return prefix * characterBytes;
  return isBlob ? Number.POSITIVE_INFINITY : (column.length ?? 0) * characterBytes;
}
