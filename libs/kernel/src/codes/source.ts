import type { ErrorCodeEntry } from './entry.ts';

/** The MySQL or MariaDB source: its server, its binlog, its tables and rows. Sorted by code. */
export const SOURCE_CODES = {
  ROW_PARTIAL: {
    disposition: 'fatal',
    summary:
      'A row came without a column that the writer needs: the source logs parts of rows (source.rowImage: partial).',
    remedy:
      'Write rows as hashes (sink.as: hash), which take the columns that there are, and filter by `op` and key columns only; or set binlog_row_image = FULL on the source.',
  },
  SCHEMA_ALTERED_MEANWHILE: {
    disposition: 'retryable',
    summary: 'Tables are altered faster than their definitions can be read.',
    remedy: 'The reader tries again. Wait until the migration that alters them is done.',
  },
  SCHEMA_DDL_UNREAD: {
    disposition: 'fatal',
    summary: 'A statement in the binlog changes a captured table in a way that cannot be read.',
    remedy:
      'Report the statement. To go on, exclude the table, or rebuild the schema history from the source once the reader has nothing left to read before the statement.',
  },
  SCHEMA_DRIFT: {
    disposition: 'fatal',
    summary: 'The schema history has a captured table otherwise than the source’s information_schema shows it.',
    remedy:
      'The table was altered past the binlog (sql_log_bin = 0, or on this replica only), or a statement was misread: report that. Stop the reader and run `tapline schema rebuild FILE`; history.drift: warn goes on meanwhile.',
  },
  SCHEMA_FORM_CHANGED: {
    disposition: 'fatal',
    summary:
      'Behind a statement older values of a table cannot be read by its new schema: a column has another type, or is new and NOT NULL without a constant DEFAULT (history.incompatible: stop).',
    remedy:
      'Nothing behind the statement is published. When all consumers are ready for it, set history.incompatible: newVersion and start the reader; or exclude the table.',
  },
  SCHEMA_HISTORY_LOST: {
    disposition: 'fatal',
    summary: 'The schema history lacks what the progress record needs: its topic was deleted, or its end is gone.',
    remedy:
      'Nothing is lost. Run `tapline schema rebuild FILE`: it makes the history anew from the source as it is now and the binlog from the progress record on.',
  },
  SCHEMA_HISTORY_MISMATCH: {
    disposition: 'fatal',
    summary: 'A replay does not meet the statement that the schema history has at this place.',
    remedy:
      'The source is another one, or has lost its tail. Where it is the right one, run `tapline schema rebuild FILE`.',
  },
  SCHEMA_HISTORY_UNREADABLE: {
    disposition: 'fatal',
    summary: 'A record of the schema history cannot be read: a newer version wrote it, or somebody else did.',
    remedy: 'Use the newer version; or stop the reader and run `tapline schema rebuild FILE`.',
  },
  SCHEMA_INCOMPATIBLE: {
    disposition: 'fatal',
    summary: 'The schema registry holds the new schema of a table to be incompatible with the one before.',
    remedy:
      "Set the subject's compatibility to NONE or FORWARD (PUT /config/<subject>), or undo the change of the table.",
  },
  SCHEMA_KEY_CHANGED: {
    disposition: 'fatal',
    summary: 'A statement gave a captured table another message key: its rows would change their keys and partitions.',
    remedy:
      'Nothing behind the statement is published. Where the old columns still identify a row, name them under `keys`, and nothing changes. Else exclude the table; or set history.keyChange: continue, start the reader, and load the table again, which deletes the old keys.',
  },
  SCHEMA_MISMATCH: {
    disposition: 'fatal',
    summary: 'What the binlog holds for a table does not fit the schema that Tapline has of it.',
    remedy:
      'The table was altered after the change was written, or while its schema was read. Set `binlog_row_metadata=FULL` on the source; where the message says so, load the table anew.',
  },
  SCHEMA_NO_KEY: {
    disposition: 'fatal',
    summary: 'A captured table has neither a primary key nor a choice in `keys` of the configuration.',
    remedy: 'Add the line that the message shows under `keys`: columns that identify a row, or `append`.',
  },
  SCHEMA_REBUILD_INEXACT: {
    disposition: 'fatal',
    summary: 'The schema history cannot be rebuilt exactly for the place that the reader has come to.',
    remedy:
      'Where the source has binlog_row_metadata=FULL, add --partly: the binlog itself says what the rows in between are. Else load these tables anew, or exclude them, and add --partly.',
  },
  SCHEMA_UNKNOWN: {
    disposition: 'fatal',
    summary: 'Rows came of a table that the schema history does not know.',
    remedy:
      "GRANT SELECT on the table's database to the reader's account, so that it sees the table, and run `tapline schema rebuild FILE`; or exclude the table under `source.exclude`.",
  },
  SCHEMA_UNSUPPORTED: {
    disposition: 'fatal',
    summary: 'A table or column is of a kind that Tapline cannot read.',
    remedy: 'Exclude the table under `source.exclude`, or report the column type.',
  },
  SOURCE_ACCESS_DENIED: {
    disposition: 'fatal',
    summary: 'The MySQL server refused the user or the password.',
    remedy: 'Check `source.user` and `source.password`, and that the account may connect from this host.',
  },
  SOURCE_BEHIND: {
    disposition: 'retryable',
    summary:
      'Every server of the source that answers lacks transactions that were published, and may still get them: replicas that lag.',
    remedy:
      'The reader waits. If replication has stopped, start it again (SHOW REPLICA STATUS), or promote a server; what that one lacks is then lost, and `source.failover.lostTail` says what follows.',
  },
  SOURCE_BINLOG_FORMAT: {
    disposition: 'fatal',
    summary: 'The binary log does not hold rows (binlog_format is not ROW).',
    remedy: 'SET PERSIST binlog_format = ROW; and let the sessions that write reconnect.',
  },
  SOURCE_BINLOG_OFF: {
    disposition: 'fatal',
    summary: 'The MySQL server writes no binary log.',
    remedy: 'Start the server with --log-bin and a --server-id of its own (log_bin cannot be changed while it runs).',
  },
  SOURCE_BINLOG_RESET: {
    disposition: 'fatal',
    summary:
      'The source’s binlog does not have the place that was reached in it: it was begun anew (RESET BINARY LOGS), or has lost its end.',
    remedy:
      'What was committed since the reader’s last place may be gone. Load the tables anew, or point the reader at a server that still has it.',
  },
  SOURCE_DUMP_REFUSED: {
    disposition: 'fatal',
    summary: 'The source refused to send its binlog from the asked position, or stopped sending it.',
    remedy:
      "Read the server's words in the message: often the binlog file is gone (load the tables anew), or another reader uses the same `source.serverId`.",
  },
  SOURCE_ERRANT_GTIDS: {
    disposition: 'fatal',
    summary:
      'The new source has transactions that the old one never had, in front of some that were published: read now, they would put older values over newer ones.',
    remedy:
      'Look at them with `mysqlbinlog --include-gtids` on that server. Load the tables again (`source.failover.policy: resnapshot`), or read from a server without them.',
  },
  SOURCE_EVENT_CORRUPT: {
    disposition: 'fatal',
    summary: 'A binlog event is damaged: its checksum or its contents contradict each other.',
    remedy:
      'Run `mysqlbinlog --verify-binlog-checksum` on the file at the position. If the file is whole, report this with the server version.',
  },
  SOURCE_EVENT_UNSUPPORTED: {
    disposition: 'fatal',
    summary: 'The binlog holds something that Tapline cannot follow without risk of wrong data.',
    remedy: 'Do what the message says about this kind of event.',
  },
  SOURCE_FAILED: {
    disposition: 'fatal',
    summary: 'The MySQL server answered with an error that Tapline does not know.',
    remedy: 'Look the error number up in the MySQL manual; the message has it.',
  },
  SOURCE_GTID_INVALID: {
    disposition: 'fatal',
    summary: 'A text is not a GTID set or GTID position.',
    remedy: 'Write it as the server prints it: `uuid:1-5,uuid:7` (MySQL), `0-1-42` (MariaDB).',
  },
  SOURCE_GTID_OFF: {
    disposition: 'fatal',
    summary: 'The MySQL server numbers no transactions (gtid_mode is OFF).',
    remedy:
      'Turn GTIDs on: SET PERSIST enforce_gtid_consistency = ON; then gtid_mode step by step OFF_PERMISSIVE, ON_PERMISSIVE, ON.',
  },
  SOURCE_INCIDENT: {
    disposition: 'fatal',
    summary: 'The source recorded an incident: changes may be missing from its binlog.',
    remedy: "Read the source's error log for the time of the event, then load the tables anew.",
  },
  SOURCE_LOST_TAIL: {
    disposition: 'fatal',
    summary: 'Transactions were published that the new source never got: they were lost when the old one failed.',
    remedy:
      'Set `source.failover.lostTail`: `retract` publishes the rows that they changed as they are on the new source, `resnapshot` loads all tables again. Or point the reader at a server that has them.',
  },
  SOURCE_MISSING_GRANT: {
    disposition: 'fatal',
    summary: 'The MySQL account lacks a privilege.',
    remedy: 'Run the GRANT that the message shows as an administrator.',
  },
  SOURCE_NO_COMMON_ANCHOR: {
    disposition: 'fatal',
    summary:
      'The source has no GTIDs, is another server than before, and has none of the anchors by which the reader would find its place.',
    remedy:
      'Point the reader at a server that replicates the old source and writes what it replicates to its binlog (log_replica_updates), or load the tables anew: source.failover.policy: resnapshot.',
  },
  SOURCE_OTHER_TOPOLOGY: {
    disposition: 'fatal',
    summary: 'The server has none of the transactions that were read: it belongs to another topology.',
    remedy:
      'Check `source.host` and `source.hosts`. To read another source give it a `name` of its own; to begin anew with this one delete its progress topic.',
  },
  SOURCE_PURGED: {
    disposition: 'fatal',
    summary: 'The source has deleted binlog files that were not read yet.',
    remedy: 'Load the tables anew, and keep binlogs longer (`binlog_expire_logs_seconds`).',
  },
  SOURCE_READ_ONLY_ANCHORS: {
    disposition: 'retryable',
    summary: 'source.anchors is on, and the source is read-only: no anchor can be written.',
    remedy:
      'Read from the server that takes writes, or set source.anchors.enabled to auto or off. A server that is about to be promoted is waited for.',
  },
  SOURCE_ROW_IMAGE: {
    disposition: 'fatal',
    summary: 'The binary log holds only parts of the rows (binlog_row_image is not FULL).',
    remedy:
      'SET PERSIST binlog_row_image = FULL; and let the sessions that write reconnect. Or source.rowImage: partial, when consumers can do with parts of rows.',
  },
  SOURCE_ROW_METADATA: {
    disposition: 'fatal',
    summary: 'binlog_row_metadata is not FULL, so the binlog does not carry the names and types of columns.',
    remedy: "SET PERSIST binlog_row_metadata = 'FULL'; (MariaDB: SET GLOBAL, and the configuration file.)",
  },
  SOURCE_TLS: {
    disposition: 'fatal',
    summary: 'The TLS connection to the MySQL server could not be made.',
    remedy:
      'Check `source.tls`: the certificate authority, the host name in the certificate, and whether the server offers TLS.',
  },
  SOURCE_UNREACHABLE: {
    disposition: 'retryable',
    summary: 'The MySQL server does not answer, or the connection to it was lost.',
    remedy: 'Check `source.host` and `source.port`, the network, and that the server runs.',
  },
  SOURCE_XA_PREPARED: {
    disposition: 'retryable',
    summary:
      'At the first start the source holds prepared XA transactions: neither the first load nor the binlog from now on has their rows.',
    remedy:
      'The reader waits until they are decided. XA RECOVER lists them: XA COMMIT or XA ROLLBACK those that their owner has forgotten.',
  },
  SOURCE_XA_UNKNOWN: {
    disposition: 'fatal',
    summary: 'An XA transaction was committed that had been prepared before this reader began: its rows are not known.',
    remedy: 'Start the reader over with a new load: delete its progress topic.',
  },
} as const satisfies Record<string, ErrorCodeEntry>;
