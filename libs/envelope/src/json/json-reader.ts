import { unreadable } from '../reader/avro-read.ts';
import { type AbsentNames, type EnvelopeParts, leaveOut, type Row } from '../reader/records.ts';
import type { SourceBlock } from '../reader/source-block.ts';
import type { Value } from '../reader/values.ts';
import type { ConnectSchema } from './connect-schema.ts';
import { type FromJson, jsonValueReader } from './json-values.ts';
import { isObject, type JsonObject, SchemaMemory } from './schema-memory.ts';

type ReadRow = (payload: unknown) => Row;
type ReadEnvelope = (payload: unknown) => EnvelopeParts;

const EVENT = Buffer.from('{"specversion":');
const DATA = Buffer.from(',"data":');

/** Reads keys and values in JSON with Connect schemas, as this library and Kafka Connect's JsonConverter write them, also as the data of a CloudEvent. */
export class JsonReader {
  readonly #keys = new SchemaMemory(rowReader, () => true);
  readonly #values = new SchemaMemory(envelopeReader, isEnvelope);

  /** Throws ENVELOPE_UNREADABLE; ENVELOPE_WITHOUT_SCHEMA for JSON that carries no schema. */
  key(bytes: Buffer, topic: string): Row {
    return this.#keys.read(bytes, topic);
  }

  /** Throws as `key` does. */
  value(bytes: Buffer, topic: string): EnvelopeParts {
    return this.#values.read(eventData(bytes), topic);
  }
}

/** The JSON event format puts an event's value into `data`, which this library writes last. */
function eventData(bytes: Buffer): Buffer {
  if (bytes.compare(EVENT, 0, EVENT.length, 0, Math.min(EVENT.length, bytes.length)) !== 0) return bytes;
  const at = bytes.indexOf(DATA);
  return at < 0 ? bytes : bytes.subarray(at + DATA.length, bytes.length - 1);
}

/** A change event that lacks its schema; anything else in the topic is no change event at all. */
function isEnvelope(json: JsonObject): boolean {
  return 'op' in json && 'source' in json;
}

function fieldsOf(schema: ConnectSchema): readonly ConnectSchema[] {
  if (schema.type === 'struct' && Array.isArray(schema.fields)) return schema.fields;
  throw unreadable('The schema is not a struct.');
}

function rowReader(schema: ConnectSchema): ReadRow {
  const columns = fieldsOf(schema).map((field): readonly [string, FromJson] => [
    String(field.field),
    jsonValueReader(field),
  ]);
  return (payload) => {
    if (!isObject(payload)) throw unreadable('A row is not an object.');
    const row: Record<string, Value> = {};
    for (const [name, value] of columns) row[name] = value(payload[name]);
    return row;
  };
}

function envelopeReader(schema: ConnectSchema): ReadEnvelope {
  const image = (name: string): ((payload: unknown) => Row | null) => {
    const row = rowReader(fieldNamed(schema, name));
    return (payload) => (payload === null || payload === undefined ? null : row(payload));
  };
  const before = image('before');
  const after = image('after');
  return (payload) => {
    if (!isObject(payload)) throw unreadable('The payload is not an object.');
    const parts = {
      op: opOf(payload['op']),
      before: before(payload['before']),
      after: after(payload['after']),
      source: sourceOf(payload['source']),
      absent: absentOf(payload['absent']),
    };
    if (parts.absent !== null) leaveOut(parts.absent, parts);
    return parts;
  };
}

function fieldNamed(schema: ConnectSchema, name: string): ConnectSchema {
  const field = fieldsOf(schema).find((candidate) => candidate.field === name);
  if (field !== undefined) return field;
  throw unreadable(`The value schema has no field ${name}.`);
}

function absentOf(json: unknown): AbsentNames | null {
  if (json === undefined || json === null) return null;
  const names = (given: unknown): string[] => {
    if (Array.isArray(given) && given.every((name) => typeof name === 'string')) return given;
    throw unreadable('The field absent does not hold names of columns.');
  };
  if (!isObject(json)) throw unreadable('The field absent is not an object.');
  return { before: names(json['before']), after: names(json['after']) };
}

function opOf(op: unknown): EnvelopeParts['op'] {
  if (op === 'c' || op === 'u' || op === 'd' || op === 'r') return op;
  throw unreadable(`The operation is '${String(op)}', not c, u, d or r.`);
}

function sourceOf(json: unknown): SourceBlock {
  if (!isObject(json)) throw unreadable('The value has no source.');
  const text = (name: string): string => (typeof json[name] === 'string' ? json[name] : '');
  return {
    name: text('name'),
    db: text('db'),
    table: text('table'),
    ts_ms: Number(json['ts_ms']),
    gtid: typeof json['gtid'] === 'string' ? json['gtid'] : null,
    file: text('file'),
    pos: Number(json['pos']),
    row: Number(json['row']),
    snapshot: text('snapshot') || 'false',
  };
}
