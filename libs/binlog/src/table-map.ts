import { corrupt } from './event-errors.ts';
import type { EventReader } from './event-reader.ts';
import type { ImagePlan } from './row-image.ts';
import { type RowImages, readForm, type TableForm } from './table-form.ts';
import type { TableMap, WireColumn } from './types.ts';

/** What stands behind the names, and what it was read from. */
interface KnownForm {
  readonly form: TableForm;
  readonly bytes: Buffer;
  readonly isMariadb: boolean;
}

/** A table map with what the row decoder needs: made once a layout. */
export class TableLayout implements TableMap {
  // What each event needs stands together: of thousands of layouts none is in the processor's cache.
  kept: unknown = undefined;
  readonly wanted: boolean;
  readonly columns: readonly WireColumn[];
  readonly #known: KnownForm;
  /** Where its names stand in those of all layouts, as they are in its events. */
  readonly #namesAt: number;
  readonly #namesBytes: number;
  /** Another layout whose names have the same hash. */
  readonly sameHash: TableLayout | undefined;
  readonly id: number;
  readonly database: string;
  readonly table: string;
  readonly primaryKey?: readonly number[];

  constructor(
    { id, database, table }: Pick<TableMap, 'id' | 'database' | 'table'>,
    { known, wanted, namesAt, namesBytes, sameHash }: LayoutParts,
  ) {
    this.wanted = wanted;
    this.columns = known.form.columns;
    this.#known = known;
    this.#namesAt = namesAt;
    this.#namesBytes = namesBytes;
    this.sameHash = sameHash;
    this.id = id;
    this.database = database;
    this.table = table;
    if (known.form.primaryKey !== undefined) this.primaryKey = known.form.primaryKey;
  }

  /** Whether `buffer[start, end)` are these names and this form. Of the layout only the names are looked at: the form is that of many. */
  isIn(names: Buffer, isMariadb: boolean, { buffer, offset: start, end }: EventReader): boolean {
    const [at, length] = [this.#namesAt, this.#namesBytes];
    const { bytes, isMariadb: ofMariadb } = this.#known;
    if (end - start !== length + bytes.length || isMariadb !== ofMariadb) return false;
    for (let i = 0; i < length; i++) if (names[at + i] !== buffer[start + i]) return false;
    return buffer.compare(bytes, 0, bytes.length, start + length, end) === 0;
  }

  /** The plan for images that have all columns. */
  get fullPlan(): ImagePlan {
    return this.#known.form.fullPlan;
  }

  /** Indexes of JSON columns. */
  get jsonColumns(): readonly number[] {
    return this.#known.form.jsonColumns;
  }

  /** See `TableForm`. */
  get images(): RowImages {
    return this.#known.form.images;
  }

  /** See `TableForm`. */
  plan(buffer: Buffer, offset: number): ImagePlan {
    return this.#known.form.plan(buffer, offset);
  }
}

interface LayoutParts {
  readonly known: KnownForm;
  readonly wanted: boolean;
  readonly namesAt: number;
  readonly namesBytes: number;
  readonly sameHash: TableLayout | undefined;
}

/**
 * A server gives a table another id each time that it opens it, which with thousands of tables is every few transactions. Few ids are found faster than many, and the layout
 * of one that was forgotten is found by its names.
 */
const MOST_IDS = 1024;

/**
 * Table maps of one stream. Every transaction repeats the maps of its tables, so an unchanged one costs a lookup and a memcmp.
 * Layouts are kept by their names and bytes: the same ones give the same object, also under a new table id.
 */
export class TableMaps {
  /** What the FORMAT_DESCRIPTION says of the server that wrote the file: the optional metadata differs. */
  isMariadb = false;
  readonly #wants: (database: string, table: string) => boolean;
  readonly #byId = new Map<number, TableLayout>();
  /** By a hash of the names. No text is made of them: under ids that change all the time it would be made for each transaction. */
  readonly #byNames = new Map<number, TableLayout>();
  /** By the bytes behind the names. */
  readonly #forms = new Map<string, KnownForm>();
  /** The names of all layouts, one behind the other. */
  #names: Buffer = Buffer.alloc(1024);
  #namesEnd = 0;

  constructor(wants: (database: string, table: string) => boolean) {
    this.#wants = wants;
  }

  /** undefined: no table map came for this id. */
  get(id: number): TableLayout | undefined {
    return this.#byId.get(id);
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
    const known = this.#byId.get(id);
    if (known?.isIn(this.#names, this.isMariadb, reader) === true) return known;
    const layout = this.#find(reader, id);
    this.#byId.set(id, layout);
    return layout;
  }

  #find(reader: EventReader, id: number): TableLayout {
    const hash = hashOfNames(reader.buffer, reader.offset, reader.end);
    const sameHash = this.#byNames.get(hash);
    for (let layout = sameHash; layout !== undefined; layout = layout.sameHash) {
      if (layout.isIn(this.#names, this.isMariadb, reader)) return layout;
    }
    const { buffer, offset: start } = reader;
    const database = readName(reader, 'database name');
    const table = readName(reader, 'table name');
    const names = buffer.subarray(start, reader.offset);
    const layout = new TableLayout(
      { id, database, table },
      {
        known: this.#formOf(reader),
        wanted: this.#wants(database, table),
        namesAt: this.#keepNames(names),
        namesBytes: names.length,
        sameHash,
      },
    );
    this.#byNames.set(hash, layout);
    return layout;
  }

  /** @returns where they stand. */
  #keepNames(names: Buffer): number {
    const at = this.#namesEnd;
    this.#namesEnd += names.length;
    if (this.#namesEnd > this.#names.length) {
      const larger = Buffer.alloc(2 * this.#namesEnd);
      this.#names.copy(larger, 0, 0, at);
      this.#names = larger;
    }
    names.copy(this.#names, at);
    return at;
  }

  #formOf(reader: EventReader): KnownForm {
    const { isMariadb } = this;
    const { buffer, offset, end } = reader;
    const key = `${isMariadb ? 'a' : 'y'}${buffer.toString('latin1', offset, end)}`;
    let known = this.#forms.get(key);
    if (known === undefined) {
      const bytes = Buffer.from(buffer.subarray(offset, end));
      known = { form: readForm(reader, isMariadb), bytes, isMariadb };
      this.#forms.set(key, known);
    }
    return known;
  }
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
