import { charsets } from './charsets.ts';
import type { Server, TypeColumn } from './column.ts';
import { numbers } from './numbers.ts';
import { special } from './special.ts';
import { largeValues, strings } from './strings.ts';
import { times } from './times.ts';

/** A table of the matrix: row n has each column's n-th value, and where columns may be NULL one more row has nothing else. */
export interface MatrixTable {
  readonly name: string;
  readonly nullable: boolean;
  readonly columns: readonly TypeColumn[];
}

const isFilled = ({ values }: TypeColumn): boolean => values.length === 0;

/** The tables of one server; a column that it does not know is left out. */
export function matrixTables(server: Server): readonly MatrixTable[] {
  const known = (columns: readonly TypeColumn[]): TypeColumn[] =>
    columns.filter(({ servers }) => servers?.includes(server) ?? true);
  const types = known([...numbers(), ...times(), ...strings(), ...special()]);
  return [
    { name: 'types', nullable: true, columns: types },
    { name: 'required', nullable: false, columns: types.filter((column) => !isFilled(column)) },
    { name: 'charsets', nullable: true, columns: known(charsets()) },
    { name: 'large', nullable: true, columns: known(largeValues()) },
  ];
}

/** How many values a column takes that differ, NULL among them. */
export function casesOf({ columns, nullable }: MatrixTable, column: TypeColumn): number {
  if (!columns.includes(column)) return 0;
  return Math.max(1, new Set(column.values).size) + (nullable && !isFilled(column) ? 1 : 0);
}

export function caseCount(tables: readonly MatrixTable[]): number {
  return tables.reduce(
    (sum, table) => sum + table.columns.reduce((inTable, column) => inTable + casesOf(table, column), 0),
    0,
  );
}

export function createStatement({ name: table, nullable, columns }: MatrixTable): string {
  const definitions = columns.map(({ name, type }) => {
    if (type.includes(' AS (')) return `${name} ${type}`;
    // Said always: without it, some servers make the first timestamp NOT NULL.
    const nullability = nullable ? 'NULL' : 'NOT NULL';
    const [, base, rest = ''] = /^(.*?)( SRID \d+| DEFAULT .*| INVISIBLE)?$/.exec(type) ?? [];
    // A hidden column that must be given has to have a default.
    const given = rest === ' INVISIBLE' && !nullable ? ' DEFAULT 0' : '';
    return `${name} ${base} ${nullability}${given}${rest}`;
  });
  return `CREATE TABLE ${table} (id int PRIMARY KEY, touched int NOT NULL DEFAULT 0, ${definitions.join(', ')}) ROW_FORMAT=DYNAMIC`;
}

export function insertStatements({ name: table, nullable, columns }: MatrixTable): string[] {
  const given = columns.filter((column) => !isFilled(column));
  const rows = Math.max(...given.map(({ values }) => values.length));
  const names = given.map(({ name }) => name).join(', ');
  const statements = Array.from({ length: rows }, (_, row) => {
    const values = given.map((column) => column.values[row % column.values.length]);
    return `INSERT INTO ${table} (id, ${names}) VALUES (${row + 1}, ${values.join(', ')})`;
  });
  const nulls = `INSERT INTO ${table} (id, ${names}) VALUES (${rows + 1}, ${given.map(() => 'NULL').join(', ')})`;
  return nullable ? [...statements, nulls] : statements;
}
