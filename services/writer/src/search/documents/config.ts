import type { ValueOf } from '@tapline/kernel';

const NAME = '[A-Za-z_][A-Za-z0-9_-]{0,63}';

const TABLE = {
  type: 'text',
  doc: 'The table, as `database.table`.',
  pattern: String.raw`[^.\s]+\.[^\s]+`,
  expected: '`database.table`',
} as const;

const AS = {
  type: 'text',
  doc: 'The member of the document.',
  pattern: NAME,
  expected: 'letters, digits, `_` and `-`, at most 64, with no digit or dash in front',
} as const;

const INCLUDE = {
  type: 'list',
  of: { type: 'text' },
  doc: 'Columns of its rows that the document has. Default: all.',
  default: [],
} as const;

/** One document out of rows of several tables. */
export const DOCUMENT = {
  type: 'group',
  doc: 'A document of rows of several tables. `index` is then one name, and `id` is made of key columns of the root table.',
  optional: true,
  fields: {
    root: { ...TABLE, doc: 'The table of which each row is a document, as `database.table`.' },
    many: {
      type: 'list',
      doc: 'Tables with many rows to a document: each stands in it as a list of objects, in the order of their keys (a `nested` field).',
      default: [],
      of: {
        type: 'group',
        fields: {
          table: TABLE,
          on: {
            type: 'map',
            keys: 'column of this table',
            of: { type: 'text' },
            doc: 'Which document a row belongs to: column of this table → key column of the root table. All key columns of the root are named.',
          },
          as: AS,
          include: INCLUDE,
        },
      },
    },
    one: {
      type: 'list',
      doc: 'Tables that are looked up: the row that the root’s row refers to stands in the document as an object, or null.',
      default: [],
      of: {
        type: 'group',
        fields: {
          table: TABLE,
          on: {
            type: 'map',
            keys: 'column of the root table',
            of: { type: 'text' },
            doc: 'Which row is meant: column of the root table → key column of this table. All its key columns are named.',
          },
          as: AS,
          include: INCLUDE,
        },
      },
    },
    partsIndex: {
      type: 'text',
      doc: 'Index for what documents are made of. Default: the name of the index with `--parts` behind it.',
      optional: true,
    },
    maxItems: {
      type: 'integer',
      doc: 'Rows that one list of a document has at most; the change that goes beyond is poison. The store’s own limit is 10,000 in all lists of a document.',
      unit: 'rows',
      default: 5000,
      min: 1,
      max: 100_000,
    },
    maxBytes: {
      type: 'integer',
      doc: 'Size of a document at most; the change that goes beyond is poison. The writer holds up to 64 documents at once.',
      unit: 'bytes',
      default: 1_048_576,
      min: 1024,
      max: 104_857_600,
    },
  },
} as const;

export type DocumentConfig = ValueOf<{ readonly type: 'group'; readonly fields: typeof DOCUMENT.fields }>;

/** The index in which is kept what the documents of `index` are made of. */
export function partsIndexOf(index: string, { partsIndex }: DocumentConfig): string {
  return partsIndex ?? `${index.toLowerCase()}--parts`;
}
