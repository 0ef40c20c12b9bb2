import { TaplineError } from '@tapline/kernel';
import { INT_BYTES, putLength, writeBytes } from '../avro-write.ts';
import type { ByteSink } from '../byte-sink.ts';
import { multiByteDecoder } from './multi-byte.ts';
import { SINGLE_BYTE } from './single-byte.generated.ts';
import { UNICODE } from './unicode.ts';
import { type Decode, Units, writeUnits } from './units.ts';

/** Writes text of one character set as an Avro string. */
export type CharsetWriter = (buffer: Buffer, offset: number, length: number, sink: ByteSink) => void;

const UTF8: ReadonlySet<string> = new Set(['utf8mb4', 'utf8mb3', 'utf8']);
const known = new Map<string, CharsetWriter>();

/** How text of a MySQL character set becomes UTF-8; `copy` when it is UTF-8 already. Throws SCHEMA_UNSUPPORTED for a name that is not known. */
export function charsetWriter(charset: string): CharsetWriter | 'copy' {
  if (UTF8.has(charset)) return 'copy';
  let writer = known.get(charset);
  if (writer === undefined) {
    writer = makeWriter(charset);
    known.set(charset, writer);
  }
  return writer;
}

function makeWriter(charset: string): CharsetWriter {
  const characters = SINGLE_BYTE[charset];
  if (characters !== undefined) return singleByteWriter(characters);
  const decode = UNICODE.get(charset) ?? multiByteDecoder(charset);
  if (decode !== undefined) return decodingWriter(decode);
  throw new TaplineError('SCHEMA_UNSUPPORTED', { message: `Character set ${charset} is not known.` });
}

const units = new Units();

function decodingWriter(decode: Decode): CharsetWriter {
  return (buffer, offset, length, sink) => {
    // A code gives no more units than it has bytes.
    units.start(length);
    decode(buffer, offset, offset + length, units);
    writeUnits(sink, units);
  };
}

/** Bytes → UTF-8 by a table: the length is counted first, and text that needs no change (most of it) is copied whole. */
function singleByteWriter(characters: string): CharsetWriter {
  const utf8 = Array.from(characters, (character) => Buffer.from(character));
  const same = Uint8Array.from(utf8, (bytes, byte) => (bytes.length === 1 && bytes[0] === byte ? 1 : 0));
  const lengths = Uint8Array.from(utf8, (bytes) => bytes.length);
  return (buffer, offset, length, sink) => {
    const end = offset + length;
    let changed = 0;
    let total = 0;
    for (let at = offset; at < end; at++) {
      const byte = buffer[at] as number;
      total += lengths[byte] as number;
      changed |= (same[byte] as number) ^ 1;
    }
    if (changed === 0) {
      writeBytes(sink, buffer, offset, length);
      return;
    }
    sink.ensure(total + INT_BYTES);
    putLength(sink, total);
    const out = sink.buffer;
    let position = sink.position;
    for (let at = offset; at < end; at++) {
      const bytes = utf8[buffer[at] as number] as Buffer;
      for (let i = 0; i < bytes.length; i++) out[position++] = bytes[i] as number;
    }
    sink.position = position;
  };
}
