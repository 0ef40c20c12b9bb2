import { FRAME_BYTES } from '../compile.ts';

/** Inside of a schema no raw `,"payload":` can stand: its keys are Connect's own, and quotes in names are escaped. */
const PAYLOAD = Buffer.from(',"payload":');
const SCHEMA = Buffer.from('{"schema":{"type":"struct",');

/**
 * Where the part of a key starts that does not depend on its schema: behind Avro's frame, behind the schema in JSON, at once in JSON without
 * schemas. From there on equal keys have equal bytes.
 */
export function keyPayload(key: Buffer): number {
  if (key[0] === 0) return FRAME_BYTES;
  const hasSchema = key.length > SCHEMA.length && key.compare(SCHEMA, 0, SCHEMA.length, 0, SCHEMA.length) === 0;
  return hasSchema ? key.indexOf(PAYLOAD) + PAYLOAD.length : 0;
}
