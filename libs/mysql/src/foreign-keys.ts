import type { TableFilter } from '@tapline/schema';
import type { MysqlConnection } from './connection.ts';

/** A foreign key through which a change of the parent's row changes rows of the child. */
export interface CascadingForeignKey {
  readonly database: string;
  readonly table: string;
  readonly name: string;
  readonly parent: string;
  /** What the server does to the child: `CASCADE`, `SET NULL`, `SET DEFAULT`, or `NO ACTION` / `RESTRICT` on that side. */
  readonly onDelete: string;
  readonly onUpdate: string;
}

/**
 * Cascading foreign keys of captured child tables. Servers before MySQL 9.6, and MariaDB, do not write the child's cascaded changes to the
 * binlog: no reader of it can see them.
 */
export async function readCascadingForeignKeys(
  connection: MysqlConnection,
  filter: Pick<TableFilter, 'matches'>,
  signal?: AbortSignal,
): Promise<CascadingForeignKey[]> {
  const rows = await connection.query(
    `SELECT CONSTRAINT_SCHEMA, TABLE_NAME, CONSTRAINT_NAME, UNIQUE_CONSTRAINT_SCHEMA, REFERENCED_TABLE_NAME, DELETE_RULE, UPDATE_RULE
     FROM information_schema.REFERENTIAL_CONSTRAINTS
     WHERE DELETE_RULE IN ('CASCADE', 'SET NULL', 'SET DEFAULT') OR UPDATE_RULE IN ('CASCADE', 'SET NULL', 'SET DEFAULT')
     ORDER BY 1, 2, 3`,
    signal,
  );
  return rows
    .filter(([database, table]) => filter.matches(database ?? '', table ?? ''))
    .map(([database, table, name, parentDatabase, parent, onDelete, onUpdate]) => ({
      database: database ?? '',
      table: table ?? '',
      name: name ?? '',
      parent: `${parentDatabase}.${parent}`,
      onDelete: onDelete ?? '',
      onUpdate: onUpdate ?? '',
    }));
}
