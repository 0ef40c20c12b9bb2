import { TaplineError } from '@tapline/kernel';
import { unreadable } from '../reader/avro-read.ts';
import { type AbsentNames, type EnvelopeParts, leaveOut, type Row, type SourceBlock } from '../reader/records.ts';
import type { Value } from '../reader/values.ts';
import type { ConnectSchema } from './connect-schema.ts';
import { parseExact } from './exact-json.ts';
import { type FromJson, jsonValueReader } from './json-values.ts';

type ReadRow = (payload: unknown) => Row;
type ReadEnvelope = (payload: unknown) => EnvelopeParts;
type JsonObject = Readonly<Record<string, unknown>>;

/**
 * Reads keys and values in JSON with Connect schemas, as this library and Kafka Connect's JsonConverter write them, also as the data of a CloudEvent.
 * Readers are compiled once a schema.
 */
export class JsonReader {
  readonly #keys = new Map<string, ReadRow>();
  readonly #values = new Map<string, ReadEnvelope>();

  /** Throws ENVELOPE_UNREADABLE; ENVELOPE_WITHOUT_SCHEMA for JSON that carries no schema. */
  key(bytes: Buffer): Row {
    return read(bytes.toString(), this.#keys, rowReader, () => true);
  }

  /** Throws as `key` does. */
  value(bytes: Buffer): EnvelopeParts {
    return read(eventData(bytes.toString()), this.#values, envelopeReader, isEnvelope);
  }
}

const PAYLOAD = ',"payload":';

/**
 * The schema is the same text in every record of a table: it is told apart without being parsed, by where the payload starts. A text of
 * another form (spaces, another order) is parsed whole.
 */
function read<T>(
  text: string,
  known: Map<string, (payload: unknown) => T>,
  compile: (schema: ConnectSchema) => (payload: unknown) => T,
  isBare: (json: JsonObject) => boolean,
): T {
  const at = text.startsWith('{"schema":{') ? text.indexOf(PAYLOAD) : -1;
  const schemaText = text.slice(0, Math.max(at, 0));
  const reader = known.get(schemaText);
  if (reader !== undefined) return reader(parse(text.slice(at + PAYLOAD.length, text.lastIndexOf('}'))));
  const { schema, payload } = withSchema(parse(text), isBare);
  const compiled = compile(schema);
  if (at >= 0 && isWhole(schemaText)) known.set(schemaText, compiled);
  return compiled(payload);
}

/** Whether this is all of the schema: somebody else's may hold a payload of its own. */
function isWhole(schemaText: string): boolean {
  try {
    JSON.parse(`${schemaText}}`);
    return true;
  } catch {
    return false;
  }
}

/** The JSON event format puts an event's value into `data`, which this library writes last. */
function eventData(text: string): string {
  if (!text.startsWith('{"specversion":')) return text;
  const at = text.indexOf(',"data":');
  return at < 0 ? text : text.slice(at + ',"data":'.length, text.lastIndexOf('}'));
}

function parse(text: string): unknown {
  try {
    return parseExact(text);
  } catch (error) {
    throw unreadable(`The record is not JSON: ${(error as Error).message}`, error);
  }
}

function withSchema(json: unknown, isBare: (json: JsonObject) => boolean): { schema: ConnectSchema; payload: unknown } {
  if (!isObject(json)) throw unreadable('The record is not a JSON object.');
  const { schema, payload } = json;
  if (isObject(schema) && 'payload' in json) return { schema: schema as unknown as ConnectSchema, payload };
  const message = `A JSON object without schema and payload: its fields are ${Object.keys(json).join(', ').slice(0, 200)}.`;
  throw isBare(json) ? new TaplineError('ENVELOPE_WITHOUT_SCHEMA', { message }) : unreadable(message);
}

/** A change event that lacks its schema; anything else in the topic is no change event at all. */
function isEnvelope(json: JsonObject): boolean {
  return 'op' in json && 'source' in json;
}

function isObject(json: unknown): json is JsonObject {
  return typeof json === 'object' && json !== null && !Array.isArray(json);
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
