import { type JsonObject, jsonRecords } from './json-records.ts';
import type { Row, TopicRecord } from './topic.ts';
import { describeMatrix } from './types/describe-matrix.ts';
import { type MatrixFormat, runMatrix } from './types/run.ts';

/** A value in the form that avsc gives of the same column in Avro, by its Connect schema. */
function asDecoded(schema: JsonObject, json: unknown): unknown {
  if (json === null) return null;
  switch (schema['type']) {
    case 'bytes':
      return Buffer.from(json as string, 'base64');
    case 'int64':
      return BigInt(json as number);
    case 'float':
      return Math.fround(json as number);
    case 'array':
      return (json as unknown[]).map((item) => asDecoded(schema['items'] as JsonObject, item));
    case 'struct':
      return rowOf(schema, json as JsonObject);
    default:
      return json;
  }
}

function rowOf(schema: JsonObject, json: JsonObject): Row {
  const fields = schema['fields'] as readonly JsonObject[];
  return Object.fromEntries(fields.map((field) => [field['field'], asDecoded(field, json[String(field['field'])])]));
}

function fieldOf(schema: JsonObject | null, name: string): JsonObject {
  const fields = (schema?.['fields'] ?? []) as readonly JsonObject[];
  return fields.find((field) => field['field'] === name) as JsonObject;
}

const JSON_WITH_SCHEMAS: MatrixFormat = {
  config: { format: { type: 'json', schemas: true } },
  async read(topics, topic) {
    return jsonRecords(await topics.raw(topic)).map((record): TopicRecord => {
      const { partition, offset, key, before, after, valueSchema, images } = record;
      const shared = { partition, offset, bytes: 0, key: key ?? undefined };
      if (record.op === 'tombstone') return { ...shared, op: 't' };
      const image = (name: 'before' | 'after', json: JsonObject | null): Row | undefined =>
        json === null ? undefined : rowOf(fieldOf(valueSchema, name), json);
      const rows = { before: image('before', before), after: image('after', after) };
      return {
        ...shared,
        op: record.op as 'c' | 'u' | 'd' | 'r',
        ...(rows.before === undefined ? {} : { before: rows.before, beforeBytes: images[0] }),
        ...(rows.after === undefined ? {} : { after: rows.after, afterBytes: images[1] }),
      };
    });
  },
};

describeMatrix('mysql', 'from the table to the topic in JSON', (server, tables) =>
  runMatrix(server, tables, JSON_WITH_SCHEMAS),
);
