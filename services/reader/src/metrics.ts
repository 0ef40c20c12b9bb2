import type { MetricTable } from '@tapline/kernel';

export const READER_METRICS = {
  rows: {
    type: 'counter',
    name: 'tapline_reader_rows_total',
    doc: 'Row changes taken from the binlog, of captured tables.',
  },
  transactions: {
    type: 'counter',
    name: 'tapline_reader_transactions_total',
    doc: 'Transactions passed, of any table.',
  },
  records: {
    type: 'counter',
    name: 'tapline_reader_records_total',
    doc: 'Records handed to Kafka: changes, tombstones and rows of the first load.',
  },
  skipped: {
    type: 'counter',
    name: 'tapline_reader_records_skipped_total',
    doc: 'Records that stood in the topics already when the reader was restarted.',
  },
  claims: {
    type: 'counter',
    name: 'tapline_reader_claims_total',
    doc: 'Values put aside in the claims topic because their topics do not take them (`topics.oversize`).',
  },
  leftOut: {
    type: 'counter',
    name: 'tapline_reader_transactions_left_out_total',
    doc: 'Transactions with changes of captured tables that were not published for their size (`transactions.oversize`).',
  },
  claimBytes: {
    type: 'counter',
    name: 'tapline_reader_claim_bytes_total',
    doc: 'Bytes of the values put aside in the claims topic.',
  },
  failovers: {
    type: 'counter',
    name: 'tapline_reader_failovers_total',
    doc: 'How often the reader went on from another server than before.',
  },
  leader: {
    type: 'gauge',
    name: 'tapline_reader_leader',
    doc: '1 while this reader works, 0 while it stands by. Over all readers of a source it is 1 together, and shortly 0 at a takeover.',
  },
  epoch: {
    type: 'gauge',
    name: 'tapline_reader_epoch',
    doc: 'Lives of the source’s readers so far, as counted by the newest progress record of this one; 0 while it stands by.',
  },
  takeovers: {
    type: 'counter',
    name: 'tapline_reader_takeovers_total',
    doc: 'How often this process began to lead.',
  },
  lostTransactions: {
    type: 'counter',
    name: 'tapline_reader_lost_transactions_total',
    doc: 'Transactions with published changes that the new source of a failover never got.',
  },
  lostRecords: {
    type: 'counter',
    name: 'tapline_reader_lost_records_total',
    doc: 'Records that had been published of them.',
  },
  snapshotRows: {
    type: 'counter',
    name: 'tapline_reader_snapshot_rows_total',
    doc: 'Rows published by the first load.',
    labels: ['table'],
  },
  snapshotTablesLeft: {
    type: 'gauge',
    name: 'tapline_reader_snapshot_tables_left',
    doc: 'Tables that the first load has still to finish.',
  },
  progressAge: {
    type: 'gauge',
    name: 'tapline_reader_progress_age_seconds',
    doc: 'Time since the newest durable progress record was written, or since the process began when there is none. It stays below `progress.idleMs` and some seconds also when nothing happens at the source, and grows whatever the reader is stuck at. NaN while it stands by.',
  },
  lag: {
    type: 'gauge',
    name: 'tapline_reader_lag_seconds',
    doc: 'How old the newest state of the source is that the reader has passed: 0 when the source had nothing more when it was last asked (`source.watchMs`), growing with the clock when the stream is dead, is behind, or the source cannot be asked. NaN while the reader stands by.',
  },
  binlogBehind: {
    type: 'gauge',
    name: 'tapline_reader_binlog_behind_bytes',
    doc: 'Binlog between the reader’s durable place and the end of the source’s. NaN when not known.',
  },
  binlogHeadroomBytes: {
    type: 'gauge',
    name: 'tapline_reader_binlog_headroom_bytes',
    doc: 'Binlog that the source keeps and the reader needs no more: so much can be purged without harm. NaN when not known.',
  },
  binlogRoomBytes: {
    type: 'gauge',
    name: 'tapline_reader_binlog_room_bytes',
    doc: 'What the source can still write before it purges the binlog file that the reader needs, for the size of all files together (`max_binlog_total_size`, Percona Server: `binlog_space_limit`); +Inf where that is not limited, NaN when not known.',
  },
  binlogHeadroomSeconds: {
    type: 'gauge',
    name: 'tapline_reader_binlog_headroom_seconds',
    doc: 'At least so long the source keeps the binlog file that the reader needs (`binlog_expire_logs_seconds`); +Inf where it keeps files whatever their age (also `binlog_expire_logs_auto_purge=OFF`), NaN when not known.',
  },
  sessionFailures: {
    type: 'counter',
    name: 'tapline_reader_session_failures_total',
    doc: 'Sessions that ended with an error, by its code; the next one goes on from the progress record.',
    labels: ['code'],
  },
  trouble: {
    type: 'gauge',
    name: 'tapline_reader_trouble',
    doc: '1 while something is the matter and no progress has become durable since; /state says what, with code and remedy.',
  },
  roundTrip: {
    type: 'gauge',
    name: 'tapline_reader_roundtrip_seconds',
    doc: 'From writing an anchor at the source to the acknowledgement of everything in front of it by Kafka, of the newest one that came back, or longer, while one is under way for longer. NaN when none are written (`source.anchors`).',
  },
  xaUndecided: {
    type: 'gauge',
    name: 'tapline_reader_xa_undecided',
    doc: 'XA transactions that were prepared and whose outcome the binlog has not told yet.',
  },
  xaOldest: {
    type: 'gauge',
    name: 'tapline_reader_xa_undecided_oldest_seconds',
    doc: 'How long the oldest of them has been waiting. MariaDB, and sources without GTIDs: as long, no progress record is written.',
  },
  spilledBytes: {
    type: 'gauge',
    name: 'tapline_reader_spilled_bytes',
    doc: 'Binlog in the temporary file: large compressed transactions and prepared XA transactions.',
  },
  schemaVersion: {
    type: 'gauge',
    name: 'tapline_reader_schema_version',
    doc: 'The newest version of the schema history that is applied.',
  },
  schemaDifferent: {
    type: 'gauge',
    name: 'tapline_reader_schema_different',
    doc: 'Captured tables that the schema history has otherwise than the source shows them (history.drift: warn).',
  },
  binlogBytes: { type: 'counter', name: 'tapline_reader_binlog_bytes_total', doc: 'Bytes of binlog read.' },
} as const satisfies MetricTable;
