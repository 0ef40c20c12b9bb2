/** Inside of a schema no raw `"payload":` can stand: its keys are Connect's own, and quotes in names are escaped. */
const PAYLOAD = Buffer.from(',"payload":');
const SCHEMA = Buffer.from('{"schema":{"type":"struct",');

/** Where the payload of a key that this library wrote starts: behind its schema, or at once when it carries none. */
export function keyPayload(key: Buffer): number {
  const hasSchema = key.length > SCHEMA.length && key.compare(SCHEMA, 0, SCHEMA.length, 0, SCHEMA.length) === 0;
  return hasSchema ? key.indexOf(PAYLOAD) + PAYLOAD.length : 0;
}
