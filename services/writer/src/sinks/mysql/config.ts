import type { ValueOf } from '@tapline/kernel';
import { MYSQL_ADDRESS_FIELDS } from '@tapline/mysql';

const DDL_CHOICES = ['apply', 'ignore', 'stop'] as const;

/** What may stand beside `sink: { type: mysql }`. */
export const MYSQL_CONFIG = {
  type: 'group',
  doc: 'MySQL, MariaDB or TiDB: a table for each table of the source. How far it is applied is written in the transaction that writes the rows.',
  fields: {
    host: MYSQL_ADDRESS_FIELDS.host as (typeof MYSQL_ADDRESS_FIELDS)['host'],
    port: MYSQL_ADDRESS_FIELDS.port as (typeof MYSQL_ADDRESS_FIELDS)['port'],
    user: MYSQL_ADDRESS_FIELDS.user as (typeof MYSQL_ADDRESS_FIELDS)['user'],
    password: MYSQL_ADDRESS_FIELDS.password as (typeof MYSQL_ADDRESS_FIELDS)['password'],
    tls: MYSQL_ADDRESS_FIELDS.tls as (typeof MYSQL_ADDRESS_FIELDS)['tls'],
    database: {
      type: 'text',
      doc: 'Database that a table goes to: `${db}` and `${table}` are the names in the source.',
      default: '${db}',
    },
    table: {
      type: 'text',
      doc: 'Table that the rows go to: `${db}` and `${table}` are the names in the source.',
      default: '${table}',
    },
    mode: {
      type: 'choice',
      doc: '`upsert`: a row is written whether it is there or not. `replace`: as `upsert`, but columns that a change does not carry get their defaults, and rows that nobody knows give way where they hold its unique values. `insertIgnore`: inserts leave rows alone that are there, updates and deletes leave rows out that are not. `strict`: those are errors; inserts want no row, updates and deletes want one.',
      values: ['upsert', 'replace', 'insertIgnore', 'strict'],
      default: 'upsert',
    },
    order: {
      type: 'choice',
      doc: '`row`: changes of each row in their order, many side by side. `transaction`: whole transactions of the source, in the order of their commits, each in one transaction of the target, one after the other, by one member of the writer. It needs `transactions.topic` at the reader.',
      values: ['row', 'transaction'],
      default: 'row',
    },
    transactionTopic: {
      type: 'text',
      doc: 'With `order: transaction`: the reader’s transaction topic. Default: `<source>.transactions`, after the names of the topics that are read.',
      optional: true,
    },
    createTables: {
      type: 'boolean',
      doc: 'Makes databases and tables that are not there, after the tables of the source: types, character sets, collations and keys.',
      default: true,
    },
    newColumns: {
      type: 'choice',
      doc: 'A change has a column that the table lacks: `add` it after the column of the source, `ignore` the column’s values, or `stop`.',
      values: ['add', 'ignore', 'stop'],
      default: 'add',
    },
    ddl: {
      type: 'group',
      doc: 'What the statements become that changed tables in the source. Each is carried out where it stands among the changes of its tables. TRUNCATE is none of them: the reader publishes what it took away.',
      fields: {
        alterTable: {
          type: 'choice',
          doc: 'ALTER TABLE, CREATE and DROP INDEX, and tables that an online schema change has exchanged: `apply` it to the target’s table, `ignore` it, or `stop` in front of what comes behind it.',
          values: DDL_CHOICES,
          default: 'apply',
        },
        renameTable: {
          type: 'choice',
          doc: 'RENAME TABLE from one captured table to another. Ignored, the table is made under its new name and the reader publishes its rows there.',
          values: DDL_CHOICES,
          default: 'apply',
        },
        dropTable: {
          type: 'choice',
          doc: 'DROP TABLE and DROP DATABASE, and tables that are captured no more. Ignored, the table stays, and the reader publishes the deletes of its rows.',
          values: DDL_CHOICES,
          default: 'ignore',
        },
      },
    },
    origin: {
      type: 'text',
      doc: 'Marks the writer’s transactions and statements with this name, for a reader of this server that leaves them out (`source.skipOrigins`). Letters, digits, `_` and `-`. Empty: no marks.',
      default: '',
    },
    guard: {
      type: 'choice',
      doc: 'What keeps a change from being applied twice or late, in the transaction that writes the rows. `offsets`: how far each partition is applied, where that says enough of a table (one topic, a key of whole numbers or bytes, no other unique key, `mode` upsert or replace, no `transform`, `onError: stop`); the version of each row elsewhere. `versions`: always these.',
      values: ['offsets', 'versions'],
      default: 'offsets',
    },
    stateDatabase: {
      type: 'text',
      doc: 'Database for the offsets of partitions and the versions of rows, a table for each table written to. It is made when it is not there.',
      default: '__tapline',
    },
    connections: {
      type: 'integer',
      doc: 'Connections, and so transactions side by side. Changes that share a row or a unique value wait for each other.',
      default: 4,
      min: 1,
      max: 64,
    },
    batchRows: {
      type: 'integer',
      doc: 'Rows in one statement at most.',
      unit: 'rows',
      default: 500,
      min: 1,
      max: 10_000,
    },
    statementBytes: {
      type: 'integer',
      doc: 'Length of a statement of several rows at most. One row may be as large as the server’s max_allowed_packet.',
      unit: 'bytes',
      default: 1_048_576,
      min: 4096,
      max: 67_108_864,
    },
    timeoutMs: {
      type: 'integer',
      doc: 'How long the server may take to let a connection in, and how long a statement waits for locks of others.',
      unit: 'ms',
      default: 10_000,
      min: 1000,
      max: 600_000,
    },
  },
} as const;

export type MysqlConfig = ValueOf<typeof MYSQL_CONFIG> & {
  /** Of a replay into second tables, never of a file: what they have behind the names of the live ones. */
  readonly suffix?: string;
};
