import { TaplineError } from '@tapline/kernel';
import type { Column, Table, UniqueKey } from '../table.ts';
import type { TextDefaults } from './collations.ts';
import type { KeyDefinition, KeyPart, Period } from './key-definition.ts';

/** A key of a table; like everything here it is never changed, only replaced. */
export interface Key extends KeyDefinition {
  readonly name: string;
}

/** A table at one moment, with what later statements refer to: its defaults, and all its keys. */
export interface TableState {
  readonly database: string;
  readonly name: string;
  /** For columns whose definition does not say. */
  readonly text: TextDefaults;
  readonly columns: readonly Column[];
  /** In the order in which they came to be. */
  readonly keys: readonly Key[];
  /** As the table's option names it, in capitals; of MariaDB, where it decides about hidden columns. */
  readonly engine?: string;
  /** MariaDB's periods of application time. */
  readonly periods?: readonly Period[];
  /** As in `Table`. */
  readonly hidden?: readonly Column[];
  /** Why nobody knows what the table is now: a statement that named it could not be read. `columns` and `keys` are as they were before. */
  readonly unread?: string;
}

export const PRIMARY = 'PRIMARY';

/**
 * The table as everybody else sees it.
 *
 * @throws TaplineError SCHEMA_DDL_UNREAD when a statement that changed it could not be read.
 */
export function tableOfState({ database, name, columns, keys, hidden, unread }: TableState): Table {
  if (unread !== undefined) {
    throw new TaplineError('SCHEMA_DDL_UNREAD', { message: unread, place: { table: `${database}.${name}` } });
  }
  const primary = keys.find((key) => key.kind === 'primary');
  // Of a shape, MySQL 5.7 has no more than the beginning in a key.
  const shapes = new Set(columns.filter(({ type }) => SHAPE.test(type)).map((column) => column.name));
  const unique = keys
    .filter((key) => key.kind === 'unique' && key.visible && !key.parts.some((part) => shapes.has(part.column ?? '')))
    .map(wholeColumns)
    .filter((key) => key !== undefined)
    .sort((left, right) => (left.name < right.name ? -1 : 1));
  return {
    database,
    name,
    columns,
    ...(primary === undefined ? {} : { primaryKey: primary.parts.map(({ column }) => column ?? '') }),
    uniqueKeys: unique,
    ...(hidden === undefined ? {} : { hidden }),
  };
}

/** Types of shapes, which are kept as blobs. */
export const SHAPE: RegExp = /^(?:multi)?(?:point|linestring|polygon)$|^geom/;

/** Undefined when the key is over an expression or the beginning of a column. */
function wholeColumns({ name, parts }: Key): UniqueKey | undefined {
  const columns = parts.map(({ column, prefix }) => (prefix === undefined ? column : undefined));
  return columns.every((column) => column !== undefined) ? { name, columns } : undefined;
}

export function sameName(left: string, right: string): boolean {
  return left.toLowerCase() === right.toLowerCase();
}

/** Puts a key behind the others, named as the server names it: after its first column, numbered when that is taken. Its columns are spelled as the table spells them. */
export function withKey(
  keys: readonly Key[],
  key: KeyDefinition,
  { columns, periods = [] }: Pick<TableState, 'columns' | 'periods'>,
): readonly Key[] {
  const parts = key.parts.flatMap((part): KeyPart[] => {
    const { column, prefix } = part;
    if (column === undefined) return [part];
    const known = columns.find(({ name }) => sameName(name, column));
    const period = known === undefined ? periods.find(({ name }) => sameName(name, column)) : undefined;
    const named = period === undefined ? [known?.name ?? column] : [period.end, period.start];
    return named.map((name) => ({ column: name, prefix: known && prefixOf(prefix, known) }));
  });
  return [...keys, { ...key, parts, name: key.name ?? freeName(keys, parts[0]?.column ?? 'functional_index') }];
}

const MAY_BE_CUT = /^(?:var)?(?:char|binary)$|(?:text|blob)$/;

/** The length of a key's part: none when the column is no longer than it, or of a type without one. */
export function prefixOf(prefix: number | undefined, column: Column): number | undefined {
  const isWhole = prefix === undefined || !MAY_BE_CUT.test(column.type) || (column.length ?? 0) <= prefix;
  return isWhole ? undefined : prefix;
}

function freeName(keys: readonly Key[], first: string): string {
  const taken = (name: string): boolean => sameName(name, PRIMARY) || keys.some((other) => sameName(other.name, name));
  let name = first;
  for (let number = 2; taken(name); number++) name = `${first}_${number}`;
  return name;
}

/** Columns of the primary key and of periods hold no NULL, whatever their definition says. */
export function withNotNullKey(state: TableState): TableState {
  const primary = state.keys.find((key) => key.kind === 'primary')?.parts.map(({ column }) => column) ?? [];
  const bounds = (state.periods ?? []).flatMap(({ start, end }) => [start, end]);
  const firm = new Set([...primary, ...bounds].map((name) => name?.toLowerCase()));
  const columns = state.columns.map((column) =>
    column.nullable && firm.has(column.name.toLowerCase()) ? { ...column, nullable: false } : column,
  );
  return { ...state, columns };
}
