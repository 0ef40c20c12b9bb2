import type { Column } from '@tapline/schema';
import { writeBytes } from '../avro-write.ts';
import type { ColumnCodec } from '../codec.ts';
import { Cursor } from '../reader/avro-read.ts';
import type { Reshape } from './column-shape.ts';
import { misfit } from './misfit.ts';

/**
 * Writes the beginning of a text or of a binary string. A text is UTF-8 by now, whatever the column's character set is: a character begins at each byte that
 * continues none, so a cut never parts one.
 */
export function truncateWriter(column: Column, { schema }: ColumnCodec, characters: number): Reshape {
  if (schema !== 'string' && schema !== 'bytes') {
    throw misfit(
      `Only texts and binary strings can be truncated, not ${column.columnType}.`,
      'Exclude, mask or hash it.',
    );
  }
  const isText = schema === 'string';
  const cursor = new Cursor();
  return (avro, sink) => {
    cursor.open(avro.written(), 0);
    const length = cursor.length();
    const start = cursor.position;
    const kept = isText ? lengthOf(cursor.buffer, start, length, characters) : Math.min(length, characters);
    writeBytes(sink, cursor.buffer, start, kept);
  };
}

/** Bytes of the first `characters` code points. */
function lengthOf(utf8: Buffer, start: number, length: number, characters: number): number {
  if (length <= characters) return length;
  let seen = 0;
  for (let i = 0; i < length; i++) {
    const begins = ((utf8[start + i] as number) & 0xc0) !== 0x80;
    if (begins && seen++ === characters) return i;
  }
  return length;
}
