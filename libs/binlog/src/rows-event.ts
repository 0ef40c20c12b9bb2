import { inflateSync } from 'node:zlib';
import { corrupt, locateEventError } from './event-errors.ts';
import { EventReader } from './event-reader.ts';
import { applyPartialJson, skipValueOptions } from './partial-json.ts';
import type { ImageBuffers, ImagePlan } from './row-image.ts';
import type { TableLayout, TableMaps } from './table-map.ts';
import type { BinlogPosition, RowImage, RowsEvent } from './types.ts';
import { EVENT_TYPE } from './wire-types.ts';

type Op = RowsEvent['op'];

interface RowsKind {
  readonly op: Op;
  readonly version: 1 | 2;
  readonly compressed: boolean;
  readonly partialJson: boolean;
}

const kind = (op: Op, version: 1 | 2, compressed = false, partialJson = false): RowsKind => ({
  op,
  version,
  compressed,
  partialJson,
});

export const ROWS_KINDS: ReadonlyMap<number, RowsKind> = new Map([
  [EVENT_TYPE.WRITE_ROWS_V1, kind('insert', 1)],
  [EVENT_TYPE.UPDATE_ROWS_V1, kind('update', 1)],
  [EVENT_TYPE.DELETE_ROWS_V1, kind('delete', 1)],
  [EVENT_TYPE.WRITE_ROWS, kind('insert', 2)],
  [EVENT_TYPE.UPDATE_ROWS, kind('update', 2)],
  [EVENT_TYPE.DELETE_ROWS, kind('delete', 2)],
  [EVENT_TYPE.PARTIAL_UPDATE_ROWS, kind('update', 2, false, true)],
  [EVENT_TYPE.MARIA_WRITE_ROWS_COMPRESSED_V1, kind('insert', 1, true)],
  [EVENT_TYPE.MARIA_UPDATE_ROWS_COMPRESSED_V1, kind('update', 1, true)],
  [EVENT_TYPE.MARIA_DELETE_ROWS_COMPRESSED_V1, kind('delete', 1, true)],
  [EVENT_TYPE.MARIA_WRITE_ROWS_COMPRESSED, kind('insert', 2, true)],
  [EVENT_TYPE.MARIA_UPDATE_ROWS_COMPRESSED, kind('update', 2, true)],
  [EVENT_TYPE.MARIA_DELETE_ROWS_COMPRESSED, kind('delete', 2, true)],
]);

/** What the event's header says, for messages and for the consumer. */
export interface RowsPlace {
  readonly eventType: number;
  readonly timestampSeconds: number;
  readonly serverId: number;
  readonly position: BinlogPosition;
}

/** The table id of an event that carries no rows, only the end-of-statement flag. */
const DUMMY_TABLE_ID = 0xffffff;

/**
 * Rows events (Rows_event of rows_event.h):
 *   table_id u48 · flags u16 · v2 only: u16 length of the extra data, counting itself, and that data ·
 *   packed columns n · bitmap ceil(n/8) of the columns in the image (update: of the before image, then of the after image) · rows
 * Each row is one image, update: before image, after image. MariaDB's compressed forms hold the rows compressed (see `inflateRows`).
 * PARTIAL_UPDATE_ROWS has value options in front of each after image (see `skipValueOptions`).
 *
 * undefined: nobody wants the table.
 */
export function readRowsEvent(reader: EventReader, tables: TableMaps, place: RowsPlace): WireRowsEvent | undefined {
  const { op, version, compressed, partialJson } = ROWS_KINDS.get(place.eventType)!;
  const id = reader.u48('table id');
  reader.u16('rows flags');
  const layout = tables.get(id);
  if (layout === undefined) {
    if (id === DUMMY_TABLE_ID) return undefined;
    throw corrupt(`no table map came for table id ${id}`);
  }
  if (!layout.wanted) return undefined;
  if (version === 2) reader.take(reader.u16('length of the extra data') - 2, 'extra data');
  const count = reader.packed('column count');
  if (count !== layout.columns.length) {
    throw corrupt(
      `${count} columns for ${layout.database}.${layout.table}, whose table map has ${layout.columns.length}`,
    );
  }
  const bitmapBytes = (count + 7) >> 3;
  const first = layout.plan(reader.buffer, reader.take(bitmapBytes, 'column bitmap'));
  const second =
    op === 'update' ? layout.plan(reader.buffer, reader.take(bitmapBytes, 'column bitmap of the after image')) : first;
  first.check();
  second.check();
  const rows = new WireRowsEvent(layout, op, place);
  rows.partialJson = partialJson;
  rows.lacksColumns = op === 'update' && second !== layout.fullPlan;
  rows.makesValues = partialJson || first.isCompressed || second.isCompressed;
  rows.beforePlan = op === 'insert' ? undefined : first;
  rows.afterPlan = op === 'delete' ? undefined : second;
  rows.buffer = reader.buffer;
  rows.at = reader.offset;
  rows.end = reader.end;
  rows.isPacked = compressed;
  return rows;
}

/** No row section is larger than this uncompressed (max_allowed_packet's limit). */
const MAX_INFLATED_BYTES = 1 << 30;

