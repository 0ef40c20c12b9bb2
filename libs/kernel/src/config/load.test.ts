import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { TaplineError } from '../errors.ts';
import type { ConfigDeclaration, ConfigOf } from './fields.ts';
import { type ConfigInput, loadConfig } from './load.ts';

const DECLARATION = {
  name: 'sample',
  doc: 'A sample.',
  fields: {
    name: { type: 'text', doc: 'Name.', pattern: '[a-z]+', expected: 'lower case letters' },
    source: {
      type: 'group',
      doc: 'Source.',
      fields: {
        host: { type: 'text', doc: 'Host.', default: 'localhost' },
        port: { type: 'integer', doc: 'Port.', default: 3306, min: 1, max: 65_535 },
        password: { type: 'text', doc: 'Password.', secret: true, optional: true },
        serverId: { type: 'integer', doc: 'Id.', default: 0 },
        include: { type: 'list', doc: 'Tables.', of: { type: 'text' }, default: ['*.*'] },
        tls: {
          type: 'group',
          doc: 'TLS.',
          optional: true,
          fields: {
            ca: { type: 'text', doc: 'CA.' },
            verify: { type: 'boolean', doc: 'Verify.', default: true },
          },
        },
      },
    },
    keys: {
      type: 'map',
      doc: 'Keys.',
      keys: '<database>.<table>',
      of: {
        type: 'either',
        of: [
          { type: 'choice', values: ['append'] },
          { type: 'list', of: { type: 'text' } },
        ],
      },
      default: {},
    },
    registry: {
      type: 'variants',
      doc: 'Registry.',
      by: 'type',
      default: 'topic',
      variants: {
        topic: {
          type: 'group',
          doc: 'Kept in Kafka.',
          fields: { topic: { type: 'text', doc: 'Topic.', default: '_schemas' } },
        },
        confluent: { type: 'group', doc: 'HTTP.', fields: { url: { type: 'text', doc: 'URL.' } } },
      },
    },
    steps: {
      type: 'list',
      doc: 'Steps.',
      default: [],
      of: {
        type: 'step',
        fields: { include: { type: 'list', of: { type: 'text' } }, rename: { type: 'map', of: { type: 'text' } } },
      },
    },
  },
} as const satisfies ConfigDeclaration;

type Sample = ConfigOf<typeof DECLARATION>;

function load(text: string, more: Omit<ConfigInput, 'text'> = {}): Sample {
  return loadConfig(DECLARATION, { text, ...more }).value;
}

function refused(text: string, more: Omit<ConfigInput, 'text'> = {}): TaplineError {
  try {
    load(text, more);
  } catch (error) {
    if (error instanceof TaplineError) return error;
    throw error;
  }
  throw new Error('the configuration was accepted');
}

describe('layers', () => {
  test('defaults are filled in at every level, and the type says what is there', () => {
    const config = load('name: shop');
    const port: number = config.source.port;
    const registry: string = config.registry.type === 'topic' ? config.registry.topic : config.registry.url;
    expect({ port, registry }).toEqual({ port: 3306, registry: '_schemas' });
    expect(config).toEqual({
      name: 'shop',
      source: { host: 'localhost', port: 3306, serverId: 0, include: ['*.*'] },
      keys: {},
      registry: { type: 'topic', topic: '_schemas' },
      steps: [],
    });
  });

  test('a flag wins over the environment, that over the file, that over the default', () => {
    const text = 'name: shop\nsource: { port: 1, serverId: 1, host: a }';
    const env = { TAPLINE_SAMPLE_SOURCE_PORT: '2', TAPLINE_SAMPLE_SOURCE_SERVER_ID: '2' };
    const { source } = load(text, { env, flags: new Map([['source.port', '3']]) });
    expect(source).toMatchObject({ port: 3, serverId: 2, host: 'a' });
  });

  test('texts from outside keep every character: a password of digits stays what it is', () => {
    const flags = new Map([['source.password', '007']]);
    expect(load('name: shop', { flags }).source.password).toBe('007');
    expect(load('name: shop', { env: { TAPLINE_SAMPLE_SOURCE_PASSWORD: '1e3' } }).source.password).toBe('1e3');
  });

  test('lists and maps can come from the environment', () => {
    const env = {
      TAPLINE_SAMPLE_SOURCE_INCLUDE: 'a.b, c.d',
      TAPLINE_SAMPLE_KEYS: '{ "shop.log": append, "shop.audit": [a, b] }',
      TAPLINE_SAMPLE_STEPS: '[{ include: [x] }]',
    };
    const config = load('name: shop', { env });
    expect(config.source.include).toEqual(['a.b', 'c.d']);
    expect(config.keys).toEqual({ 'shop.log': 'append', 'shop.audit': ['a', 'b'] });
    expect(config.steps).toEqual([{ include: ['x'] }]);
  });

  test('keys with dots, and a key without a value', () => {
    const config = load('name: shop\nkeys: { shop.log: append }\nsource:\n  host:\n');
    expect(config.keys).toEqual({ 'shop.log': 'append' });
    expect(config.source.host).toBe('localhost');
  });
});

