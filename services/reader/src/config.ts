import { KAFKA_FIELDS, PRODUCER_FIELDS } from '@tapline/kafka';
import type { ConfigDeclaration, ConfigOf, ServiceConfig } from '@tapline/kernel';
import { MYSQL_ADDRESS_FIELDS } from '@tapline/mysql';
import { REGISTRY_FIELD } from '@tapline/registry';
import { ANCHOR_FIELDS } from './anchors/config.ts';
import { FAILOVER_FIELDS } from './failover/config.ts';
import { LEADERSHIP_FIELD } from './leadership/config.ts';
import { SHAPE_FIELD, TRANSACTION_FIELDS } from './shape/config.ts';

const MIB = 1024 * 1024;

export const READER_CONFIG = {
  name: 'reader',
  doc: 'Follows one MySQL or MariaDB source and publishes the changes of its tables to Kafka.',
  fields: {
    name: {
      type: 'text',
      doc: 'Name of the source: the prefix of its topics, and part of every message.',
      pattern: '[A-Za-z0-9._-]{1,100}',
      expected: 'letters, digits, dot, dash and underscore, at most 100',
    },
    source: {
      type: 'group',
      doc: 'The server to read from, and what of it.',
      fields: {
        ...(MYSQL_ADDRESS_FIELDS as typeof MYSQL_ADDRESS_FIELDS),
        ...FAILOVER_FIELDS,
        serverId: {
          type: 'integer',
          doc: 'The id under which the server knows this reader; unique among its replicas. 0 makes one from the name.',
          default: 0,
          min: 0,
          max: 4_294_967_295,
        },
        include: {
          type: 'list',
          of: { type: 'text' },
          doc: 'Patterns of the tables to capture: `database.table`, with `*` for any characters. Empty: every table.',
          default: [],
        },
        exclude: { type: 'list', of: { type: 'text' }, doc: 'Patterns of tables to leave out; they win.', default: [] },
        ghostTables: {
          type: 'choice',
          doc: 'skip: tables in which gh-ost and pt-online-schema-change build the next form of a table (`_t_gho`, `_t_ghc`, `_t_del`, `_t_new`, `_t_old`) are not captured, even where a pattern matches them; one that a pattern without a star names is. capture: they are tables like any other.',
          values: ['skip', 'capture'],
          default: 'skip',
        },
        skipOrigins: {
          type: 'list',
          of: { type: 'text' },
          doc: 'Names of origins (`sink.origin` of writers that fill this server): their transactions are not published, and their statements not passed on. For two servers that are copies of each other.',
          default: [],
        },
        rowImage: {
          type: 'choice',
          doc: 'full: every row carries all its columns (binlog_row_image = FULL, or MariaDB’s FULL_NODUP); one that does not is refused. partial: MINIMAL and NOBLOB too: columns outside the key may be missing; they are null then, and named in the message’s `absent`. Topics are not compacted in this mode, because one record no longer holds the whole row.',
          values: ['full', 'partial'],
          default: 'full',
        },
        heartbeatMs: {
          type: 'integer',
          doc: 'The source speaks at least this often; after four silent periods the connection counts as lost.',
          unit: 'ms',
          default: 1000,
          min: 100,
        },
        watchMs: {
          type: 'integer',
          doc: 'How often the source is asked, on a connection of its own, what it has executed and which binlog files it keeps: what lag and headroom are told from.',
          unit: 'ms',
          default: 10_000,
          min: 200,
        },
        bufferBytes: {
          type: 'integer',
          doc: 'Binlog held in memory before the socket is paused. One event larger than this is still held whole.',
          unit: 'bytes',
          default: 4 * MIB,
          min: 64 * 1024,
        },
        anchors: ANCHOR_FIELDS,
        spillFolder: {
          type: 'text',
          doc: 'Folder for the temporary file in which compressed transactions and prepared XA transactions wait when they are larger than 8 MiB. On a disk: a folder in memory counts against the memory of the process or pod. Empty: the folder of the system.',
          default: '',
        },
      },
    },
    keys: {
      type: 'map',
      keys: '<database>.<table>',
      of: {
        type: 'either',
        of: [
          { type: 'choice', values: ['append'] },
          { type: 'list', of: { type: 'text' }, minItems: 1 },
        ],
      },
      doc: 'Message key of a table: columns that identify a row, instead of the primary key; or `append` for a table without one: every change is kept as it comes, in a topic that is not compacted, and the first load leaves the table out.',
      default: {},
    },
    kafka: {
      type: 'group',
      doc: 'The Kafka cluster to publish to.',
      fields: {
        ...(KAFKA_FIELDS as typeof KAFKA_FIELDS),
        ...(PRODUCER_FIELDS as typeof PRODUCER_FIELDS),
      },
    },
    topics: {
      type: 'group',
      doc: 'The topics `<name>.<database>.<table>` that the reader makes.',
      fields: {
        partitions: {
          type: 'integer',
          doc: 'Partitions of each topic. Cannot be changed later: keys would move.',
          default: 8,
          min: 1,
        },
        replicationFactor: {
          type: 'integer',
          doc: 'Copies of each partition; 3 where there are three brokers.',
          default: 1,
          min: 1,
        },
        tombstones: {
          type: 'boolean',
          doc: 'After the delete event of a row, a record without a value, so that compaction removes the key.',
          default: true,
        },
        oversize: {
          type: 'group',
          doc: 'Records that are larger than their topic takes (its `max.message.bytes`, compression not counted).',
          fields: {
            policy: {
              type: 'choice',
              doc: 'stop: the reader stops before such a record. claimCheck: the whole value goes in pieces to the topic `<name>.claims`, the record itself goes without its long texts and bytes, with a header `claim` that says where they are; Tapline’s writers put them together again.',
              values: ['stop', 'claimCheck'],
              default: 'stop',
            },
            retentionMs: {
              type: 'integer',
              doc: 'How long the topic `<name>.claims` keeps values, when it is made; -1: for good. A writer that reads a record later than that finds its value gone.',
              unit: 'ms',
              default: -1,
              min: -1,
            },
          },
        },
        config: {
          type: 'map',
          of: { type: 'text' },
          keys: '<topic setting>',
          doc: 'Further settings of topics at their creation, such as `min.insync.replicas: "2"`.',
          default: {},
        },
      },
    },
    beforeImage: {
      type: 'choice',
      doc: 'Whether updates carry the row as it was before. none: `before` is null in them, and an update is half as long. Deletes carry it always.',
      values: ['full', 'none'],
      default: 'full',
    },
    format: {
      type: 'variants',
      doc: 'How keys and values are written. Cannot be changed for topics that are there: their keys would be others.',
      by: 'type',
      default: 'avro',
      variants: {
        avro: {
          type: 'group',
          doc: 'Avro in Confluent’s framing; the schemas are in the registry.',
          fields: {
            cloudEvents: {
              type: 'boolean',
              doc: 'Records are CloudEvents in binary mode: the attributes are in headers `ce_…`, keys and values stay as they are.',
              default: false,
            },
          },
        },
        json: {
          type: 'group',
          doc: 'JSON as Kafka Connect’s JsonConverter writes it. No registry is used.',
          fields: {
            schemas: {
              type: 'boolean',
              doc: 'Each key and value carries its schema: `{"schema": …, "payload": …}`. Without schemas messages are a fraction as long, but exact types are not to be told from them, so that writers cannot read them.',
              default: true,
            },
            cloudEvents: {
              type: 'boolean',
              doc: 'Values are CloudEvents in structured mode (`application/cloudevents+json`), with the value as their `data`.',
              default: false,
            },
          },
        },
      },
    },
    registry: REGISTRY_FIELD as typeof REGISTRY_FIELD,
    shape: SHAPE_FIELD,
    transactions: {
      type: 'group',
      doc: 'Transactions as wholes.',
      fields: { ...TRANSACTION_FIELDS },
    },
    history: {
      type: 'group',
      doc: 'What happens when a table of the source is altered whose changes are published already.',
      fields: {
        keyChange: {
          type: 'choice',
          doc: 'A statement gives the table another message key (other columns, another name or type of one). stop: the reader stops in front of it. newTopic: the table goes on in a topic of its own, `<topic>.v2` and so on, into which its rows are loaded. continue: changes go on under the new keys, in other partitions than before; the records under the old keys stay in the topic until the table is loaded again.',
          values: ['stop', 'newTopic', 'continue'],
          default: 'stop',
        },
        drift: {
          type: 'choice',
          doc: 'The schema history and the source’s information_schema differ in a captured table, at a place where they must be equal: a statement was misread, or the table was altered past the binlog. stop: the reader stops with what differs. warn: it is logged as an error and counted.',
          values: ['stop', 'warn'],
          default: 'stop',
        },
        checkAfterMs: {
          type: 'integer',
          doc: 'How long after a statement on a captured table they are compared; all captured tables are when the reader starts.',
          unit: 'ms',
          default: 10_000,
          min: 100,
        },
        incompatible: {
          type: 'choice',
          doc: 'A statement gives a column a type as which its older values cannot be read, or adds a NOT NULL column of which nobody can tell what older rows have in it (Avro’s schema resolution; a constant DEFAULT tells). newVersion: a new version of the schema is registered, and each record names its own. newTopic: the table goes on in a topic of its own, `<topic>.v2` and so on, into which its rows are loaded. stop: the reader stops in front of it.',
          values: ['newVersion', 'newTopic', 'stop'],
          default: 'newVersion',
        },
      },
    },
    snapshot: {
      type: 'group',
      doc: 'The load of tables: what they hold already, read in pieces while the stream runs.',
      fields: {
        mode: {
          type: 'choice',
          doc: 'initial: every table is loaded once, at the first start or when it is captured later. never: changes only.',
          values: ['initial', 'never'],
          default: 'initial',
        },
        vanishedRows: {
          type: 'choice',
          doc: 'What becomes of a table whose rows come or go without change events: TRUNCATE, DROP TABLE, partitions dropped or exchanged, a table renamed into or out of what is captured. reload: it is loaded again while the stream goes on, and keys that its topic holds and the table does not are deleted. log: a warning, and its topic stays as it is; so it is too with `mode: never`.',
          values: ['reload', 'log'],
          default: 'reload',
        },
        chunkRows: { type: 'integer', doc: 'Rows of one piece.', unit: 'rows', default: 10_000, min: 1 },
        chunkBytes: {
          type: 'integer',
          doc: 'A piece ends earlier when its rows take more memory than this.',
          unit: 'bytes',
          default: 16 * MIB,
          min: 64 * 1024,
        },
      },
    },
    start: {
      type: 'group',
      doc: 'Where to start when there is no progress yet. Later the progress record alone counts.',
      fields: {
        from: {
          type: 'choice',
          doc: 'latest: with what is committed from now on. earliest: with the oldest transaction that the source still has.',
          values: ['latest', 'earliest'],
          default: 'latest',
        },
        gtidSet: {
          type: 'text',
          doc: 'Start after exactly this GTID set (MariaDB: GTID position) instead.',
          default: '',
        },
      },
    },
    leadership: LEADERSHIP_FIELD,
    progress: {
      type: 'group',
      doc: 'How often the place in the binlog is made durable. A restart replays what came after it, without publishing it twice.',
      fields: {
        intervalMs: {
          type: 'integer',
          doc: 'Least time between two progress records. With more than 2,500 topics it is as many times longer, because a record says the place in each.',
          unit: 'ms',
          default: 1000,
          min: 10,
        },
        idleMs: {
          type: 'integer',
          doc: 'A progress record is written at least this often also when nothing happens at the source, as long as it gives signs of life: so the age of the newest one tells of a reader that is stuck.',
          unit: 'ms',
          default: 10_000,
          min: 10,
        },
      },
    },
  },
} as const satisfies ConfigDeclaration;

export type ReaderConfig = ConfigOf<typeof READER_CONFIG> & ServiceConfig;
