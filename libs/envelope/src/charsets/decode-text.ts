import { GrowingSink } from '../byte-sink.ts';
import { charsetWriter } from './charset.ts';

/** A short text of a MySQL character set, such as a member of an ENUM. Throws SCHEMA_UNSUPPORTED for a character set that is not known. */
export function decodeText(charset: string, bytes: Buffer): string {
  if (charset === 'binary') return bytes.toString('latin1');
  const write = charsetWriter(charset);
  if (write === 'copy') return bytes.toString();
  const sink = new GrowingSink(bytes.length * 4 + 16);
  write(bytes, 0, bytes.length, sink);
  const avro = sink.written();
  // An Avro string: its length as a varint, then UTF-8.
  let start = 0;
  while ((avro[start++] as number) >= 0x80);
  return avro.toString('utf8', start);
}