describe('groups and variants', () => {
  test('an optional group is absent until one of its keys is given, wherever', () => {
    expect(load('name: shop').source.tls).toBeUndefined();
    expect(load('name: shop\nsource: { tls: { ca: x } }').source.tls).toEqual({ ca: 'x', verify: true });
    const env = { TAPLINE_SAMPLE_SOURCE_TLS_CA: 'y' };
    expect(load('name: shop', { env }).source.tls).toEqual({ ca: 'y', verify: true });
    expect(refused('name: shop\nsource: { tls: {} }').message).toContain('source.tls.ca is required');
  });

  test('the tag chooses what belongs to a variant, also from a flag', () => {
    const flags = new Map([
      ['registry.type', 'confluent'],
      ['registry.url', 'http://r'],
    ]);
    expect(load('name: shop', { flags }).registry).toEqual({ type: 'confluent', url: 'http://r' });
    expect(refused('name: shop\nregistry: { type: confluent }').message).toContain('registry.url is required');
    expect(refused('name: shop\nregistry: { type: conflent }').message).toContain('did you mean confluent?');
    const other = refused('name: shop\nregistry: { type: topic, url: x }');
    expect(other.code).toBe('CONFIG_UNKNOWN_KEY');
  });
});

describe('refusals', () => {
  test('an unknown key is refused with its place and the nearest name', () => {
    const error = refused('name: shop\nsource:\n  hots: a\n');
    expect(error.code).toBe('CONFIG_UNKNOWN_KEY');
    expect(error.message).toBe('source.hots is not a key; did you mean source.host?');
    expect(error.place.path).toBe('config:3:3');
    expect(refused('name: shop\nsource: { server_id: 1 }').message).toContain('did you mean source.serverId?');
    expect(refused('name: shop\nhost: a').message).toContain('did you mean source.host?');
    expect(refused('name: shop', { flags: new Map([['source.prot', '1']]) }).message).toContain(
      'did you mean --source.port?',
    );
  });

  test.each([
    ['name: shop\nsource: { port: "3306" }', 'source.port: expected an integer from 1 to 65535, got "3306"'],
    ['name: shop\nsource: { port: 70000 }', 'source.port: expected an integer from 1 to 65535, got the number 70000'],
    ['name: SHOP', 'name: expected lower case letters, got "SHOP"'],
    ['source: {}', 'name is required: lower case letters'],
    ['name: shop\nsource: [1]', 'source: expected a group of keys, got a list of 1'],
    ['name: shop\nsource: { include: x }', 'source.include: expected a list, got "x"'],
    [
      'name: shop\nkeys: { shop.log: apend }',
      'keys["shop.log"]: expected one of append, or a list (each: text), got "apend"',
    ],
    [
      'name: shop\nsteps: [{ include: [x], rename: {} }]',
      'steps[0]: expected a map with exactly one of the keys include, rename, got a map',
    ],
  ])('%j', (text, message) => {
    const error = refused(text);
    expect(error.code).toBe('CONFIG_INVALID');
    expect(error.message).toBe(message);
  });

  test('everything wrong is told at once', () => {
    const error = refused('source: { port: x, hots: 1 }');
    for (const part of ['name is required', 'source.port', 'source.hots']) expect(error.message).toContain(part);
  });

  test('numbers from outside are read whole: 12abc is not 12', () => {
    expect(refused('name: shop', { env: { TAPLINE_SAMPLE_SOURCE_PORT: '12abc' } }).place.path).toBe(
      'TAPLINE_SAMPLE_SOURCE_PORT',
    );
    expect(
      refused('name: shop', {
        flags: new Map([
          ['source.tls.verify', 'yes'],
          ['source.tls.ca', 'x'],
        ]),
      }).message,
    ).toContain('true or false');
  });

  test('YAML that cannot be read is refused with line and column', () => {
    const error = refused('name: shop\nsource: { port: 1\n');
    expect(error.code).toBe('CONFIG_UNREADABLE');
    expect(error.place.path).toMatch(/^config:\d+:\d+$/);
    expect(refused('a: 1\na: 2').code).toBe('CONFIG_UNREADABLE');
    expect(refused('- a').code).toBe('CONFIG_UNREADABLE');
    expect(refused('', { file: '/nonexistent/x.yaml' } as never).code).toBe('CONFIG_UNREADABLE');
  });
});

