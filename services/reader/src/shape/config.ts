import type { ValueOf } from '@tapline/kernel';

const MIN_SALT_CHARACTERS = 16;

const OUTBOX_FIELD = {
  type: 'group',
  optional: true,
  doc: 'The table is an outbox: each row inserted into it is an event of an application, and goes by its columns to a topic of its own kind, as Debezium’s event router does it. Updates and deletes of its rows publish nothing, and the first load leaves the table out.',
  fields: {
    topic: {
      type: 'text',
      doc: 'Topic of an event; `${type}` is the value of the column `type`. What Kafka does not allow in a topic’s name becomes `_`.',
      default: 'outbox.event.${type}',
    },
    type: { type: 'text', doc: 'Column with the kind of thing that the event is about.', default: 'aggregatetype' },
    key: {
      type: 'text',
      doc: 'Column whose value is the message key: events of one key keep their order.',
      default: 'aggregateid',
    },
    payload: {
      type: 'text',
      doc: 'Column whose value is the message, byte by byte (of a text in UTF-8). NULL is a tombstone.',
      default: 'payload',
    },
    id: { type: 'text', doc: 'Column that goes as the header `id`.', default: 'id' },
    headers: {
      type: 'map',
      of: { type: 'text' },
      keys: '<header>',
      doc: 'More headers, and the columns whose values they have.',
      default: {},
    },
  },
} as const;

const RULE_FIELD = {
  type: 'group',
  fields: {
    tables: {
      type: 'list',
      of: { type: 'text' },
      minItems: 1,
      doc: 'Patterns of the tables that the rule is for: `database.table`, with `*` for any characters.',
    },
    optional: {
      type: 'boolean',
      doc: 'Whether the rule also fits tables that lack some of the columns it names. Otherwise such a table is refused, so that a misspelt or renamed column is never published as it is.',
      default: false,
    },
    exclude: { type: 'list', of: { type: 'text' }, doc: 'Columns that are in no message and no schema.', default: [] },
    mask: {
      type: 'map',
      of: { type: 'text' },
      keys: '<column>',
      doc: 'Columns whose values are all replaced by this one, written as MySQL prints it. NULL stays NULL.',
      default: {},
    },
    hash: {
      type: 'list',
      of: { type: 'text' },
      doc: 'Columns whose values are replaced by their HMAC-SHA-256 with `shape.salt`, in hex. Equal values have equal hashes, whatever the column’s type. NULL stays NULL. Columns of the key can be hashed.',
      default: [],
    },
    truncate: {
      type: 'map',
      of: { type: 'integer', min: 0 },
      keys: '<column>',
      doc: 'Columns of which only so many characters (of binary columns: bytes) are published.',
      default: {},
    },
    operations: {
      type: 'list',
      of: { type: 'choice', values: ['create', 'update', 'delete'] },
      minItems: 1,
      optional: true,
      doc: 'What is published: rows inserted, updated, deleted. Without it all of them. Rows of the first load always are.',
    },
    where: {
      type: 'text',
      optional: true,
      doc: 'Only rows of which this is true are published. An update that makes it true is published as a create, one that makes it untrue as a delete. docs/operations.md says what it may hold.',
    },
    topic: {
      type: 'text',
      optional: true,
      doc: 'Name of the topic, in place of `${source}.${database}.${table}`.',
    },
    sharedTopic: {
      type: 'choice',
      values: ['refuse', 'tableInKey', 'uniqueKeys'],
      default: 'refuse',
      doc: 'When `topic` gives several tables one topic. refuse: the reader does not start. tableInKey: keys get the table’s full name as their first field `__dbz__physicalTableIdentifier`. uniqueKeys: no two of the tables ever hold the same key, which is not checked.',
    },
    partitions: {
      type: 'integer',
      min: 1,
      optional: true,
      doc: 'Partitions of the topic, in place of `topics.partitions`.',
    },
    config: {
      type: 'map',
      of: { type: 'text' },
      keys: '<topic setting>',
      doc: 'Settings of the topic at its creation, over those of `topics.config`.',
      default: {},
    },
    outbox: OUTBOX_FIELD,
  },
} as const;

/** What of the tables is published, and how. */
export const SHAPE_FIELD = {
  type: 'group',
  doc: 'What of the tables is published, and in which form. All rules that match a table hold, in their order: of two that say something of the same column, or of the same setting, the later one counts.',
  fields: {
    salt: {
      type: 'text',
      secret: true,
      optional: true,
      doc: 'Secret of `hash`, 16 characters at least. With another one all hashes are others.',
      check: (value: string): string | undefined =>
        value.length < MIN_SALT_CHARACTERS ? `it must have at least ${MIN_SALT_CHARACTERS} characters` : undefined,
    },
    rules: { type: 'list', of: RULE_FIELD, doc: 'The rules.', default: [] },
  },
} as const;

/** What becomes of large transactions. */
export const TRANSACTION_FIELDS = {
  topic: {
    type: 'boolean',
    doc: 'The topic `<name>.transactions` says of each transaction with published changes when it begins and ends, and how many changes of each table it has, as Debezium’s transaction metadata does. Needs GTIDs.',
    default: false,
  },
  retentionMs: {
    type: 'integer',
    doc: 'How long the topic `<name>.transactions` keeps its records, when it is made; -1: for good.',
    unit: 'ms',
    default: 7 * 24 * 3600 * 1000,
    min: -1,
  },
  maxBytes: {
    type: 'integer',
    doc: 'Transactions with more binlog than this are oversize; 0: none is. MySQL from 8.0.2 says how long a transaction is in front of it (compressed ones: as compressed). Elsewhere, and with `only: deletes`, rows wait in the temporary file until it is known what becomes of them. The rows of XA transactions are always published.',
    unit: 'bytes',
    default: 0,
    min: 0,
  },
  oversize: {
    type: 'choice',
    doc: 'publish: oversize transactions are published like all others. skip: nothing of them is published. announce: neither, but the log tells of each, and the topic `<name>.transactions`, where it is on, has a record SKIPPED with the counts of its tables.',
    values: ['publish', 'skip', 'announce'],
    default: 'publish',
  },
  only: {
    type: 'choice',
    doc: 'all: every oversize transaction. deletes: only those that do nothing but delete rows of captured tables, such as purges after archiving.',
    values: ['all', 'deletes'],
    default: 'all',
  },
} as const;

export type ShapeConfig = ValueOf<typeof SHAPE_FIELD>;
export type ShapeRule = ShapeConfig['rules'][number];
export type OutboxConfig = NonNullable<ShapeRule['outbox']>;
