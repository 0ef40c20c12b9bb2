import { Cursor } from './reader/avro-read.ts';
import { rowReader } from './reader/records.ts';

const FRAME_BYTES = 5;
/** A key may be as long as a text column. */
const MAX_CHARACTERS = 200;

/** A framed Avro key as JSON, cut where it is long. */
export function printKey(keySchema: string, key: Buffer): string {
  const cursor = new Cursor();
  cursor.open(key, FRAME_BYTES);
  const text = JSON.stringify(rowReader(keySchema)(cursor), (_, value: unknown) =>
    typeof value === 'bigint' ? String(value) : printedBytes(value),
  );
  return text.length <= MAX_CHARACTERS ? text : `${text.slice(0, MAX_CHARACTERS)}…`;
}

/** JSON.stringify has made an object of a buffer when it asks. */
function printedBytes(value: unknown): unknown {
  const { type, data } = (value ?? {}) as { type?: unknown; data?: unknown };
  return type === 'Buffer' && Array.isArray(data) ? `0x${Buffer.from(data).toString('hex')}` : value;
}
