import type { ValueOf } from '@tapline/kernel';
import { ANSWER_TIMEOUT, TLS_FIELDS } from '../sink-fields.ts';
import { DOCUMENT } from './documents/config.ts';
import { jsonObjectOf } from './json-object.ts';

const TLS = {
  type: 'group',
  doc: 'How TLS is spoken where `node` is an https address.',
  optional: true,
  fields: TLS_FIELDS,
} as const;

const TYPES = {
  type: 'group',
  doc: 'How columns are mapped where more than one way makes sense. What is stored (`_source`) is exact in every case; this is about what can be searched.',
  fields: {
    text: {
      type: 'choice',
      doc: 'CHAR, VARCHAR and TEXT: `text` (analysed, with a subfield `keyword`) or `keyword` only.',
      values: ['text', 'keyword'],
      default: 'text',
    },
    decimal: {
      type: 'choice',
      doc: 'DECIMAL: `number` (a scaled_float up to 15 digits, a double beyond: searches round there) or `keyword` (every digit, but no ranges by number).',
      values: ['number', 'keyword'],
      default: 'number',
    },
    unsignedBigint: {
      type: 'choice',
      doc: 'BIGINT UNSIGNED and BIT(64): `unsigned_long`, or `keyword` where the store has no such type.',
      values: ['unsigned_long', 'keyword'],
      default: 'unsigned_long',
    },
    dates: {
      type: 'choice',
      doc: 'DATE, DATETIME and TIMESTAMP: `date` (milliseconds are searched, all digits are stored) or `keyword`.',
      values: ['date', 'keyword'],
      default: 'date',
    },
    zeroDates: {
      type: 'choice',
      doc: 'Dates that no calendar has (`0000-00-00`): `keep` stores the text, which a search by date then does not find; `"null"` (in quotes) stores none.',
      values: ['keep', 'null'],
      default: 'keep',
    },
    json: {
      type: 'choice',
      doc: 'JSON: `flattened` (every leaf a keyword; a document that is no object stands under `value`), `object` (each member gets a field of its own; rows that do not agree in a member’s type are refused), or `keyword` (the text).',
      values: ['flattened', 'object', 'keyword'],
      default: 'flattened',
    },
    geometry: {
      type: 'choice',
      doc: 'Spatial columns: `geo` (GeoJSON; geo_point for POINT, geo_shape for others; those of an SRID other than 0 and 4326 as base64) or `binary` (base64 of what MySQL stores).',
      values: ['geo', 'binary'],
      default: 'geo',
    },
  },
} as const;

/** What may stand beside `sink.type` for both products. */
export const SEARCH_FIELDS = {
  node: {
    type: 'text',
    doc: 'Address of a node; several, separated by commas, are used in turn.',
    default: 'http://127.0.0.1:9200',
    pattern: 'https?://[^\\s,@]+(\\s*,\\s*https?://[^\\s,@]+)*',
    expected: 'http(s)://host:port without a user, or several separated by commas',
  },
  username: { type: 'text', doc: 'User.', optional: true },
  password: { type: 'text', doc: 'Password of the user.', secret: true, optional: true },
  tls: TLS as typeof TLS,
  index: {
    type: 'text',
    doc: 'Name of a row’s index (or of an alias of one index): `${source}`, `${db}`, `${table}`, `${topic}`, `${key.COLUMN}`, `${row.COLUMN}`, or `${row.COLUMN:yyyy.MM}` of a date column. Written in lower case.',
    default: '${table}',
  },
  id: {
    type: 'text',
    doc: 'Name of a row’s document, from its key: `${key}`, `${key.COLUMN}` and what `index` knows, without `${row…}`.',
    default: '${key}',
  },
  routing: {
    type: 'text',
    doc: 'What chooses the shard, a template as `index`. Default: the store’s choice by `id`.',
    optional: true,
  },
  document: DOCUMENT as typeof DOCUMENT,
  pipeline: { type: 'text', doc: 'Ingest pipeline that every document passes.', optional: true },
  manageIndexes: {
    type: 'boolean',
    doc: 'Make missing indexes, and add fields for new columns. Off: the indexes are there and somebody else keeps their mappings.',
    default: true,
  },
  lostIndex: {
    type: 'choice',
    doc: 'When an index that this writer has filled is gone or was made anew: `stop` (its rows must be written again: start the writer over), or `create` (go on with an empty one, for indexes that a retention rule deletes).',
    values: ['stop', 'create'],
    default: 'stop',
  },
  bookIndex: {
    type: 'text',
    doc: 'Index in which writers note which indexes they fill, so that one that was lost while the writer was down is noticed. Empty: it is not.',
    default: 'tapline-writers',
  },
  settings: {
    type: 'text',
    doc: 'Settings of indexes that are made, a JSON object such as `{"number_of_shards": 3}`. Wins over ours.',
    default: '{}',
    check: (value: string): string | undefined => jsonObjectOf(value).problem,
  },
  mappings: {
    type: 'text',
    doc: 'Mappings of indexes that are made, a JSON object such as `{"properties": {"note": {"type": "keyword"}}}`. Its fields win over those made from columns.',
    default: '{}',
    check: (value: string): string | undefined => jsonObjectOf(value).problem,
  },
  types: TYPES as typeof TYPES,
  onDelete: {
    type: 'choice',
    doc: 'A deleted row: `delete` removes the document; `mark` leaves one that has only `deletedField`, whose version is never forgotten.',
    values: ['delete', 'mark'],
    default: 'delete',
  },
  deletedField: {
    type: 'text',
    doc: 'With `onDelete: mark`: the field that is true in documents of deleted rows, and in no others.',
    default: '_deleted',
  },
  deletedVersionSeconds: {
    type: 'integer',
    doc: 'How long the version of a deleted document is remembered (`index.gc_deletes` of indexes that are made), so that a replay does not bring it back for a moment.',
    unit: 'seconds',
    default: 3600,
    min: 1,
    max: 604_800,
  },
  bulkBytes: {
    type: 'integer',
    doc: 'Size of one bulk request at most; one larger document still goes.',
    unit: 'bytes',
    default: 8_388_608,
    min: 1024,
    max: 104_857_600,
  },
  timeoutMs: { ...ANSWER_TIMEOUT, default: 60_000 },
} as const;

type SearchGroup = { readonly type: 'group'; readonly fields: typeof SEARCH_FIELDS };

export type SearchConfig = ValueOf<SearchGroup>;
