import { TaplineError } from '@tapline/kernel';
import type { AvroType } from './avro-schema.ts';
import type { ByteSink } from './byte-sink.ts';

/** Writes one value as Avro from its bytes in a binlog row image. Not called for NULL. */
export type WireWriter = (buffer: Buffer, offset: number, length: number, sink: ByteSink) => void;
/** Writes one value as Avro from what `select` gives in the text protocol. Not called for NULL. */
export type TextWriter = (bytes: Buffer, sink: ByteSink) => void;

/** The two front ends of a column: the same value gives the same Avro bytes through both. */
export interface ColumnCodec {
  /** The type of the value; the NULL union of nullable columns is put around it by the table. */
  readonly schema: AvroType;
  readonly fromWire: WireWriter;
  readonly fromText: TextWriter;
  /** The SELECT expression whose text `fromText` wants, given the quoted column name. Never has an alias: it must not shadow the column in ORDER BY. */
  readonly select: (column: string) => string;
}

export const plainColumn = (column: string): string => column;

/** A value whose bytes do not fit the column's type: the schema is not the one the row was written with, or the bytes are damaged. */
export function badValue(what: string): TaplineError {
  return new TaplineError('SCHEMA_MISMATCH', { message: what });
}
