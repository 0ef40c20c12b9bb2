import { expect, test } from '@jest/globals';
import type { ConfigDeclaration, ConfigOf } from './fields.ts';
import { loadConfig } from './load.ts';

/** Groups and variants below lists and maps: there convict does not reach. */
const DECLARATION = {
  name: 'nested',
  doc: 'Nested.',
  fields: {
    nodes: {
      type: 'list',
      doc: 'Nodes.',
      minItems: 1,
      of: {
        type: 'group',
        fields: {
          address: { type: 'address', doc: 'Where.' },
          weight: { type: 'number', doc: 'Weight.', default: 1, min: 0 },
          password: { type: 'text', doc: 'Password.', secret: true, optional: true },
        },
      },
    },
    stores: {
      type: 'map',
      doc: 'Stores.',
      default: {},
      of: {
        type: 'variants',
        by: 'type',
        variants: {
          file: { type: 'group', doc: 'File.', fields: { path: { type: 'text', doc: 'Path.' } } },
          memory: { type: 'group', doc: 'Memory.', fields: { bytes: { type: 'integer', doc: 'Bytes.', default: 8 } } },
        },
      },
    },
  },
} as const satisfies ConfigDeclaration;

function load(text: string): { value: ConfigOf<typeof DECLARATION>; secrets: readonly string[]; print(): string } {
  return loadConfig(DECLARATION, { text, env: { PW: 'hunter2' } });
}

test('defaults, variants and secrets below lists and maps', () => {
  const loaded = load(`
nodes: [{ address: "a:1" }, { address: "[::1]:2", weight: 2.5, password: "\${env:PW}" }]
stores: { x.y: { type: memory }, z: { type: file, path: /p } }
`);
  expect(loaded.value).toEqual({
    nodes: [
      { address: 'a:1', weight: 1 },
      { address: '[::1]:2', weight: 2.5, password: 'hunter2' },
    ],
    stores: { 'x.y': { type: 'memory', bytes: 8 }, z: { type: 'file', path: '/p' } },
  });
  expect(loaded.secrets).toEqual(['hunter2']);
  expect(loaded.print()).not.toContain('hunter2');
  expect(loaded.print()).toContain('***');
});

test.each([
  ['nodes: []', 'nodes: expected at least 1 entry, got a list of 0'],
  ['nodes: [{ address: "a:1", wieght: 1 }]', 'nodes[0].wieght is not a key; did you mean nodes[0].weight?'],
  ['nodes: [{ weight: 1 }]', 'nodes[0].address is required: host:port'],
  ['nodes: [{ address: "a:1" }, { address: "a" }]', 'nodes[1].address: expected host:port, got "a"'],
  ['nodes: [{ address: "a:65536" }]', 'nodes[0].address: expected host:port, got "a:65536"'],
  ['nodes: [{ address: "a:1" }]\nstores: { a.b: { path: x } }', 'stores["a.b"].type is required: one of file, memory'],
  [
    'nodes: [{ address: "a:1" }]\nstores: { s: { type: flie } }',
    'stores.s.type: expected one of file, memory, got "flie"; did you mean file?',
  ],
  ['nodes: [{ address: "a:1" }]\nstores: { s: { type: file } }', 'stores.s.path is required: text'],
  [
    'nodes: [{ address: "a:1" }]\nstores: { s: { type: memory, path: x } }',
    'stores.s.path is not a key; known here: bytes',
  ],
  [
    'nodes: [{ address: "a:1" }]\nstores: { s: 3 }',
    'stores.s: expected a group whose key type is one of file, memory, got the number 3',
  ],
])('%j is refused', (text, message) => {
  expect(() => load(text)).toThrow(expect.objectContaining({ message }));
});
