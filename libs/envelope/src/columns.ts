import type { WireColumn } from '@tapline/binlog';
import { TaplineError } from '@tapline/kernel';
import { type Column, SPATIAL_TYPES } from '@tapline/schema';
import type { ColumnCodec } from './codec.ts';
import { decimalCodec } from './types/decimals.ts';
import { enumCodec, setCodec } from './types/enums.ts';
import { floatCodec } from './types/floats.ts';
import { bitCodec, integerCodec, yearCodec } from './types/integers.ts';
import { jsonCodec } from './types/json.ts';
import { geometryCodec, pointCodec, vectorCodec } from './types/spatial.ts';
import { dateCodec, datetimeCodec, timeCodec } from './types/temporal.ts';
import { binaryCodec, fixedBytesCodec, textCodec } from './types/text.ts';
import { timestampCodec } from './types/timestamp.ts';

type MakeCodec = (column: Column, wire: WireColumn | undefined) => ColumnCodec;

/** One line a type: DATA_TYPE of information_schema → codec. */
const CODECS: ReadonlyMap<string, MakeCodec> = new Map<string, MakeCodec>([
  ...['tinyint', 'smallint', 'mediumint', 'int', 'integer', 'bigint'].map((type) => [type, integerCodec] as const),
  ['year', yearCodec],
  ['bit', bitCodec],
  ['decimal', decimalCodec],
  ['numeric', decimalCodec],
  ['float', floatCodec],
  ['double', floatCodec],
  ['real', floatCodec],
  ['date', dateCodec],
  ['datetime', (column, wire) => datetimeCodec(column, wire?.type)],
  ['time', (column, wire) => timeCodec(column, wire?.type)],
  ['timestamp', (column, wire) => timestampCodec(column, wire?.type)],
  ...['char', 'varchar', 'tinytext', 'text', 'mediumtext', 'longtext'].map((type) => [type, textCodec] as const),
  ...['binary', 'varbinary', 'tinyblob', 'blob', 'mediumblob', 'longblob'].map((type) => [type, binaryCodec] as const),
  ...['uuid', 'inet6', 'inet4'].map((type) => [type, fixedBytesCodec] as const),
  ['enum', enumCodec],
  ['set', setCodec],
  ['json', jsonCodec],
  ...SPATIAL_TYPES.map((type) => [type, geometryCodec] as const),
  // In place of the line before, which has it too.
  ['point', pointCodec],
  ['vector', vectorCodec],
]);

/** Throws SCHEMA_UNSUPPORTED for a type or character set that is not known. */
export function columnCodec(column: Column, wire?: WireColumn): ColumnCodec {
  const make = CODECS.get(column.type);
  if (make !== undefined) return make(column, wire);
  throw new TaplineError('SCHEMA_UNSUPPORTED', { message: `Column type ${column.columnType} is not known.` });
}
