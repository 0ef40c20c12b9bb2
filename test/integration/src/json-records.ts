import type { RawMessage } from './topic.ts';

export type JsonObject = Readonly<Record<string, unknown>>;

/** A record in JSON, read without Tapline's own code. */
export interface JsonRecord {
  readonly partition: number;
  readonly offset: string;
  readonly key: JsonObject | null;
  readonly keySchema: JsonObject | null;
  readonly valueSchema: JsonObject | null;
  readonly op: string;
  readonly before: JsonObject | null;
  readonly after: JsonObject | null;
  readonly transaction: JsonObject | null;
  readonly headers: Readonly<Record<string, string>>;
  /** The texts of `before` and `after`; '' for a tombstone. */
  readonly images: readonly [before: string, after: string];
}

/** Integers beyond 2^53 become bigints. */
export function exactJson(text: string): unknown {
  const parse = JSON.parse as (
    text: string,
    reviver: (key: string, value: unknown, context: { readonly source?: string }) => unknown,
  ) => unknown;
  return parse(text, (_, value, { source = '' }) =>
    typeof value === 'number' && !Number.isSafeInteger(value) && /^-?\d+$/.test(source) ? BigInt(source) : value,
  );
}

/** With schemas or without, CloudEvents or not. */
export function jsonRecords(messages: readonly RawMessage[]): JsonRecord[] {
  return messages.map(({ partition, message }) => {
    const key = parts(message.key);
    const value = parts(message.value);
    const { op, before, after, transaction } = (value.payload ?? { op: 'tombstone' }) as JsonObject;
    return {
      partition,
      offset: message.offset,
      key: key.payload,
      keySchema: key.schema,
      valueSchema: value.schema,
      op: String(op),
      before: (before ?? null) as JsonObject | null,
      after: (after ?? null) as JsonObject | null,
      transaction: withoutId((transaction ?? null) as JsonObject | null),
      headers: Object.fromEntries(
        Object.entries(message.headers ?? {}).map(([name, header]) => [name, String(header)]),
      ),
      images: imageTexts(message.value?.toString() ?? ''),
    };
  });
}

function parts(bytes: Buffer | null): { readonly schema: JsonObject | null; readonly payload: JsonObject | null } {
  if (bytes === null) return { schema: null, payload: null };
  const whole = exactJson(bytes.toString()) as JsonObject;
  const json = 'specversion' in whole ? (whole['data'] as JsonObject) : whole;
  if (!('schema' in json && 'payload' in json)) return { schema: null, payload: json };
  return { schema: json['schema'] as JsonObject, payload: json['payload'] as JsonObject };
}

function withoutId(transaction: JsonObject | null): JsonObject | null {
  if (transaction === null) return null;
  const { id: _, ...rest } = transaction;
  return rest;
}

/** No raw `,"after":` stands inside of an image: quotes in strings are escaped, and no column of the tests has that name. */
function imageTexts(value: string): readonly [string, string] {
  const [, before = '', after = ''] = /\{"before":(.*?),"after":(.*),"source":\{"version":/s.exec(value) ?? [];
  return [before, after];
}
