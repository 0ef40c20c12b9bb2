import { TaplineError } from '@tapline/kernel';
import type { ByteSink } from '../byte-sink.ts';

/** Writes text of one character set as an Avro string. */
export type CharsetWriter = (buffer: Buffer, offset: number, length: number, sink: ByteSink) => void;

const UTF8 = new Set(['utf8mb4', 'utf8mb3', 'utf8', 'ascii']);

/** How text of a MySQL character set becomes UTF-8; `copy` when it is UTF-8 already. */
export function charsetWriter(charset: string): CharsetWriter | 'copy' {
  if (UTF8.has(charset)) return 'copy';
  throw new TaplineError('SCHEMA_UNSUPPORTED', { message: `Character set ${charset} is not known.` });
}
