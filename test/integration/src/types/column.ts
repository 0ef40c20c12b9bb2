/** The servers of the matrix, oldest first of each kind. The reader refuses 5.7, as its binlog has no names. */
export const MYSQL_SERVERS = ['mysql80', 'mysql'] as const;
export const MARIADB_SERVERS = ['mariadb105', 'mariadb', 'mariadb118'] as const;

export type Server = 'mysql57' | (typeof MYSQL_SERVERS)[number] | (typeof MARIADB_SERVERS)[number];

/** Their binlogs have names of columns and members (binlog_row_metadata=FULL). */
export const NAMED: readonly Server[] = [...MYSQL_SERVERS, ...MARIADB_SERVERS];
export const MYSQL: readonly Server[] = ['mysql57', ...MYSQL_SERVERS];

/** One column of the matrix: how it is made, what it is given, and how its decoded value is said in the words of a SELECT. */
export interface TypeColumn {
  readonly name: string;
  readonly type: string;
  /** SQL expressions, one a row; none for a column that the server fills itself. */
  readonly values: readonly string[];
  /** The SELECT expression whose text is expected; the plain column when absent. */
  readonly select?: string;
  /** The text of a value that avsc decoded. */
  readonly text: (value: never) => string;
  /** All of them, when absent. */
  readonly servers?: readonly Server[];
}
