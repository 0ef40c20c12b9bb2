/** What the meaning of a statement's text depends on at the server that ran it. */
export interface DdlServer {
  readonly flavor: 'mysql' | 'mariadb';
  /** As a number: 9.7.0 → 90700, 10.11.6 → 101106. */
  readonly version: number;
  /** The server's explicit_defaults_for_timestamp, for statements whose event does not say. False: TIMESTAMP columns are NOT NULL unless said otherwise. Default true. */
  readonly explicitTimestamps?: boolean;
}

/** What it depends on in the session, as the binlog says of each statement. Absent: the binlog does not say. Plain JSON, so that it can be kept with the statement. */
export interface DdlSession {
  /** The bits of sql_mode. */
  readonly sqlMode?: number;
  /** Collation ids: of character_set_client, collation_connection and collation_server. */
  readonly clientCollation?: number;
  readonly connectionCollation?: number;
  readonly serverCollation?: number;
  readonly explicitTimestamps?: boolean;
  /** Ids of the collations that the session takes for those of their character sets (default_collation_for_utf8mb4, MariaDB's character_set_collations). */
  readonly defaultCollations?: readonly number[];
  /** MariaDB's binlog_alter_two_phase logs an ALTER twice, and only the second time has it happened. */
  readonly alterPhase?: 'start' | 'commit' | 'rollback';
}

/** What the meaning of a statement's text depends on: the server, and the session that ran it. */
export interface DdlDialect
  extends DdlServer,
    Pick<DdlSession, 'serverCollation' | 'defaultCollations' | 'alterPhase'> {
  /** `"x"` is a name, not text (sql_mode ANSI_QUOTES). */
  readonly ansiQuotes?: boolean;
  /** A backslash in text is itself (sql_mode NO_BACKSLASH_ESCAPES). */
  readonly noBackslashEscapes?: boolean;
  /** REAL is FLOAT (sql_mode REAL_AS_FLOAT). */
  readonly realAsFloat?: boolean;
  /** DATE is DATETIME, and Oracle's names of types are known (MariaDB's sql_mode ORACLE). */
  readonly oracle?: boolean;
  /** TIMESTAMP is DATETIME (sql_mode MAXDB). */
  readonly maxdb?: boolean;
}

/** sql_mode bits: https://dev.mysql.com/doc/dev/mysql-server/latest/namespacemysql_1_1binlog_1_1event.html (Query_event, Q_SQL_MODE_CODE); equal in MariaDB. */
const SQL_MODE = {
  REAL_AS_FLOAT: 1 << 0,
  ANSI_QUOTES: 1 << 2,
  ORACLE: 1 << 9,
  MAXDB: 1 << 12,
  NO_BACKSLASH_ESCAPES: 1 << 20,
};

/** The dialect of a statement that this session ran on this server. */
export function dialectOf(server: DdlServer, session: DdlSession): DdlDialect {
  const { flavor, version } = server;
  const { serverCollation, defaultCollations, alterPhase } = session;
  const explicitTimestamps = session.explicitTimestamps ?? server.explicitTimestamps;
  // Only the lowest bits matter, so 32 of them are enough.
  const has = (mode: number): boolean => ((session.sqlMode ?? 0) & mode) !== 0;
  const isMariadb = flavor === 'mariadb';
  return {
    flavor,
    version,
    ansiQuotes: has(SQL_MODE.ANSI_QUOTES),
    noBackslashEscapes: has(SQL_MODE.NO_BACKSLASH_ESCAPES),
    realAsFloat: has(SQL_MODE.REAL_AS_FLOAT),
    oracle: isMariadb && has(SQL_MODE.ORACLE),
    maxdb: has(SQL_MODE.MAXDB),
    ...(explicitTimestamps === undefined ? {} : { explicitTimestamps }),
    ...(serverCollation === undefined ? {} : { serverCollation }),
    ...(defaultCollations === undefined ? {} : { defaultCollations }),
    ...(alterPhase === undefined ? {} : { alterPhase }),
  };
}

/** `10.11.6-MariaDB-log` → 101106. */
export function serverVersionNumber(version: string): number {
  const [major = 0, minor = 0, patch = 0] = /\d+(?:\.\d+)*/.exec(version)?.[0].split('.').map(Number) ?? [];
  return major * 10_000 + minor * 100 + patch;
}

/** Since 8.0.19 MySQL shows no display width of integers; MariaDB does. */
export function showsDisplayWidth({ flavor, version }: DdlServer): boolean {
  return flavor === 'mariadb' || version < 80_019;
}