test('a text from outside becomes exactly the number it says, or is refused', () => {
  const texts = fc.oneof(fc.integer().map(String), fc.double().map(String), fc.string());
  fc.assert(
    fc.property(texts, (text) => {
      try {
        const { serverId } = load('name: shop', { env: { TAPLINE_SAMPLE_SOURCE_SERVER_ID: text } }).source;
        expect(Number.isSafeInteger(serverId)).toBe(true);
        expect(serverId).toBe(Number(text));
        expect(text).toMatch(/^-?[0-9]/);
      } catch (error) {
        expect(error).toMatchObject({ code: 'CONFIG_INVALID' });
      }
    }),
  );
});

test('what is printed can be read again and means the same', () => {
  const name = fc.stringMatching(/^[a-z]{1,8}$/);
  const text = fc.string({ unit: 'grapheme' });
  const given = fc.record({
    name,
    source: fc.record({ host: text, port: fc.integer({ min: 1, max: 65_535 }), include: fc.array(text) }),
    keys: fc.dictionary(text, fc.oneof(fc.constant('append'), fc.array(text))),
  });
  fc.assert(
    fc.property(given, (value) => {
      const { print, value: config } = loadConfig(DECLARATION, { value });
      expect(config).toMatchObject({ name: value.name, source: value.source });
      expect(load(print())).toEqual(config);
    }),
  );
});

describe('variables of the environment in the file', () => {
  const text = `
name: \${env:NAME}
source: { port: "\${env:PORT}", include: "\${env:TABLES}", tls: { ca: "\${env:CA}", verify: "\${env:VERIFY}" } }
keys: { shop.log: "\${env:KEY}", shop.plan: ["\${env:PLAN_KEY}"] }`;
  const env = {
    NAME: 'shop',
    PORT: '3307',
    TABLES: 'a.*, b.c',
    CA: 'pem',
    VERIFY: 'false',
    KEY: 'append',
    PLAN_KEY: 'id',
  };

  test('stand for whole values of every type', () => {
    expect(load(text, { env })).toMatchObject({
      name: 'shop',
      source: { port: 3307, include: ['a.*', 'b.c'], tls: { ca: 'pem', verify: false } },
      keys: { 'shop.log': 'append', 'shop.plan': ['id'] },
    });
  });

  test('are checked as if they stood in the file, and refused with their name where they are not set', () => {
    expect(refused(text, { env: { ...env, PORT: '99999' } }).message).toContain('source.port: expected an integer');
    const { TABLES: _, PLAN_KEY: __, ...rest } = env;
    const { message } = refused(text, { env: rest });
    expect(message).toContain('source.include refers to the environment variable TABLES, which is not set');
    expect(message).toContain('PLAN_KEY, which is not set');
  });

  test('a part of a text is left as it is', () => {
    expect(load('name: shop\nsource: { host: "a-${env:PORT}" }').source.host).toBe('a-${env:PORT}');
  });
});

describe('secrets', () => {
  test('references are resolved, told to the redactor, and never printed', () => {
    const loaded = loadConfig(DECLARATION, {
      text: 'name: shop\nsource: { password: "${env:DB_PASSWORD}" }',
      env: { DB_PASSWORD: 'hunter2' },
    });
    expect(loaded.value.source.password).toBe('hunter2');
    expect(loaded.secrets).toEqual(['hunter2']);
    expect(loaded.print()).toContain('password: "***"');
    expect(loaded.print()).not.toContain('hunter2');
  });

  test('a secret of the wrong type is refused without being shown', () => {
    const error = refused('name: shop\nsource: { password: 12345 }');
    expect(error.message).not.toContain('12345');
    expect(error.message).toContain('put it in quotes');
    expect(refused('name: shop\nsource: { password: "${env:NOPE}" }').message).toContain('NOPE');
    expect(refused('name: shop\nsource: { password: "${file:/nonexistent}" }').message).toContain('ENOENT');
  });
});

test('a variable with our prefix that no key has is told, not refused', () => {
  const { warnings } = loadConfig(DECLARATION, { text: 'name: a', env: { TAPLINE_SAMPLE_SOURCE_HOTS: 'x' } });
  expect(warnings).toEqual([
    'The environment variable TAPLINE_SAMPLE_SOURCE_HOTS belongs to no key; did you mean TAPLINE_SAMPLE_SOURCE_HOST?',
  ]);
});

test('a choice of on and off may come as the boolean that YAML 1.1 makes of it', () => {
  const declaration = {
    name: 'sample',
    doc: 'A sample.',
    fields: {
      anchors: { type: 'choice', doc: 'Anchors.', values: ['auto', 'on', 'off'], default: 'auto' },
      level: { type: 'choice', doc: 'Level.', values: ['info', 'debug'], default: 'info' },
    },
  } as const satisfies ConfigDeclaration;
  const anchors = (value: unknown): string => loadConfig(declaration, { value: { anchors: value } }).value.anchors;
  expect([anchors(true), anchors(false), anchors('on')]).toEqual(['on', 'off', 'on']);
  expect(() => loadConfig(declaration, { value: { level: true } })).toThrow('level: expected one of info, debug');
});
