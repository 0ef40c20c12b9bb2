import { expect, test } from '@jest/globals';
import { SERVICE_CONFIG } from '../service-config.ts';
import type { ConfigDeclaration } from './fields.ts';
import { describeKeys, helpText } from './help.ts';
import { deployedSchema, jsonSchema } from './json-schema.ts';
import { configReference, errorReference, metricsReference } from './reference.ts';

const DECLARATION = {
  name: 'sample',
  doc: 'A sample.',
  fields: {
    name: { type: 'text', doc: 'Name a | b.', pattern: '[a-z]+' },
    waitMs: { type: 'integer', doc: 'Wait.', unit: 'ms', default: 5, min: 1, max: 9 },
    password: { type: 'text', doc: 'Password.', secret: true, optional: true },
    keys: { type: 'map', doc: 'Keys.', of: { type: 'list', of: { type: 'text' } }, default: {} },
    sink: {
      type: 'variants',
      doc: 'Sink.',
      by: 'type',
      variants: {
        redis: { type: 'group', doc: 'Redis.', fields: { address: { type: 'address', doc: 'Where.' } } },
        mysql: { type: 'group', doc: 'MySQL.', fields: { address: { type: 'address', doc: 'Where.' } } },
      },
    },
    steps: { type: 'list', doc: 'Steps.', default: [], of: { type: 'step', fields: { include: { type: 'text' } } } },
  },
} as const satisfies ConfigDeclaration;

test('every key is described, with what it expects and when it counts', () => {
  const keys = describeKeys(DECLARATION).map(({ key, when }) => (when === undefined ? key : `${key} (${when})`));
  expect(keys).toEqual([
    'name',
    'waitMs',
    'password',
    'keys',
    'sink',
    'sink.type',
    'sink.address (sink.type = redis)',
    'sink.address (sink.type = mysql)',
    'steps',
  ]);
});

test('the page has a row a key, and each variable once', () => {
  const page = configReference(DECLARATION);
  expect(page).toContain('| `name` | text | required | Name a \\| b. |');
  expect(page).toContain('| `waitMs` | an integer from 1 to 9 (ms) | `5` | Wait. |');
  expect(page).toContain('| `sink.address` | host:port | required | With `sink.type = redis`. Where. |');
  expect(page.match(/TAPLINE_SAMPLE_SINK_ADDRESS/g)).toHaveLength(1);
  expect(helpText(DECLARATION, { usage: 'x', summary: 'y' })).toContain(
    '--waitMs  (an integer from 1 to 9 (ms); default 5)',
  );
});

test('the schema refuses unknown keys and knows types, bounds and variants', () => {
  const schema = jsonSchema(DECLARATION, 'urn:sample');
  expect(schema).toMatchObject({
    type: 'object',
    additionalProperties: false,
    properties: {
      name: { type: 'string', pattern: '^(?:[a-z]+|\\$\\{env:[^}]+\\})$' },
      waitMs: { type: ['integer', 'string'], minimum: 1, maximum: 9, default: 5, description: 'Wait. Unit: ms.' },
      password: { writeOnly: true },
      keys: {
        type: ['object', 'string'],
        additionalProperties: { type: ['array', 'string'], items: { type: 'string' } },
      },
      sink: {
        properties: { type: { enum: ['redis', 'mysql'] } },
        required: ['type'],
        allOf: [
          {
            if: { properties: { type: { const: 'redis' } }, required: ['type'] },
            then: {
              properties: { type: { const: 'redis' }, address: { type: 'string' } },
              additionalProperties: false,
            },
          },
          { if: { properties: { type: { const: 'mysql' } } } },
        ],
      },
      steps: { type: ['array', 'string'], items: { maxProperties: 1, additionalProperties: false } },
    },
  });
});

test('what is deployed has every needed key, holds no secret, and may have been through YAML 1.1', () => {
  const declaration = {
    name: 'sample',
    doc: 'A sample.',
    fields: {
      tls: { type: 'choice', doc: 'Encryption.', values: ['off', 'required'], default: 'off' },
      source: {
        type: 'group',
        doc: 'Source.',
        fields: {
          user: { type: 'text', doc: 'Account.' },
          password: { type: 'text', doc: 'Password.', secret: true, default: '' },
          token: { type: 'text', doc: 'Token.', secret: true, optional: true },
        },
      },
    },
  } as const satisfies ConfigDeclaration;
  const { properties, required } = deployedSchema(declaration) as {
    properties: { tls: object; source: { properties: Record<string, { not: { not: { pattern: string } } }> } };
    required: string[];
  };
  expect(required).toEqual(['source']);
  expect(properties).toMatchObject({
    tls: { anyOf: [{ enum: ['off', 'required', false] }, {}] },
    source: { required: ['user'] },
  });
  const { password, token } = properties.source.properties;
  const taken = ['', '${env:DB_PASSWORD}', '${file:/etc/db}', 'hunter2', '${env:A}hunter2', '${env:}'].map((value) =>
    [password, token].map((secret) => new RegExp(secret?.not.not.pattern ?? 'x').test(value)),
  );
  expect(taken).toEqual([
    [true, false],
    [true, true],
    [true, true],
    [false, false],
    [false, false],
    [false, false],
  ]);
});

test('errors and metrics have their pages', () => {
  expect(errorReference()).toContain('| `INTERNAL` | fatal |');
  const table = { rows: { type: 'counter', name: 'tapline_rows_total', doc: 'Rows.', labels: ['table'] } } as const;
  expect(metricsReference([{ name: 'reader', metrics: [table] }])).toContain(
    '| `tapline_rows_total` | counter | `table` | Rows. |',
  );
});

test('every key that services share is documented', () => {
  for (const { key, field } of describeKeys(SERVICE_CONFIG))
    expect([key, field.doc]).toEqual([key, expect.stringMatching(/\.$/)]);
});
