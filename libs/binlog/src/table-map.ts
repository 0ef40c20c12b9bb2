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
  readonly body: Buffer;
  readonly layout: TableLayout;
}

/**
 * Table maps of one stream. Every transaction repeats the maps of its tables, so an unchanged one costs a lookup and a memcmp.
 * Layouts are kept by their names and bytes: the same ones give the same object, also under a new table id.
 */
export class TableMaps {
  /** What the FORMAT_DESCRIPTION says of the server that wrote the file: the optional metadata differs. */
  isMariadb = false;
  readonly #wants: (database: string, table: string) => boolean;
  readonly #byId = new Map<number, Seen>();
  /** By the bytes behind the names. */
  readonly #forms = new Map<string, { readonly form: TableForm; readonly byName: Map<string, Seen> }>();

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
   *   table_id u48 · flags u16 · u8 length, database, NUL · u8 length, table, NUL · the table's form
   */
  read(reader: EventReader): TableLayout {
    const id = reader.u48('table id');
    const { buffer, offset: start, end } = reader;
    let seen = this.#byId.get(id);
    if (seen !== undefined && buffer.compare(seen.body, 0, seen.body.length, start, end) === 0) return seen.layout;
    seen = this.#find(reader, id, buffer.subarray(start, end));
    this.#byId.set(id, seen);
    return seen.layout;
  }

  #find(reader: EventReader, id: number, body: Buffer): Seen {
    reader.u16('table map flags');
    const database = readName(reader, 'database name');
    const table = readName(reader, 'table name');
    const { form, byName } = this.#formOf(reader);
    const name = `${database}\0${table}`;
    let seen = byName.get(name);
    if (seen === undefined) {
      const layout = new TableLayout(id, [database, table], form, this.#wants(database, table));
      seen = { body: Buffer.from(body), layout };
      byName.set(name, seen);
    }
    return seen;
  }

  #formOf(reader: EventReader): { readonly form: TableForm; readonly byName: Map<string, Seen> } {
    const key = `${this.isMariadb ? 'a' : 'y'}${reader.buffer.toString('latin1', reader.offset, reader.end)}`;
    let known = this.#forms.get(key);
    if (known === undefined) {
      known = { form: readForm(reader, this.isMariadb), byName: new Map() };
      this.#forms.set(key, known);
    }
    return known;
  }
}

function readName(reader: EventReader, what: string): string {
  const name = reader.text(reader.u8(`${what} length`), what);
  if (reader.u8(what) !== 0) throw corrupt(`the ${what} does not end with NUL`);
  return name;
}
