import type { ValueOf } from '@tapline/kernel';
import { ANSWER_TIMEOUT } from '../../sink-fields.ts';

/** How a column's value is written. */
export const ENCODINGS = ['text', 'boolean', 'short', 'int', 'long', 'float', 'double'] as const;

/** What may stand beside `sink: { type: hbase }`. */
export const HBASE_CONFIG = {
  type: 'group',
  doc: 'HBase 2.4 or later, over its own RPC: a row a row, with the version of the change as the timestamp of its cells, so that the newest is what is seen.',
  fields: {
    masters: {
      type: 'text',
      doc: 'host:port of the masters, separated by commas; any of them that answers tells where the rest is.',
      default: '127.0.0.1:16000',
      pattern: '(\\[[0-9a-fA-F:.]+\\]|[^\\s:/@,]+):\\d{1,5}(\\s*,\\s*(\\[[0-9a-fA-F:.]+\\]|[^\\s:/@,]+):\\d{1,5})*',
      expected: 'host:port, or several separated by commas',
    },
    reachAt: {
      type: 'map',
      default: {},
      keys: 'server',
      of: { type: 'text', pattern: '[^\\s@,]+:\\d{1,5}', expected: 'host:port' },
      doc: 'Servers that are reached elsewhere than where they say they are (a tunnel, a translated network): host:port of a master or region server as HBase knows it, and host:port to connect to.',
    },
    user: {
      type: 'text',
      doc: 'The user that HBase sees (simple authentication; Kerberos is not supported).',
      default: 'tapline',
    },
    table: {
      type: 'text',
      doc: 'Name of the table, `namespace:name` or a name alone: `${source}`, `${db}`, `${table}`, `${topic}` may stand in it.',
      default: '${table}',
    },
    rowKey: {
      type: 'text',
      doc: 'Row key: `${key}` (all key columns as text, separated by colons; colons and per cent signs inside a part of a key of several columns are written %3A and %25), `${key.COLUMN}`, or of fixed width and sorting as the values do: `${key.COLUMN:int64}` (int8, int16, int32, int64, uint8 to uint64), `${key.COLUMN:decimal(20,4)}`, `${key.COLUMN:pad12}` (digits with zeros in front), `${key.COLUMN:text40}` (bytes with zeros behind). `:desc` behind a binary form turns the order round, `:reverse` turns the text or the bytes round. `${salt:16}` (one of 16 prefixes) and `${hash:4}` (4 hexadecimal digits of the MD5 of the key) spread rows over regions.',
      default: '${key}',
    },
    family: { type: 'text', doc: 'Column family of the columns.', default: 'd', pattern: '[A-Za-z0-9_-]{1,100}' },
    families: {
      type: 'map',
      default: {},
      keys: 'column',
      of: { type: 'text', pattern: '[A-Za-z0-9_-]{1,100}' },
      doc: 'Columns that stand in other families.',
    },
    versionFamily: {
      type: 'text',
      doc: 'Column family that has the version of deleted rows, in the column `v`. Read the other families, and rows that were deleted are not there.',
      default: '_v',
      pattern: '[A-Za-z0-9_-]{1,100}',
    },
    encode: {
      type: 'map',
      default: {},
      keys: 'column',
      of: { type: 'choice', values: ENCODINGS },
      doc: 'Columns that are not written as text (binary as it is) but as HBase’s `Bytes.toBytes` writes a boolean, short, int, long, float or double.',
    },
    mode: {
      type: 'choice',
      doc: '`mirror`: the table is as the rows are. `archive`: rows only grow: deletes are left out, and `versions` of each column are kept.',
      values: ['mirror', 'archive'],
      default: 'mirror',
    },
    guard: {
      type: 'choice',
      doc: 'What keeps an old change from coming back. `offsets`: a row is asked for its version before it is written only where something newer of it may have been sent; how far each partition may have been sent is noted in the table. It says enough of a table with rows of one topic of Tapline’s, written by one writer without `transform`, with `onError: stop`, that was empty when the writer began; other rows are always asked for. `versions`: all are, in all tables.',
      values: ['offsets', 'versions'],
      default: 'offsets',
    },
    deletedVersions: {
      type: 'choice',
      doc: 'Whether the version of a deleted row stays in `versionFamily`, so that a replay never brings it back. `forget` leaves nothing, and a replay shows the row until it comes to the delete again.',
      values: ['keep', 'forget'],
      default: 'keep',
    },
    versions: {
      type: 'integer',
      doc: 'Versions of a cell that a table made by the writer keeps. Default: 1, and 1000 with `mode: archive`.',
      optional: true,
      min: 1,
      max: 2_147_483_647,
    },
    create: { type: 'boolean', doc: 'Make tables (and namespaces) that are not there.', default: true },
    regions: {
      type: 'integer',
      doc: 'Regions that a new table begins with: the row key then begins with a salt or a hash.',
      default: 1,
      min: 1,
      max: 10_000,
    },
    splitKeys: {
      type: 'list',
      of: { type: 'text' },
      doc: 'In place of `regions`: row keys, as text, at which regions of a new table begin.',
      default: [],
    },
    compression: {
      type: 'choice',
      doc: 'Compression of a new table’s families. The servers must have the codec.',
      values: ['NONE', 'SNAPPY', 'GZ', 'LZ4', 'ZSTD'],
      default: 'NONE',
    },
    maxValueBytes: {
      type: 'integer',
      doc: 'Largest value; a larger one is poison. The servers have a limit of their own, `hbase.server.keyvalue.maxsize`.',
      unit: 'bytes',
      default: 10_000_000,
      min: 1,
      max: 200_000_000,
    },
    parallelCalls: {
      type: 'integer',
      doc: 'Requests that the rows of a batch for one server are parted into. More than one helps where few lanes meet a slow log.',
      default: 1,
      min: 1,
      max: 64,
    },
    timeoutMs: ANSWER_TIMEOUT,
  },
} as const;

export type HBaseConfig = ValueOf<typeof HBASE_CONFIG>;
