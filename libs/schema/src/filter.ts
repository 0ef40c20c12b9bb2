import { TaplineError } from '@tapline/kernel';
import { compileTablePattern, type LowerCaseTableNames, type TablePattern } from './pattern.ts';

export interface TableFilterOptions {
  /** Patterns of the tables to capture; none: every table of every database that is not the server's own. */
  readonly include: readonly string[];
  /** Patterns of tables to leave out; they win over `include`. */
  readonly exclude?: readonly string[];
  /**
   * `skip` (default): the tables in which gh-ost and pt-online-schema-change build a table's next form are not captured, unless a pattern without a star
   * names one.
   */
  readonly ghostTables?: 'skip' | 'capture';
  /** The server's variable; decides whether `Shop.Orders` and `shop.orders` are one table. */
  readonly lowerCaseTableNames: LowerCaseTableNames;
  /** Config key above `include` and `exclude`, for errors. Default: `source`. */
  readonly path?: string;
}

/** Which tables are captured. Pure: the same answer for the same names, so answers may be kept. */
export interface TableFilter {
  matches(database: string, table: string): boolean;
  /** Whether any table of this database could match; false spares a look into it. */
  mayMatchIn(database: string): boolean;
  /** `include` patterns that none of these tables matches: likely misspelt. */
  unmatched(tables: Iterable<{ readonly database: string; readonly name: string }>): readonly string[];
}

/** The reader's own database on a source, for its anchors. */
export const ANCHOR_DATABASE = '__db_mysync';

/** The server's own databases, and the reader's. They are never captured, whatever the patterns say. */
export const SYSTEM_DATABASES: ReadonlySet<string> = new Set([
  'mysql',
  'information_schema',
  'performance_schema',
  'sys',
  'ndbinfo',
  ANCHOR_DATABASE,
]);

/**
 * `_t_gho`, `_t_ghc`, `_t_del` of gh-ost (https://github.com/github/gh-ost/blob/master/doc/cheatsheet.md), `_t_new`, `_t_old` of pt-online-schema-change
 * (https://docs.percona.com/percona-toolkit/pt-online-schema-change.html), which puts more underscores in front when a name is taken.
 */
const GHOST_TABLE = /^_.+_(?:gho|ghc|del|new|old)$/i;

/** @throws TaplineError CONFIG_INVALID for a pattern that no table can match. */
export function compileTableFilter(options: TableFilterOptions): TableFilter {
  const path = options.path ?? 'source';
  const compile = (texts: readonly string[], key: string): TablePattern[] =>
    texts.map((text, index) => compileTablePattern(text, options.lowerCaseTableNames, `${path}.${key}[${index}]`));
  const include = compile(options.include, 'include');
  const exclude = compile(options.exclude ?? [], 'exclude');
  options.include.forEach((text, index) => {
    refuseSystemDatabase(text, `${path}.include[${index}]`);
  });
  const isSystem = (database: string): boolean => SYSTEM_DATABASES.has(database);
  const skipsGhosts = options.ghostTables !== 'capture';
  const included = (database: string, table: string): boolean => {
    const isGhost = skipsGhosts && GHOST_TABLE.test(table);
    if (include.length === 0) return !isGhost;
    return include.some((pattern) => (pattern.exact || !isGhost) && pattern.matches(database, table));
  };
  return {
    matches: (database, table) =>
      !isSystem(database) && included(database, table) && !exclude.some((pattern) => pattern.matches(database, table)),
    mayMatchIn: (database) =>
      !isSystem(database) && (include.length === 0 || include.some((pattern) => pattern.matchesDatabase(database))),
    unmatched: (tables) => {
      const all = [...tables];
      return include
        .filter((pattern) => !all.some((table) => pattern.matches(table.database, table.name)))
        .map((pattern) => pattern.text);
    },
  };
}

function refuseSystemDatabase(text: string, path: string): void {
  const database = text.split('.', 1)[0]?.replaceAll('`', '').toLowerCase() ?? '';
  if (!SYSTEM_DATABASES.has(database)) return;
  throw new TaplineError('CONFIG_INVALID', {
    message: `The table pattern ${JSON.stringify(text)} can match no table: "${database}" is the server's own database and is never captured.`,
    place: { path },
    remedy: 'Remove the pattern.',
  });
}
