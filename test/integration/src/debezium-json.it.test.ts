import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { testServers } from '@tapline/test-stack';
import { type JsonObject, jsonRecords } from './json-records.ts';
import { Scene, uniqueName } from './scene.ts';

/** A record as Debezium's JSON converter wrote it, reduced to what does not change from run to run. */
interface Published {
  readonly key: JsonObject | null;
  readonly op: string;
  readonly before?: JsonObject | null;
  readonly after?: JsonObject | null;
  readonly transaction?: JsonObject | null;
}

interface Fixture {
  readonly tables: readonly string[];
  readonly changes: readonly string[];
  readonly records: Readonly<Record<string, readonly Published[]>>;
  readonly schemas: Readonly<
    Record<string, Readonly<Record<'key' | 'row' | 'envelope' | 'source' | 'transaction', JsonObject>>>
  >;
}

const fixture = JSON.parse(readFileSync(new URL('fixtures/debezium-3.6.1.json', import.meta.url), 'utf8')) as Fixture;

/** Where Tapline's value is another one on purpose, or the capture is not exact. */
function corrected(row: JsonObject | null | undefined): JsonObject | null {
  if (row === null || row === undefined) return null;
  return Object.fromEntries(
    Object.entries(row).map(([name, value]) => {
      if (name === 't_big' && value !== null) return [name, -(2n ** 63n)];
      // From the binlog Debezium escapes the commas of ENUM's members, and writes documents without blanks; from a SELECT it does neither.
      if (name === 't_enum' && typeof value === 'string') return [name, value.replace('\\,', ',')];
      if (name === 't_json' && typeof value === 'string') return [name, value.replaceAll(/([:,]) /g, '$1')];
      return [name, value];
    }),
  );
}

/** A schema without what is told apart from Debezium's: names of the run, defaults of columns, our parameter, documentation. */
function comparable(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(comparable);
  if (typeof schema !== 'object' || schema === null) return schema;
  const { name, doc: _doc, default: fallback, parameters, ...rest } = schema as JsonObject;
  const { 'mysql.type': _type, ...own } = (parameters ?? {}) as JsonObject;
  return {
    ...(Object.fromEntries(Object.entries(rest).map(([key, value]) => [key, comparable(value)])) as JsonObject),
    ...(name === undefined ? {} : { name: (name as string).replace(/^.*\.(Key|Value|Envelope)$/, '$1') }),
    ...(Object.keys(own).length === 0 ? {} : { parameters: own }),
    ...(fallback === 'false' ? { default: fallback } : {}),
  };
}

const byField = (schema: JsonObject): unknown =>
  new Map((schema['fields'] as JsonObject[]).map((field) => [field['field'], comparable(field)]));
const fieldOf = (schema: JsonObject, name: string): JsonObject =>
  (schema['fields'] as JsonObject[]).find((field) => field['field'] === name) as JsonObject;

test('keys, images, order and schemas are those that Debezium publishes for the same statements', async () => {
  const servers = await testServers('mysql', 'kafka');
  await using scene = await Scene.open({ mysql: servers.mysql, brokers: servers.kafka.brokers });
  const { sql, database } = scene;
  await sql.run(...fixture.tables);
  const reader = await scene.reader({
    format: { type: 'json' },
    registry: { type: 'topic', topic: uniqueName('schemas') },
    topics: { partitions: 1 },
    keys: { [`${database}.no_key`]: 'append' },
  });
  // A table without a key is left out of the first load, and has no tombstones: their keys would be null.
  const expected = new Map(
    Object.entries(fixture.records).map(([table, records]) => [
      table,
      table === 'no_key' ? records.filter(({ op }) => op !== 'r' && op !== 'tombstone') : records,
    ]),
  );
  for (const [table, records] of expected) {
    await scene.records(reader, table, records.filter(({ op }) => op === 'r').length);
  }
  await sql.run(...fixture.changes);
  for (const [table, records] of expected) await scene.records(reader, table, records.length);
  expect(await reader.stop()).toBe(0);

  for (const [table, records] of expected) {
    const seen = jsonRecords(await scene.topics.raw(scene.topic(table)));
    expect(
      seen.map(({ key, op, before, after, transaction }) => ({
        key,
        op,
        before: corrected(before),
        after: corrected(after),
        transaction,
      })),
    ).toEqual(
      records.map(({ key, op, before, after, transaction }) => ({
        key,
        op,
        before: corrected(before),
        after: corrected(after),
        transaction: transaction ?? null,
      })),
    );
    const theirs = fixture.schemas[table] as (typeof fixture.schemas)[string];
    const ours = seen.findLast(({ op }) => op !== 'tombstone');
    const schema = ours?.valueSchema as JsonObject;
    expect(comparable(ours?.keySchema ?? null)).toEqual(comparable(theirs.key));
    expect(comparable(fieldOf(schema, 'after'))).toEqual(comparable(theirs.row));
    expect(comparable({ ...fieldOf(schema, 'before'), field: 'after' })).toEqual(comparable(theirs.row));
    expect(comparable(fieldOf(schema, 'transaction'))).toEqual(comparable(theirs.transaction));
    const { fields: _, ...envelope } = schema;
    expect(comparable(envelope)).toEqual(comparable(theirs.envelope));
    // Nanoseconds, which no MySQL has, are left out; the order is another.
    const source = byField(theirs.source) as Map<string, unknown>;
    source.delete('ts_ns');
    expect(byField(fieldOf(schema, 'source'))).toEqual(source);
  }
});
