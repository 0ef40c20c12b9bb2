import type { ValueOf } from '@tapline/kernel';

const COLUMNS = { type: 'list', of: { type: 'text' }, minItems: 1 } as const;

const STEPS = {
  include: { ...COLUMNS, doc: 'Columns to keep; all others are left out.' },
  exclude: { ...COLUMNS, doc: 'Columns to leave out.' },
  rename: {
    type: 'map',
    keys: 'column',
    of: { type: 'text' },
    doc: 'New names of columns. Keys keep the table’s names (`renameKey`).',
  },
  renameKey: {
    type: 'map',
    keys: 'key column',
    of: { type: 'text' },
    doc: 'New names of key columns: what the sink’s key template calls them.',
  },
  mask: {
    type: 'map',
    keys: 'column',
    of: { type: 'choice', values: ['hash', 'fixed', 'null'] },
    doc: 'Hides values: `hash` (SHA-256, keyed with `maskSecret` where that is given), `fixed` (***), `"null"` (in quotes). Of key columns only `hash`.',
  },
  cast: {
    type: 'map',
    keys: 'column',
    of: {
      type: 'choice',
      values: ['text', 'integer', 'number', 'decimal', 'boolean', 'base64', 'hex', 'epochMs'],
    },
    doc: 'Other forms of values: `text` (bytes as UTF-8), `integer` (of any size), `number` (a double), `decimal` (exact, as text), `boolean`, `base64` and `hex` (of bytes), `epochMs` (of a date or time; UTC where it has no zone; NULL for zero dates).',
  },
  flatten: {
    type: 'map',
    keys: 'JSON column',
    of: { type: 'text' },
    doc: 'Puts the members of a JSON object in place of the column, each named by this prefix and its own name (`address: address_`). Objects inside go on with `_`; arrays stay JSON text.',
  },
  template: {
    type: 'map',
    keys: 'column',
    of: { type: 'text' },
    doc: 'Columns made of text and of other columns: `name: "${first} ${last}"`. NULL becomes nothing.',
  },
  constant: {
    type: 'map',
    keys: 'column',
    of: { type: 'either', of: [{ type: 'text' }, { type: 'number' }, { type: 'boolean' }] },
    doc: 'Columns with the same value in every row.',
  },
  compute: {
    type: 'map',
    keys: 'column',
    of: { type: 'text' },
    doc: 'Columns computed of others, by CEL expressions over `row`: `total: "decimal(row.price) * row.quantity"`.',
  },
  filter: {
    type: 'text',
    doc: "Only changes for which this CEL expression holds are written, e.g. `op in ['c', 'u'] && row.status == \"paid\"`. Rows that are in the sink stay as they are there.",
  },
  where: {
    type: 'text',
    doc: 'The sink has only rows for which this CEL expression over `row` holds: a row that ceases to is deleted there.',
  },
  module: {
    type: 'text',
    doc: 'Path of a TypeScript or JavaScript module, from the configuration file’s folder, whose default export is made with `defineTransform`.',
  },
} as const;

const PATTERNS = { type: 'list', of: { type: 'text' }, optional: true } as const;

export const TRANSFORM = {
  type: 'list',
  doc: 'What is done to each change before it is written, step by step. docs/transforms.md has examples.',
  default: [],
  of: {
    type: 'step',
    fields: {
      ...(STEPS as typeof STEPS),
      for: {
        type: 'group',
        doc: 'Steps for the changes of some tables or topics only.',
        fields: {
          tables: { ...(PATTERNS as typeof PATTERNS), doc: '`<database>.<table>`; `*` stands for any characters.' },
          topics: { ...(PATTERNS as typeof PATTERNS), doc: 'Topics; `*` stands for any characters.' },
          steps: {
            type: 'list',
            of: { type: 'step', fields: STEPS as typeof STEPS },
            minItems: 1,
            doc: 'The steps, as outside.',
          },
        },
      },
    },
  },
} as const;

/** One step as it is configured: exactly one of the keys. */
export type TransformStep = ValueOf<typeof TRANSFORM>[number];
export type PlainStep = Extract<TransformStep, { readonly for: unknown }>['for']['steps'][number];
export type MaskKind = 'hash' | 'fixed' | 'null';
export type CastKind = (typeof STEPS)['cast']['of']['values'][number];
