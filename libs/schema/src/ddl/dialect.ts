/** What the meaning of a statement's text depends on: the server, and the session that ran it. */
export interface DdlDialect {
  readonly flavor: 'mysql' | 'mariadb';
  /** As a number: 9.7.0 → 90700, 10.11.6 → 101106. */
  readonly version: number;
  /** `"x"` is a name, not text (sql_mode ANSI_QUOTES). */
  readonly ansiQuotes?: boolean;
  /** A backslash in text is itself (sql_mode NO_BACKSLASH_ESCAPES). */
  readonly noBackslashEscapes?: boolean;
  /** REAL is FLOAT (sql_mode REAL_AS_FLOAT). */
  readonly realAsFloat?: boolean;
  /** False: TIMESTAMP columns are NOT NULL unless said otherwise (explicit_defaults_for_timestamp=OFF). Default true. */
  readonly explicitTimestamps?: boolean;
}

/** Since 8.0.19 MySQL shows no display width of integers; MariaDB does. */
export function showsDisplayWidth({ flavor, version }: DdlDialect): boolean {
  return flavor === 'mariadb' || version < 80_019;
}
