import type { StatementEvent } from '@tapline/binlog';
import { TaplineError } from '@tapline/kernel';
import { addressText, type MysqlAddress } from '@tapline/mysql';

const COMMENT = String.raw`(?:\s|/\*[\s\S]*?\*/|--[^\n]*\n|#[^\n]*\n)*`;
const DML = new RegExp(`^${COMMENT}(?:insert|update|delete|replace|load|call|with)\\b`, 'i');

/** Which databases have captured tables. */
export interface CapturedDatabases {
  mayMatchIn(database: string): boolean;
  readonly names: readonly string[];
}

/**
 * A data change that was logged as its statement: which rows it changed cannot be known. It is refused when it may have touched a captured
 * table: by its default database, or by a database that its text names.
 *
 * @throws TaplineError SOURCE_BINLOG_FORMAT.
 */
export function refuseStatementChange(event: StatementEvent, captured: CapturedDatabases, address: MysqlAddress): void {
  if (!DML.test(event.sql)) return;
  const text = event.sql.toLowerCase();
  const touches =
    captured.mayMatchIn(event.database) || captured.names.some((name) => text.includes(name.toLowerCase()));
  if (!touches) return;
  throw new TaplineError('SOURCE_BINLOG_FORMAT', {
    message: `A change was logged as a statement (${event.sql.trim().split(/\s/, 1)[0]?.toUpperCase()} in ${event.database || 'no database'}), not as rows: which rows it changed cannot be known.`,
    place: {
      address: addressText(address),
      position: event.gtid === '' ? `${event.position.file}:${event.position.position}` : event.gtid,
    },
    remedy:
      "Some session uses binlog_format = STATEMENT or MIXED. SET PERSIST binlog_format = 'ROW'; let applications reconnect, and revoke SESSION_VARIABLES_ADMIN from those that change it. To go on, start the reader over with a new load: delete its progress topic.",
  });
}
