import { describe, expect, test } from '@jest/globals';
import { ChangeReader, type ChangeRecord } from '../reader/change-reader.ts';

const field = (name: string, type: string, rest: object = {}): object => ({
  type,
  optional: true,
  field: name,
  ...rest,
});
const keySchema = { type: 'struct', fields: [field('id', 'int32', { optional: false })], optional: false };
const row = [
  field('id', 'int32'),
  field('n', 'int64'),
  field('at', 'int64', { name: 'io.debezium.time.MicroTimestamp' }),
];
const valueSchema = {
  type: 'struct',
  fields: [
    { type: 'struct', fields: row, optional: true, field: 'before' },
    { type: 'struct', fields: row, optional: true, field: 'after' },
    { type: 'struct', fields: [], optional: false, field: 'source' },
    field('op', 'string'),
  ],
};
const payload = { op: 'c', before: null, after: { id: 1, n: 5, at: -1 }, source: { name: 's', ts_ms: 1, pos: 4 } };

function record(key: unknown, value: unknown): ChangeRecord {
  const bytes = (json: unknown): Buffer | null =>
    json === null ? null : Buffer.from(typeof json === 'string' ? json : JSON.stringify(json));
  return {
    topic: 't',
    partition: 2,
    offset: '7',
    key: bytes(key),
    value: bytes(value),
    headers: { v: Buffer.alloc(8) },
  };
}

const reader = (): ChangeReader => new ChangeReader({ schema: () => Promise.reject(new Error('not asked')) });
const key = { schema: keySchema, payload: { id: 1 } };
const value = { schema: valueSchema, payload };

describe('JSON of other producers', () => {
  test.each([
    ['in our order', JSON.stringify(value)],
    ['with spaces', JSON.stringify(value, undefined, 1)],
    ['with the payload first', JSON.stringify({ payload, schema: valueSchema })],
    [
      'with a schema that holds a payload',
      JSON.stringify({ schema: { ...valueSchema, x: { a: 1, payload: 2 } }, payload }),
    ],
  ])('%s is read, and once more', (_, text) => {
    const one = reader();
    for (let i = 0; i < 2; i++) {
      expect(one.read(record(key, text))).toMatchObject({
        key: { id: 1 },
        op: 'c',
        before: null,
        after: { id: 1, n: 5n, at: '1969-12-31T23:59:59.999999' },
        source: { name: 's', ts_ms: 1, pos: 4, gtid: null },
      });
    }
  });

  test('two schemas in one topic are two readers', () => {
    const one = reader();
    const wider = {
      ...value,
      schema: JSON.parse(JSON.stringify(valueSchema).replaceAll('"int64"', '"string"')) as object,
    };
    expect(one.read(record(key, value))).toMatchObject({ after: { n: 5n } });
    const text = { ...payload, after: { id: 1, n: 'x', at: null } };
    expect(one.read(record(key, { ...wider, payload: text }))).toMatchObject({ after: { n: 'x', at: null } });
    expect(one.read(record(key, value))).toMatchObject({ after: { n: 5n } });
  });
});

describe('what cannot be read', () => {
  test.each<readonly [string, unknown, unknown, string]>([
    ['an envelope without schema', key, payload, 'ENVELOPE_WITHOUT_SCHEMA'],
    ['a tombstone on a key without schema', { id: 1 }, null, 'ENVELOPE_WITHOUT_SCHEMA'],
    ['a key without schema', { id: 1 }, value, 'ENVELOPE_WITHOUT_SCHEMA'],
    ['an object that is no change', key, { hello: 1 }, 'ENVELOPE_UNREADABLE'],
    ['broken JSON', key, JSON.stringify(value).slice(0, -9), 'ENVELOPE_UNREADABLE'],
    ['a type that is not known', key, JSON.stringify(value).replace('"int64"', '"int65"'), 'ENVELOPE_UNREADABLE'],
    ['a value of another type', key, JSON.stringify(value).replace('"n":5', '"n":"5"'), 'ENVELOPE_UNREADABLE'],
    ['a fraction in an integer', key, JSON.stringify(value).replace('"n":5', '"n":5.5'), 'ENVELOPE_UNREADABLE'],
    [
      'an operation that is not known',
      key,
      JSON.stringify(value).replace('"op":"c"', '"op":"t"'),
      'ENVELOPE_UNREADABLE',
    ],
    ['a payload of null', key, { schema: valueSchema, payload: null }, 'ENVELOPE_UNREADABLE'],
    ['a schema of another shape', key, { schema: { type: 'string' }, payload }, 'ENVELOPE_UNREADABLE'],
  ])('%s', (_, badKey, badValue, code) => {
    const one = reader();
    expect(one.read(record(key, value))).toMatchObject({ op: 'c' });
    expect(() => one.read(record(badKey, badValue))).toThrow(
      expect.objectContaining({ code, place: { topic: 't', partition: 2, offset: '7' } }),
    );
  });
});
