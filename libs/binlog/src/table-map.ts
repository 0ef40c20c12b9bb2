import { corrupt } from './event-errors.ts';
import type { EventReader } from './event-reader.ts';
import type { ImagePlan } from './row-image.ts';
import { type RowImages, readForm, type TableForm } from './table-form.ts';
import type { TableMap, WireColumn } from './types.ts';

/** A table map with what the row decoder needs: made once a layout. */
export class TableLayout implements TableMap {
  readonly id: number;
  readonly database: string;
  readonly table: string;
  readonly columns: readonly WireColumn[];
  readonly primaryKey?: readonly number[];
  readonly wanted: boolean;
  readonly #form: TableForm;

  constructor(id: number, names: readonly [string, string], form: TableForm, wanted: boolean) {
    this.id = id;
    [this.database, this.table] = names;
    this.columns = form.columns;
    this.wanted = wanted;
    if (form.primaryKey !== undefined) this.primaryKey = form.primaryKey;
    this.#form = form;
  }

  /** The plan for images that have all columns. */
  get fullPlan(): ImagePlan {
    return this.#form.fullPlan;
  }

  /** Indexes of JSON columns. */
  get jsonColumns(): readonly number[] {
    return this.#form.jsonColumns;
  }

  /** See `TableForm`. */
  get images(): RowImages {
    return this.#form.images;
  }

  /** See `TableForm`. */
  plan(buffer: Buffer, offset: number): ImagePlan {
    return this.#form.plan(buffer, offset);
  }
}

interface Seen {
  /** From the names on. */
  readonly body: Buffer;
  readonly isMariadb: boolean;
  readonly layout: TableLayout;
}

/** A server gives a table another id each time that it opens it, which with thousands of tables is every few transactions. */
const MOST_IDS = 32_768;

/**
 * Table maps of one stream. Every transaction repeats the maps of its tables, so an unchanged one costs a lookup and a memcmp.
 * Layouts are kept by their names and bytes: the same ones give the same object, also under a new table id.
 */
export class TableMaps {
  /** What the FORMAT_DESCRIPTION says of the server that wrote the file: the optional metadata differs. */
  isMariadb = false;
  readonly #wants: (database: string, table: string) => boolean;
  readonly #byId = new Map<number, Seen>();
  /** By a hash of the names. No text is made of them: under ids that change all the time it would be made for each transaction. */
  readonly #byNames = new Map<number, Seen[]>();
  /** By the bytes behind the names. */
  readonly #forms = new Map<string, TableForm>();

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

  /** To be called between transactions. */
  forgetManyIds(): void {
    if (this.#byId.size > MOST_IDS) this.#byId.clear();
  }

  /**
   * TABLE_MAP (Table_map_event of libs/mysql/binlog/event/rows_event.h):
   *   table_id u48 · flags u16 · u8 length, database, NUL · u8 length, table, NUL · the table's form
   */
  read(reader: EventReader): TableLayout {
    const id = reader.u48('table id');
    reader.u16('table map flags');
    const { buffer, offset: start, end } = reader;
    let seen = this.#byId.get(id);
    if (seen !== undefined && hasBody(seen, buffer, start, end)) return seen.layout;
    seen = this.#find(reader, id);
    this.#byId.set(id, seen);
    return seen.layout;
  }

  #find(reader: EventReader, id: number): Seen {
    const { buffer, offset: start, end } = reader;
    const hash = hashOfNames(buffer, start, end);
    const known = this.#byNames.get(hash) ?? [];
    const found = known.find((seen) => seen.isMariadb === this.isMariadb && hasBody(seen, buffer, start, end));
    if (found !== undefined) return found;
    const database = readName(reader, 'database name');
    const table = readName(reader, 'table name');
    const layout = new TableLayout(id, [database, table], this.#formOf(reader), this.#wants(database, table));
    const seen = { body: Buffer.from(buffer.subarray(start, end)), isMariadb: this.isMariadb, layout };
    this.#byNames.set(hash, [...known, seen]);
    return seen;
  }

  #formOf(reader: EventReader): TableForm {
    const key = `${this.isMariadb ? 'a' : 'y'}${reader.buffer.toString('latin1', reader.offset, reader.end)}`;
    let known = this.#forms.get(key);
    if (known === undefined) {
      known = readForm(reader, this.isMariadb);
      this.#forms.set(key, known);
    }
    return known;
  }
}

function hasBody({ body }: Seen, buffer: Buffer, start: number, end: number): boolean {
  return end - start === body.length && buffer.compare(body, 0, body.length, start, end) === 0;
}

/** FNV-1a of both names with their lengths; of all that there is where they do not end in the event. */
function hashOfNames(buffer: Buffer, start: number, end: number): number {
  const table = start + 2 + (buffer[start] ?? 0);
  const namesEnd = Math.min(table + 1 + (buffer[table] ?? 0), end);
  let hash = 0x811c9dc5;
  for (let i = start; i < namesEnd; i++) hash = Math.imul(hash ^ (buffer[i] as number), 0x01000193);
  return hash;
}

function readName(reader: EventReader, what: string): string {
  const name = reader.text(reader.u8(`${what} length`), what);
  if (reader.u8(what) !== 0) throw corrupt(`the ${what} does not end with NUL`);
  return name;
}
