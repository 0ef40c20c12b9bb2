import type { ValueOf } from '@tapline/kernel';
import { ANSWER_TIMEOUT, TLS_FIELDS } from '../../sink-fields.ts';

const TLS = {
  type: 'group',
  doc: 'TLS to every node (and to the sentinels when `sentinel.tls` is on). Present: TLS is used.',
  optional: true,
  fields: {
    ...TLS_FIELDS,
    serverName: {
      type: 'text',
      doc: 'The name that the server’s certificate must carry. Default: the host of the address.',
      optional: true,
    },
  },
} as const;

const SENTINEL = {
  type: 'group',
  doc: 'With mode `sentinel`: how the sentinels name the master and let us in.',
  optional: true,
  fields: {
    name: { type: 'text', doc: 'Name of the master that the sentinels watch.', default: 'mymaster' },
    username: { type: 'text', doc: 'User of the sentinels themselves.', optional: true },
    password: { type: 'text', doc: 'Password of the sentinels themselves.', secret: true, optional: true },
    tls: { type: 'boolean', doc: 'Speak TLS with the sentinels too.', default: false },
  },
} as const;

/** What may stand beside `sink: { type: redis }`. */
export const REDIS_CONFIG = {
  type: 'group',
  doc: 'Redis or Valkey: one value a row, with the version of the row compared in the same atomic step that writes it.',
  fields: {
    mode: {
      type: 'choice',
      doc: 'What stands at `address`: one server, nodes of a cluster, or sentinels.',
      values: ['standalone', 'cluster', 'sentinel'],
      default: 'standalone',
    },
    address: {
      type: 'text',
      doc: 'host:port; several, separated by commas, for a cluster or sentinels.',
      default: '127.0.0.1:6379',
      pattern: '(\\[[0-9a-fA-F:.]+\\]|[^\\s:/@,]+):\\d{1,5}(\\s*,\\s*(\\[[0-9a-fA-F:.]+\\]|[^\\s:/@,]+):\\d{1,5})*',
      expected: 'host:port, or several separated by commas',
    },
    username: { type: 'text', doc: 'ACL user. Default: `default`.', optional: true },
    password: { type: 'text', doc: 'Password of the user.', secret: true, optional: true },
    database: {
      type: 'integer',
      doc: 'Number of the database (SELECT); a cluster has only 0.',
      default: 0,
      min: 0,
      max: 65_535,
    },
    tls: TLS as typeof TLS,
    sentinel: SENTINEL as typeof SENTINEL,
    as: {
      type: 'choice',
      doc: 'A row as a hash (a field a column), as a JSON text, or as a string made by the template `value`; as a member of a set or of a sorted set, or as a part of a counter, named by `collection`. `invalidate` writes nothing: it deletes `key`, which an application fills as a cache.',
      values: ['hash', 'json', 'string', 'set', 'sortedSet', 'counter', 'invalidate'],
      default: 'hash',
    },
    key: {
      type: 'text',
      doc: 'Name of a row’s Redis key: `${source}`, `${db}`, `${table}`, `${topic}`, `${key.COLUMN}` or `${key}` (all key columns, separated by colons; colons and per cent signs inside a part of a key of several columns are written %3A and %25).',
      default: '${table}:${key}',
    },
    value: {
      type: 'text',
      doc: 'With `as: string`: the value, a template over `${row.COLUMN}` and what `key` knows.',
      default: '',
    },
    collection: {
      type: 'text',
      doc: 'With `set`, `sortedSet` and `counter`: name of the Redis key that the row is a part of, a template over `${row.COLUMN}` and what `key` knows.',
      default: '',
    },
    member: {
      type: 'text',
      doc: 'With `set` and `sortedSet`: the row’s member, a template as `collection`; it must name the row. Default: `${key}`. With `counter`: the field, where the collection is a hash of counters; without it the collection itself is the counter.',
      default: '',
    },
    score: {
      type: 'text',
      doc: 'With `sortedSet`: the score, a template as `collection`. A row whose score is NULL is not in the set.',
      default: '',
    },
    amount: {
      type: 'text',
      doc: 'With `counter`: what a row counts, a whole number or a template of one. NULL counts nothing.',
      default: '1',
    },
    versionField: {
      type: 'text',
      doc: 'With `hash` and `json`: the field beside the columns that holds the row’s version, 16 hexadecimal digits. With `json` it comes first.',
      default: '_v',
      pattern: '[A-Za-z0-9_.:-]+',
      expected: 'letters, digits, and _ . : -',
    },
    nullText: {
      type: 'text',
      doc: 'With `hash` and `string`: how SQL NULL is written. Empty: with `hash` the field is left out, as that of a column that the row does not have.',
      default: '',
    },
    ttlSeconds: {
      type: 'integer',
      doc: 'Rows expire this long after their last change. 0: never.',
      unit: 'seconds',
      default: 0,
      min: 0,
      max: 315_360_000,
    },
    onDelete: {
      type: 'choice',
      doc: 'A deleted row is taken away at once, or expires after `expireSeconds` (readers with a stale reference still find it so long).',
      values: ['delete', 'expire'],
      default: 'delete',
    },
    expireSeconds: {
      type: 'integer',
      doc: 'With `onDelete: expire`: how long a deleted row stays.',
      unit: 'seconds',
      default: 60,
      min: 1,
      max: 315_360_000,
    },
    deletedVersionSeconds: {
      type: 'integer',
      doc: 'How long the version of a deleted (or expired) row is remembered, so that a replay does not bring it back. 0: not at all.',
      unit: 'seconds',
      default: 86_400,
      min: 0,
      max: 315_360_000,
    },
    versionPrefix: {
      type: 'text',
      doc: 'Start of the keys that remember versions of deleted rows, and of every row with `string`, `set`, `sortedSet` and `counter`.',
      default: '_tapline:v:',
      pattern: '[^{}\\s]+',
      expected: 'no braces and no blanks',
    },
    batchRows: {
      type: 'integer',
      doc: 'Rows in one script call at most.',
      unit: 'rows',
      default: 100,
      min: 1,
      max: 1000,
    },
    timeoutMs: ANSWER_TIMEOUT,
  },
} as const;

export type RedisConfig = ValueOf<typeof REDIS_CONFIG>;

/** Whether rows are parts of something larger: where a row stood must be taken back when it changes. */
export function isCollection({ as }: RedisConfig): boolean {
  return as === 'set' || as === 'sortedSet' || as === 'counter';
}
