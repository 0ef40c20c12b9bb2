/** The fields of `source` that say which servers may be read from, and what is done when none of them has everything. */
export const FAILOVER_FIELDS = {
  hosts: {
    type: 'list',
    of: { type: 'address' },
    doc: 'The servers of the topology as `host:port`, instead of `host` and `port`: the reader takes one that has everything that was published, and another one when that is lost. Account and encryption are the same for all.',
    default: [],
  },
  failover: {
    type: 'group',
    doc: 'Which server is read from, and what happens when the history of the one that is left does not fit what was published.',
    fields: {
      prefer: {
        type: 'choice',
        doc: 'Among the servers that have everything. listed: the first of `hosts`. replica, source: one of this kind, when there is one within `lagTimeoutMs`.',
        values: ['listed', 'replica', 'source'],
        default: 'listed',
      },
      lagTimeoutMs: {
        type: 'integer',
        doc: 'How long a server is waited for that lacks transactions only yet (a replica that lags), or that cannot be reached, before another answer is taken.',
        unit: 'ms',
        default: 10_000,
        min: 0,
      },
      policy: {
        type: 'choice',
        doc: 'When the binlog of no server leads on from what was published (purged, reset, or with transactions in front of it that were not there before). fail: stop, with a code. resnapshot: load all tables again, with deletes for rows that are gone.',
        values: ['fail', 'resnapshot'],
        default: 'fail',
      },
      lostTail: {
        type: 'choice',
        doc: 'When transactions were published that the new source never got. fail: stop, with a code. retract: publish each row that they changed as it is on the new source; without GTIDs nothing says which rows these are, so it then stops as fail does. resnapshot: load all tables again.',
        values: ['fail', 'retract', 'resnapshot'],
        default: 'fail',
      },
    },
  },
} as const;