/** MariaDB binlog_buf_compress: u8 0x80 | algorithm << 4 | k (algorithm 0 = zlib) · k bytes uncompressed length, most significant first · zlib stream. */
export function inflateRows(reader: EventReader): Buffer {
  const head = reader.u8('compression header');
  const lengthBytes = head & 0x07;
  if ((head & 0x80) === 0 || (head & 0x70) !== 0 || lengthBytes < 1 || lengthBytes > 4) {
    throw corrupt(`compression header 0x${head.toString(16)}`);
  }
  const at = reader.take(lengthBytes, 'uncompressed length');
  const length = reader.buffer.readUIntBE(at, lengthBytes);
  if (length > MAX_INFLATED_BYTES) throw corrupt(`${length} uncompressed bytes in one event`);
  let inflated: Buffer;
  try {
    inflated = inflateSync(reader.bytes(reader.remaining, 'compressed bytes'), {
      maxOutputLength: Math.max(1, length),
    });
  } catch (error) {
    throw corrupt(`the compressed part does not inflate (${error instanceof Error ? error.message : 'unknown'})`);
  }
  if (inflated.length !== length) throw corrupt(`${inflated.length} bytes inflated, ${length} announced`);
  return inflated;
}

const NO_BYTES = Buffer.alloc(0);

export class WireRowsEvent implements RowsEvent {
  readonly kind = 'rows';
  readonly op: Op;
  readonly table: TableLayout;
  readonly timestampSeconds: number;
  readonly position: BinlogPosition;
  readonly serverId: number;
  rowIndex = -1;
  buffer: Buffer = NO_BYTES;
  at = 0;
  end = 0;
  partialJson = false;
  /** Rows have values that are not in the packet as they are. */
  makesValues = false;
  /** The after images of these updates lack columns. */
  lacksColumns = false;
  /** `buffer[at, end)` is still compressed. */
  isPacked = false;
  beforePlan: ImagePlan | undefined;
  afterPlan: ImagePlan | undefined;
  readonly #eventType: number;
  readonly #before: ImageBuffers;
  readonly #after: ImageBuffers;

  constructor(layout: TableLayout, op: Op, place: RowsPlace) {
    this.op = op;
    this.table = layout;
    this.timestampSeconds = place.timestampSeconds;
    this.position = place.position;
    this.serverId = place.serverId;
    this.#eventType = place.eventType;
    const { images } = layout;
    this.#before = images.before;
    this.#after = images.after;
  }

  /** The same event before its first row, with other bytes for its rows. */
  with(rows: Buffer): WireRowsEvent {
    const { timestampSeconds, serverId, position } = this;
    const place = { eventType: this.#eventType, timestampSeconds, serverId, position };
    const event = new WireRowsEvent(this.table, this.op, place);
    event.buffer = rows;
    event.end = rows.length;
    event.partialJson = this.partialJson;
    event.makesValues = this.makesValues;
    event.lacksColumns = this.lacksColumns;
    event.isPacked = this.isPacked;
    event.beforePlan = this.beforePlan;
    event.afterPlan = this.afterPlan;
    return event;
  }

  get before(): RowImage {
    return this.#before;
  }

  get after(): RowImage {
    return this.#after;
  }

  next(): boolean {
    if (this.isPacked) this.#inflate();
    const start = this.at;
    // An event whose rows have no column at all (MINIMAL image, all defaults) is one row of no bytes.
    if (start >= this.end && !(this.rowIndex < 0 && start === this.end)) return this.#release();
    // Each time, not only for the first row: another event of a table of this form may have used the images in between.
    this.#before.begin(this.buffer, this.beforePlan);
    this.#after.begin(this.buffer, this.afterPlan);
    this.#after.base = this.lacksColumns ? this.#before : undefined;
    try {
      const { buffer, end, beforePlan, afterPlan } = this;
      const beforeEnd = beforePlan === undefined ? start : beforePlan.scan(this.#before, start, end);
      const afterStart = this.partialJson ? skipValueOptions(this.table, buffer, beforeEnd, end) : beforeEnd;
      const rowEnd = afterPlan === undefined ? afterStart : afterPlan.scan(this.#after, afterStart, end);
      if (rowEnd === start && rowEnd < end) throw corrupt('rows of no columns with bytes behind them');
      if (this.makesValues) this.#makeValues(start, beforeEnd, afterStart, rowEnd);
      this.at = rowEnd;
    } catch (error) {
      throw locateEventError(error, this.#eventType, this.position, `${this.table.database}.${this.table.table}`);
    }
    this.rowIndex++;
    return true;
  }

  /** Whoever pulled holds the event until the next pull, and must not hold inflated rows with it. */
  #release(): false {
    this.buffer = NO_BYTES;
    this.at = 0;
    this.end = 0;
    return false;
  }

  /** Only when the first row is asked for: a pull gives a megabyte of events, which may be a gigabyte of rows. */
  #inflate(): void {
    try {
      this.buffer = inflateRows(new EventReader().reset(this.buffer, this.at, this.end));
    } catch (error) {
      throw locateEventError(error, this.#eventType, this.position, `${this.table.database}.${this.table.table}`);
    }
    this.at = 0;
    this.end = this.buffer.length;
    this.isPacked = false;
  }

  /** What the packet does not hold as it is. The two never meet: compressed columns are MariaDB's, JSON differences MySQL's. */
  #makeValues(start: number, beforeEnd: number, afterStart: number, afterEnd: number): void {
    const [before, after] = [this.#before, this.#after];
    if (this.partialJson) {
      applyPartialJson({ table: this.table, before, after, optionsAt: beforeEnd, afterStart, afterEnd });
      return;
    }
    this.beforePlan?.decompress(before, start, beforeEnd);
    this.afterPlan?.decompress(after, afterStart, afterEnd);
  }
}
