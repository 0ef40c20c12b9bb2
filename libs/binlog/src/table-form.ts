import { corrupt } from './event-errors.ts';
import type { EventReader } from './event-reader.ts';
import { ImageBuffers, ImagePlan } from './row-image.ts';
import { applyMetadata, type MutableColumn } from './table-metadata.ts';
import type { WireColumn } from './types.ts';
import { WIRE_TYPE } from './wire-types.ts';

/** Images of the row at hand, before and after. */
export interface RowImages {
  readonly before: ImageBuffers;
  readonly after: ImageBuffers;
}

/** What a table map says besides names: shared by all tables that have the same columns, of which there may be thousands. */
export class TableForm {
  readonly columns: readonly WireColumn[];
  readonly primaryKey: readonly number[] | undefined;
  /** The plan for images that have all columns. */
  readonly fullPlan: ImagePlan;
  /** Indexes of JSON columns. */
  readonly jsonColumns: readonly number[];
  #partialPlans: Map<string, ImagePlan> | undefined;
  #images: RowImages | undefined;

  constructor(columns: readonly WireColumn[], primaryKey: readonly number[] | undefined) {
    this.columns = columns;
    this.primaryKey = primaryKey;
    this.fullPlan = ImagePlan.full(columns);
    this.jsonColumns = [...columns.keys()].filter((i) => columns[i]!.type === WIRE_TYPE.JSON);
  }

  /** The arrays of the row at hand: of whichever event has moved to a row last. */
  get images(): RowImages {
    const { length } = this.columns;
    this.#images ??= { before: new ImageBuffers(length), after: new ImageBuffers(length) };
    return this.#images;
  }

  /** The plan for the columns set in the bitmap at `offset`. Few bitmaps recur, so plans are kept. */
  plan(buffer: Buffer, offset: number): ImagePlan {
    if (hasAll(buffer, offset, this.columns.length)) return this.fullPlan;
    const key = buffer.toString('latin1', offset, offset + ((this.columns.length + 7) >> 3));
    this.#partialPlans ??= new Map();
    let plan = this.#partialPlans.get(key);
    if (plan === undefined) {
      if (this.#partialPlans.size >= 1024) this.#partialPlans.clear();
      plan = ImagePlan.partial(this.columns, buffer, offset);
      this.#partialPlans.set(key, plan);
    }
    return plan;
  }
}

function hasAll(buffer: Buffer, offset: number, columns: number): boolean {
  const whole = columns >> 3;
  for (let i = 0; i < whole; i++) if (buffer[offset + i] !== 0xff) return false;
  const rest = (1 << (columns & 7)) - 1;
  return rest === 0 || (buffer[offset + whole]! & rest) === rest;
}

/**
 * What stands behind the names in a TABLE_MAP:
 *   packed n · n type bytes · packed length, type metadata · null bitmap ceil(n/8), least bit first · optional metadata TLVs to the end
 */
export function readForm(reader: EventReader, isMariadb: boolean): TableForm {
  const count = reader.packed('column count');
  if (count === 0 || count > 4096) throw corrupt(`a table of ${count} columns`);
  const types = reader.bytes(count, 'column types');
  const metaLength = reader.packed('length of the type metadata');
  const restOfEvent = reader.end;
  const metaEnd = reader.take(metaLength, 'type metadata') + metaLength;
  reader.reset(reader.buffer, metaEnd - metaLength, metaEnd);
  const columns = Array.from(types, (type) => readColumn(type, reader));
  if (reader.remaining !== 0) throw corrupt(`${reader.remaining} bytes of type metadata are left over`);
  reader.reset(reader.buffer, metaEnd, restOfEvent);
  const nullable = reader.bytes((count + 7) >> 3, 'nullable bitmap');
  for (const [i, column] of columns.entries()) column.nullable = (nullable[i >> 3]! & (1 << (i & 7))) !== 0;
  const primaryKey = applyMetadata(reader, columns, isMariadb);
  return new TableForm(columns, primaryKey);
}

/**
 * Type metadata (Table_map_event): nothing; one byte; or two bytes, of which STRING carries its real type in the first:
 *   STRING: byte 0 = real type (bits 4 and 5 inverted where the length exceeds 255), byte 1 = length
 */
function readColumn(wireType: number, reader: EventReader): MutableColumn {
  const column = (type: number, meta: number): MutableColumn => ({ type, meta, nullable: false });
  switch (wireType) {
    case WIRE_TYPE.FLOAT:
    case WIRE_TYPE.DOUBLE:
    case WIRE_TYPE.TIMESTAMP2:
    case WIRE_TYPE.DATETIME2:
    case WIRE_TYPE.TIME2:
    case WIRE_TYPE.BLOB:
    case WIRE_TYPE.TINY_BLOB:
    case WIRE_TYPE.MEDIUM_BLOB:
    case WIRE_TYPE.LONG_BLOB:
    case WIRE_TYPE.BLOB_COMPRESSED:
    case WIRE_TYPE.JSON:
    case WIRE_TYPE.GEOMETRY:
    case WIRE_TYPE.VECTOR:
      return column(wireType, reader.u8('type metadata'));
    case WIRE_TYPE.VARCHAR:
    case WIRE_TYPE.VAR_STRING:
    case WIRE_TYPE.VARCHAR_COMPRESSED:
      return column(wireType, reader.u16('type metadata'));
    case WIRE_TYPE.BIT: {
      const bits = reader.u8('type metadata');
      return column(wireType, reader.u8('type metadata') * 8 + bits);
    }
    case WIRE_TYPE.NEWDECIMAL: {
      const precision = reader.u8('decimal precision');
      const scale = reader.u8('decimal scale');
      if (precision > 65 || scale > precision) throw corrupt(`decimal(${precision},${scale})`);
      return column(wireType, (precision << 8) | scale);
    }
    case WIRE_TYPE.ENUM:
    case WIRE_TYPE.SET:
    case WIRE_TYPE.STRING: {
      const first = reader.u8('type metadata');
      const second = reader.u8('type metadata');
      if ((first & 0x30) !== 0x30) return column(first | 0x30, second | (((first & 0x30) ^ 0x30) << 4));
      return column(first === 0 ? WIRE_TYPE.STRING : first, second);
    }
    default:
      return column(wireType, 0);
  }
}
