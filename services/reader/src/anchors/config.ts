/** The group `source.anchors`. */
export const ANCHOR_FIELDS = {
  type: 'group',
  doc: 'Rows that the reader writes into the table `__db_mysync.t_binlog_record` of the source: places that are known again on every server that replicates them, and whose way back through the binlog is the lag.',
  fields: {
    enabled: {
      type: 'choice',
      doc: 'auto: where the source has no GTIDs, and the account may write them: a server that has replaced the source is read on from there. on: always, also for the lag of a source with GTIDs; where they cannot be written, the reader does not start. off: never.',
      values: ['auto', 'on', 'off'],
      default: 'auto',
    },
    intervalMs: {
      type: 'integer',
      doc: 'Time between two rows: what is replayed at most after a failover without GTIDs, besides what the new source lagged behind.',
      unit: 'ms',
      default: 5000,
      min: 100,
    },
    retentionRows: {
      type: 'integer',
      doc: 'Rows that stay in the table; older ones are deleted now and then. A replica that is further behind is not found.',
      unit: 'rows',
      default: 100_000,
      min: 100,
    },
    user: {
      type: 'text',
      doc: 'Account that writes them, with SELECT, INSERT and DELETE on `__db_mysync.*` (and CREATE, to make the table). Empty: that of the source.',
      default: '',
    },
    password: { type: 'text', doc: 'Its password.', secret: true, default: '' },
  },
} as const;
