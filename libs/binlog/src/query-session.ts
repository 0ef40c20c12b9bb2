import type { DdlSession } from '@tapline/schema';
import type { EventReader } from './event-reader.ts';

type MutableSession = { -readonly [K in keyof DdlSession]: DdlSession[K] };

/**
 * Status variables of a QUERY: u8 code, value by code, in no order that could be relied on (MariaDB 11.5 writes 131 before 4).
 * Codes 0..20: Query_event of MySQL's statement_events.h; from 128 on: Query_log_event of MariaDB's log_event.h.
 *
 *     0  flags2                 u32           11 invoker                u8 length, user, u8 length, host
 *     1  sql_mode               u64           12 updated databases      u8 count (254: too many), NUL-terminated names
 *     2  catalog                u8 length, text, NUL
 *     3  auto_increment         2 × u16       13 microseconds           u24
 *     4  collations: client, connection, server  3 × u16
 *     5  time zone              u8 length, text                         14, 15 unused
 *     6  catalog                u8 length, text                         16 explicit_defaults_for_timestamp u8
 *     7  lc_time_names          u16           17 xid of an atomic DDL   u64
 *     8  database's collation   u16           18 default_collation_for_utf8mb4 u16
 *     9  tables to update       u64           19 sql_require_primary_key u8
 *     10 original length        u32           20 default_table_encryption u8
 *     128 microseconds u24      129 xid u64   130 flags of an ALTER in two phases: u8, and u64 unless it starts
 *     131 character_set_collations: u8 count, each: u16 collation of the character set, u16 chosen collation
 *
 * What stands behind a code that nobody knows cannot be found; new codes are higher than those that matter here.
 */
export function readSession(variables: EventReader, isMariadb: boolean): DdlSession {
  const session: MutableSession = {};
  while (variables.remaining > 0) {
    const code = variables.u8('status variable');
    const read = code === 0 && isMariadb ? readMariadbFlags : READERS.get(code);
    if (read === undefined) break;
    read(variables, session);
  }
  return session;
}

type ReadVariable = (variables: EventReader, session: MutableSession) => void;

const skip =
  (bytes: number): ReadVariable =>
  (variables) => {
    variables.take(bytes, 'status variable');
  };

const skipText: ReadVariable = (variables) => {
  variables.take(variables.u8('text length'), 'status variable');
};

const ALTER_START = 2;
const ALTER_COMMIT = 4;
const ALTER_ROLLBACK = 8;
const TOO_MANY_DATABASES = 254;

const READERS: ReadonlyMap<number, ReadVariable> = new Map<number, ReadVariable>([
  [0, skip(4)],
  [
    1,
    (variables, session) => {
      session.sqlMode = Number(variables.u64('sql_mode'));
    },
  ],
  [2, (variables) => variables.take(variables.u8('catalog length') + 1, 'catalog')],
  [3, skip(4)],
  [
    4,
    (variables, session) => {
      session.clientCollation = variables.u16('client character set');
      session.connectionCollation = variables.u16('collation_connection');
      session.serverCollation = variables.u16('collation_server');
    },
  ],
  [5, skipText],
  [6, skipText],
  [7, skip(2)],
  [8, skip(2)],
  [9, skip(8)],
  [10, skip(4)],
  [
    11,
    (variables, session) => {
      skipText(variables, session);
      skipText(variables, session);
    },
  ],
  [12, skipDatabases],
  [13, skip(3)],
  [
    16,
    (variables, session) => {
      session.explicitTimestamps = variables.u8('explicit_defaults_for_timestamp') !== 0;
    },
  ],
  [17, skip(8)],
  [
    18,
    (variables, session) => {
      session.defaultCollations = [variables.u16('default_collation_for_utf8mb4')];
    },
  ],
  [19, skip(1)],
  [20, skip(1)],
  [128, skip(3)],
  [129, skip(8)],
  [130, readAlterPhase],
  [131, readDefaultCollations],
]);

/** OPTION_EXPLICIT_DEF_TIMESTAMP of MariaDB's flags2; MySQL has a variable of its own for it, and that only where it matters. */
const EXPLICIT_TIMESTAMPS = 1 << 24;

function readMariadbFlags(variables: EventReader, session: MutableSession): void {
  session.explicitTimestamps = (variables.u32('flags2') & EXPLICIT_TIMESTAMPS) !== 0;
}

function skipDatabases(variables: EventReader): void {
  const count = variables.u8('number of databases');
  if (count === TOO_MANY_DATABASES) return;
  for (let i = 0; i < count; i++) {
    while (variables.u8('database name') !== 0);
  }
}

function readAlterPhase(variables: EventReader, session: MutableSession): void {
  const flags = variables.u8('flags of ALTER');
  if ((flags & ALTER_START) !== 0) session.alterPhase = 'start';
  if ((flags & (ALTER_COMMIT | ALTER_ROLLBACK)) === 0) return;
  session.alterPhase = (flags & ALTER_COMMIT) !== 0 ? 'commit' : 'rollback';
  variables.take(8, 'sequence number of the ALTER that started');
}

function readDefaultCollations(variables: EventReader, session: MutableSession): void {
  const count = variables.u8('number of collations');
  session.defaultCollations = Array.from({ length: count }, () => {
    variables.u16('character set');
    return variables.u16('its collation');
  });
}
