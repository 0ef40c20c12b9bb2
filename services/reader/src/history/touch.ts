import type { Ddl, TableName } from '@tapline/schema';

/** What a statement may have changed. */
export interface Touch {
  readonly tables: readonly TableName[];
  /** All tables of this database. */
  readonly database: string | undefined;
  /** A table that surely was not there before. */
  readonly creates: TableName | undefined;
}

const NOTHING: Touch = { tables: [], database: undefined, creates: undefined };

/** @param database the session's default database: a statement that does not even tell its tables is about one of those, as far as anybody knows. */
export function touchOf(ddl: Ddl, database: string): Touch {
  switch (ddl.kind) {
    case 'createTable': {
      if (ddl.temporary) return NOTHING;
      const creates = ddl.ifNotExists || ddl.orReplace ? undefined : ddl.table;
      return { tables: [ddl.table], database: undefined, creates };
    }
    case 'alterTable': {
      const names = ddl.actions.flatMap((action) => (action.kind === 'renameTable' ? [action.to] : []));
      return { ...NOTHING, tables: [ddl.table, ...names] };
    }
    case 'dropTables':
      return ddl.temporary ? NOTHING : { ...NOTHING, tables: ddl.tables };
    case 'renameTables':
      return { ...NOTHING, tables: ddl.renames.flatMap(({ from, to }) => [from, to]) };
    case 'truncateTable':
      return NOTHING;
    case 'createDatabase':
    case 'alterDatabase':
    case 'dropDatabase':
      return { ...NOTHING, database: ddl.name };
    case 'unread':
      return ddl.tables.length > 0 ? { ...NOTHING, tables: ddl.tables } : { ...NOTHING, database };
  }
}
