import { corrupt } from './event-errors.ts';
import type { EventReader } from './event-reader.ts';
import { ImagePlan } from './row-image.ts';
import { applyMetadata, type MutableColumn } from './table-metadata.ts';
import type { TableMap, WireColumn } from './types.ts';
import { WIRE_TYPE } from './wire-types.ts';

/** A table map with what the row decoder needs: made once a layout. */
export class TableLayout implements TableMap {
  readonly id: number;
  readonly database: string;
  readonly table: string;
  readonly columns: readonly WireColumn[];
  readonly primaryKey?: readonly number[];
  readonly wanted: boolean;
  /** The plan for images that have all columns, and the image arrays, shared by all rows of this layout. */
  readonly fullPlan: ImagePlan;
  /** Indexes of JSON columns. */
  readonly jsonColumns: readonly number[];
  readonly #partialPlans = new Map<string, ImagePlan>();

  constructor(id: number, names: readonly [string, string], columns: readonly WireColumn[], rest: LayoutRest) {
    this.id = id;
    [this.database, this.table] = names;
    this.columns = columns;
    this.wanted = rest.wanted;
    if (rest.primaryKey !== undefined) this.primaryKey = rest.primaryKey;
    this.fullPlan = ImagePlan.full(columns);
    this.jsonColumns = [...columns.keys()].filter((i) => columns[i]!.type === WIRE_TYPE.JSON);
  }

  /** The plan for the columns set in the bitmap at `offset`. Few bitmaps recur, so plans are kept. */
  plan(buffer: Buffer, offset: number): ImagePlan {
    if (hasAll(buffer, offset, this.columns.length)) return this.fullPlan;
    const key = buffer.toString('latin1', offset, offset + ((this.columns.length + 7) >> 3));
    let plan = this.#partialPlans.get(key);
    if (plan === undefined) {
      if (this.#partialPlans.size >= 1024) this.#partialPlans.clear();
      plan = ImagePlan.partial(this.columns, buffer, offset);
      this.#partialPlans.set(key, plan);
    }
    return plan;
  }
}

interface LayoutRest {
  readonly wanted: boolean;
  readonly primaryKey: readonly number[] | undefined;
}

function hasAll(buffer: Buffer, offset: number, columns: number): boolean {
  const whole = columns >> 3;
  for (let i = 0; i < whole; i++) if (buffer[offset + i] !== 0xff) return false;
  const rest = (1 << (columns & 7)) - 1;
  return rest === 0 || (buffer[offset + whole]! & rest) === rest;
}

interface Seen {
  readonly body: Buffer;
  readonly layout: TableLayout;
}

/**
 * Table maps of one stream. Every transaction repeats the maps of its tables, so an unchanged one costs a lookup and a memcmp.
 * Layouts are kept by their bytes (all but the table id): the same bytes give the same object, also under a new table id.
 */
export class TableMaps {
  /** What the FORMAT_DESCRIPTION says of the server that wrote the file: the optional metadata differs. */
  isMariadb = false;
  readonly #wants: (database: string, table: string) => boolean;
  readonly #byId = new Map<number, Seen>();
  readonly #byBody = new Map<string, Seen>();

  constructor(wants: (database: string, table: string) => boolean) {
    this.#wants = wants;
  }

  /** undefined: no table map came for this id. */
  get(id: number): TableLayout | undefined {
    return this.#byId.get(id)?.layout;
  }

  /** Table ids mean nothing after a new binlog file of a restarted server, and nothing from one transaction to the next; layouts stay. */
  forgetIds(): void {
    this.#byId.clear();
  }

  /**
   * TABLE_MAP (Table_map_event of libs/mysql/binlog/event/rows_event.h):
   *   table_id u48 · flags u16 · u8 length, database, NUL · u8 length, table, NUL ·
   *   packed n · n type bytes · packed length, type metadata · null bitmap ceil(n/8), least bit first · optional metadata TLVs to the end
   */
  read(reader: EventReader): TableLayout {
    const id = reader.u48('table id');
    const { buffer, offset: start, end } = reader;
    const seen = this.#byId.get(id);
    if (seen !== undefined && buffer.compare(seen.body, 0, seen.body.length, start, end) === 0) return seen.layout;
    const body = buffer.subarray(start, end);
    const key = body.toString('latin1');
    let entry = this.#byBody.get(key);
    if (entry === undefined) {
      entry = { body: Buffer.from(body), layout: this.#decode(reader, id) };
      this.#byBody.set(key, entry);
    }
    this.#byId.set(id, entry);
    return entry.layout;
  }

  #decode(reader: EventReader, id: number): TableLayout {
    reader.u16('table map flags');
    const database = readName(reader, 'database name');
    const table = readName(reader, 'table name');
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
    const primaryKey = applyMetadata(reader, columns, this.isMariadb);
    const wanted = this.#wants(database, table);
    return new TableLayout(id, [database, table], columns, { wanted, primaryKey });
  }
}

function readName(reader: EventReader, what: string): string {
  const name = reader.text(reader.u8(`${what} length`), what);
  if (reader.u8(what) !== 0) throw corrupt(`the ${what} does not end with NUL`);
  return name;
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
