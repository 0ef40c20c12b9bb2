import { corrupt, EventError, unsupported } from './event-errors.ts';
import { EventReader } from './event-reader.ts';
import type { ImageBuffers, MadeValue } from './row-image.ts';
import type { TableLayout } from './table-map.ts';
import { COLUMN_STATE } from './types.ts';
import { applyJsonDiffs } from './values/json-diff.ts';

const PARTIAL_JSON = 1;

/**
 * In front of each after image of PARTIAL_UPDATE_ROWS (Rows_event, rpl_record.cc): packed value options; with bit 0 a bitmap over all JSON
 * columns of the table, least bit first: in the after image they are differences. Returns where the image starts.
 */
export function skipValueOptions(table: TableLayout, buffer: Buffer, start: number, end: number): number {
  const reader = new EventReader().reset(buffer, start, end);
  const options = reader.packed('value options');
  if (options > PARTIAL_JSON)
    throw unsupported(`value options ${options}`, 'Upgrade Tapline, or report the server version.');
  if (options === PARTIAL_JSON) reader.take((table.jsonColumns.length + 7) >> 3, 'bitmap of JSON differences');
  return reader.offset;
}

export interface UpdateRow {
  readonly table: TableLayout;
  readonly before: ImageBuffers;
  readonly after: ImageBuffers;
  /** The value options in front of the after image. */
  readonly optionsAt: number;
  /** Where the after image lies. */
  readonly afterStart: number;
  readonly afterEnd: number;
}

/**
 * Makes whole documents of the columns that the after image has as differences, from the before image. A difference of no bytes says that
 * the value is as before. `after` then has all of them, in a buffer of its own where it must.
 */
export function applyPartialJson({ table, before, after, optionsAt, afterStart, afterEnd }: UpdateRow): void {
  if (after.buffer[optionsAt] !== PARTIAL_JSON) return;
  const changed: MadeValue[] = [];
  const same: number[] = [];
  for (const [j, column] of table.jsonColumns.entries()) {
    const isDiff = (after.buffer[optionsAt + 1 + (j >> 3)]! & (1 << (j & 7))) !== 0;
    if (!isDiff || after.states[column] !== COLUMN_STATE.VALUE) continue;
    const state = before.states[column]!;
    if (after.lengths[column] === 0) {
      after.states[column] = state;
      if (state === COLUMN_STATE.VALUE) same.push(column);
      continue;
    }
    const name = table.columns[column]!.name ?? `column ${column + 1}`;
    if (state === COLUMN_STATE.ABSENT) throw noDocument(name);
    if (state === COLUMN_STATE.NULL) throw corrupt(`JSON differences of ${name}, which was NULL`);
    changed.push({ column, bytes: applyJsonDiffs(rangeOf(before, column), rangeOf(after, column)) });
  }
  if (changed.length > 0) {
    const kept = same.map((column) => ({ column, bytes: bytesOf(before, column) }));
    after.materialise(afterStart, afterEnd, [...changed, ...kept]);
    return;
  }
  for (const column of same) {
    after.offsets[column] = before.offsets[column]!;
    after.lengths[column] = before.lengths[column]!;
  }
}

function bytesOf(image: ImageBuffers, column: number): Buffer {
  const { buffer, start, end } = rangeOf(image, column);
  return buffer.subarray(start, end);
}

function rangeOf(
  { buffer, offsets, lengths }: ImageBuffers,
  column: number,
): { buffer: Buffer; start: number; end: number } {
  return { buffer, start: offsets[column]!, end: offsets[column]! + lengths[column]! };
}

function noDocument(name: string): EventError {
  return new EventError(
    'SOURCE_ROW_IMAGE',
    `the update carries ${name} as differences (binlog_row_value_options=PARTIAL_JSON), and not what they change (binlog_row_image is not FULL)`,
    "Run SET PERSIST binlog_row_value_options = ''; or SET PERSIST binlog_row_image = FULL; let the sessions that write reconnect, and load the table anew.",
  );
}
