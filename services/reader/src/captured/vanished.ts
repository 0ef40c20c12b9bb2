import type { StatementEvent } from '@tapline/binlog';
import { type DdlServer, dialectOf, readDdl, type TableFilter, type TableName } from '@tapline/schema';

/** What must be known to tell what a statement did to the rows of captured tables. */
export interface VanishedOptions {
  readonly filter: Pick<TableFilter, 'matches' | 'mayMatchIn'>;
  readonly server: DdlServer;
  /** The tables that there are before the statement. */
  tables(): Iterable<TableName>;
}

/** Changes the rows of a table and not its definition, which is all that readDdl tells of an ALTER TABLE. */
const MOVES_ROWS = /\b(?:drop|truncate|exchange|discard|import|convert)\s+(?:partition|tablespace|table)\b/i;
/** ALTER TABLE … EXCHANGE PARTITION p WITH TABLE t, CONVERT PARTITION p TO TABLE t, CONVERT TABLE t TO PARTITION p. */
const OTHER_TABLE = /\btable\s+(?:(`[^`]+`|[\w$]+)\s*\.\s*)?(`[^`]+`|[\w$]+)/gi;

/**
 * The captured tables whose rows a statement has taken away, or brought, without a change event for each: TRUNCATE, DROP, a table renamed into or out of what is
 * captured, partitions dropped, emptied and exchanged. Their topics are not what they are any more, until they are loaded again.
 *
 * A table that gh-ost or pt-online-schema-change has built (`_t_gho`, `_t_new`) takes the place of `t` with the rows that `t` had: that is an ALTER TABLE, and
 * like one it makes no row an event.
 */
export function vanishedRows(event: StatementEvent, options: VanishedOptions): readonly string[] {
  const { filter, server } = options;
  const ddl = readDdl(event.sql, event.database, dialectOf(server, event.session));
  switch (ddl?.kind) {
    case 'truncateTable':
      return captured([ddl.table], filter);
    case 'dropTables':
      return ddl.temporary ? [] : captured(ddl.tables, filter);
    case 'dropDatabase': {
      if (!filter.mayMatchIn(ddl.name)) return [];
      const inside = [...options.tables()].filter(({ database }) => database === ddl.name);
      return captured(inside, filter);
    }
    case 'createTable':
      return ddl.orReplace && !ddl.temporary ? captured([ddl.table], filter) : [];
    case 'renameTables':
      return renamed(ddl.renames, filter);
    case 'alterTable': {
      const to = ddl.actions.findLast((action) => action.kind === 'renameTable')?.to;
      if (to !== undefined) return renamed([{ from: ddl.table, to }], filter);
      if (!MOVES_ROWS.test(event.sql)) return [];
      const others = [...event.sql.matchAll(OTHER_TABLE)].map(
        ([, database, name]): TableName => ({
          database: database === undefined ? event.database : unquoted(database),
          name: unquoted(name ?? ''),
        }),
      );
      return captured([ddl.table, ...others], filter);
    }
    default:
      return [];
  }
}

function renamed(
  renames: readonly { readonly from: TableName; readonly to: TableName }[],
  filter: VanishedOptions['filter'],
): readonly string[] {
  const altered = new Set(renames.filter(isGhostSwap).map(({ to }) => nameOf(to)));
  const touched = captured(
    renames.flatMap(({ from, to }) => [from, to]),
    filter,
  );
  return touched.filter((table) => !altered.has(table));
}

/** `from` is what an online schema change has made of the rows of `to`. */
function isGhostSwap({ from, to }: { readonly from: TableName; readonly to: TableName }): boolean {
  const base = /^_+(.+)_(?:gho|new)$/i.exec(from.name)?.[1];
  return from.database === to.database && base?.toLowerCase() === to.name.toLowerCase();
}

function captured(tables: readonly TableName[], filter: VanishedOptions['filter']): string[] {
  return [...new Set(tables.filter(({ database, name }) => filter.matches(database, name)).map(nameOf))];
}

function nameOf({ database, name }: TableName): string {
  return `${database}.${name}`;
}

function unquoted(name: string): string {
  return name.startsWith('`') ? name.slice(1, -1) : name;
}
