import { TaplineError } from '@tapline/kernel';
import { unreadable } from '../reader/avro-read.ts';
import type { ConnectSchema } from './connect-schema.ts';
import { parseExact } from './exact-json.ts';

export type JsonObject = Readonly<Record<string, unknown>>;
type Read<T> = (payload: unknown) => T;

const SCHEMA = Buffer.from('{"schema":{');
const PAYLOAD = Buffer.from(',"payload":');
const CLOSING_BRACE = 0x7d;

/** What stood in front of the payload in the last record of a topic, and the reader that it means. */
interface Known<T> {
  readonly head: Buffer;
  readonly read: Read<T>;
}

/**
 * Reads `{"schema":…,"payload":…}`. The schema is the same text in nearly every record of a topic, and longer than the rest: it is compared, not
 * parsed, and a reader is compiled for each once. A text of another form (spaces, another order) is parsed whole.
 */
export class SchemaMemory<T> {
  readonly #compile: (schema: ConnectSchema) => Read<T>;
  readonly #isBare: (json: JsonObject) => boolean;
  readonly #compiled = new Map<string, Read<T>>();
  readonly #byTopic = new Map<string, Known<T>>();

  /** @param isBare whether an object without schema is what is read here, and only lacks it. */
  constructor(compile: (schema: ConnectSchema) => Read<T>, isBare: (json: JsonObject) => boolean) {
    this.#compile = compile;
    this.#isBare = isBare;
  }

  /** Throws ENVELOPE_UNREADABLE, ENVELOPE_WITHOUT_SCHEMA. */
  read(bytes: Buffer, topic: string): T {
    const known = this.#byTopic.get(topic);
    if (known !== undefined && startsWith(bytes, known.head) && bytes.at(-1) === CLOSING_BRACE) {
      return known.read(parse(bytes.toString('utf8', known.head.length, bytes.length - 1)));
    }
    const { schema, payload } = this.#parts(parse(bytes.toString()));
    const read = this.#reader(schema);
    const head = headOf(bytes);
    if (head !== undefined) this.#byTopic.set(topic, { head, read });
    return read(payload);
  }

  #reader(schema: ConnectSchema): Read<T> {
    const text = JSON.stringify(schema);
    const compiled = this.#compiled.get(text) ?? this.#compile(schema);
    this.#compiled.set(text, compiled);
    return compiled;
  }

  #parts(json: unknown): { readonly schema: ConnectSchema; readonly payload: unknown } {
    if (!isObject(json)) throw unreadable('The record is not a JSON object.');
    const { schema, payload } = json;
    if (isObject(schema) && 'payload' in json) return { schema: schema as unknown as ConnectSchema, payload };
    const message = `A JSON object without schema and payload: its fields are ${Object.keys(json).join(', ').slice(0, 200)}.`;
    throw this.#isBare(json) ? new TaplineError('ENVELOPE_WITHOUT_SCHEMA', { message }) : unreadable(message);
  }
}

/** Up to the payload, where that is the last member; undefined where it cannot be told: somebody else's schema may hold a payload of its own. */
function headOf(bytes: Buffer): Buffer | undefined {
  const at = startsWith(bytes, SCHEMA) ? bytes.indexOf(PAYLOAD) : -1;
  if (at < 0) return undefined;
  try {
    JSON.parse(`${bytes.toString('utf8', 0, at)}}`);
    JSON.parse(bytes.toString('utf8', at + PAYLOAD.length, bytes.length - 1));
  } catch {
    return undefined;
  }
  return Buffer.from(bytes.subarray(0, at + PAYLOAD.length));
}

function startsWith(bytes: Buffer, head: Buffer): boolean {
  return bytes.length >= head.length && bytes.compare(head, 0, head.length, 0, head.length) === 0;
}

function parse(text: string): unknown {
  try {
    return parseExact(text);
  } catch (error) {
    throw unreadable(`The record is not JSON: ${(error as Error).message}`, error);
  }
}

export function isObject(json: unknown): json is JsonObject {
  return typeof json === 'object' && json !== null && !Array.isArray(json);
}
