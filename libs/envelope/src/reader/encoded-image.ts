import type { AvroField, AvroObject, AvroType } from '../avro-schema.ts';
import { type Cursor, unreadable } from './avro-read.ts';
import { fieldsOf, type NamedTypes, readInt, readString, resolve, typeReader } from './read-types.ts';
import type { Row } from './records.ts';
import { type Skip, skipper } from './skip.ts';
import type { ReadValue, Value } from './values.ts';

/** Is told a row's values from left to right, with the numbers of their columns. Must not look at a change meanwhile. */
export interface RowVisitor {
  /** A text, as UTF-8; where the bytes are is said for this call only. */
  text(column: number, bytes: Buffer, start: number, end: number): void;
  /** A whole number of up to 32 bits. */
  integer(column: number, value: number): void;
  /** Everything else, NULL too, as `ChangeReader` gives it. */
  value(column: number, value: Value): void;
}

const TEXT = 0;
const INTEGER = 1;
const OTHER = 2;

interface Field {
  readonly form: typeof TEXT | typeof INTEGER | typeof OTHER;
  /** Branch of the union that is null; -1: the column is no union. */
  readonly nullBranch: number;
  readonly read: ReadValue;
}

/** How a row image stands in a record: a union of null and the row, or the row. */
export class EncodedImage {
  readonly columns: readonly string[];
  readonly #fields: readonly Field[];
  readonly #nullBranch: number;
  readonly #skip: Skip;

  constructor(type: AvroType, names: NamedTypes) {
    const branches = Array.isArray(type) ? (type as readonly AvroType[]) : [type];
    const rows = branches.map((branch) => resolve(branch, names)).filter((branch) => branch !== 'null');
    if (rows.length !== 1) throw unreadable('A row image is not a row or null.');
    const fields = fieldsOf(rows[0] as AvroObject);
    this.columns = fields.map((field) => field['mysql.name'] ?? field.name);
    this.#fields = fields.map((field) => fieldOf(field, names));
    this.#nullBranch = nullBranchOf(type);
    this.#skip = skipper(type, names);
  }

  /** Moves on to what is behind the image. */
  skip(cursor: Cursor): void {
    this.#skip(cursor);
    cursor.check();
  }

  /** @returns whether there is a row; the cursor is then at its first column. */
  enter(cursor: Cursor): boolean {
    return this.#nullBranch < 0 || cursor.int() !== this.#nullBranch;
  }

  read(cursor: Cursor): Row | null {
    if (!this.enter(cursor)) return null;
    const row: Record<string, Value> = {};
    for (let index = 0; index < this.#fields.length; index++) {
      row[this.columns[index] as string] = (this.#fields[index] as Field).read(cursor);
    }
    return row;
  }

  /** The columns of the row that was entered. */
  visit(cursor: Cursor, visitor: RowVisitor): void {
    const fields = this.#fields;
    for (let index = 0; index < fields.length; index++) {
      const { form, nullBranch, read } = fields[index] as Field;
      if (form === OTHER) visitor.value(index, read(cursor));
      else if (nullBranch >= 0 && cursor.int() === nullBranch) visitor.value(index, null);
      else if (form === INTEGER) visitor.integer(index, cursor.int());
      else {
        const length = cursor.length();
        const start = cursor.position;
        cursor.position = start + length;
        visitor.text(index, cursor.buffer, start, start + length);
      }
    }
  }
}

function fieldOf(field: AvroField, names: NamedTypes): Field {
  const type = resolve(field.type, names);
  const mysqlType = field['mysql.type'] ?? '';
  const read = typeReader(type, names, mysqlType);
  const branches = Array.isArray(type) ? (type as readonly AvroType[]) : [type];
  const values = branches.filter((branch) => branch !== 'null');
  const nullBranch = nullBranchOf(type);
  if (values.length !== 1 || branches.length !== (nullBranch < 0 ? 1 : 2)) return { form: OTHER, nullBranch, read };
  const plain = typeReader(values[0] as AvroType, names, mysqlType);
  return { form: plain === readString ? TEXT : plain === readInt ? INTEGER : OTHER, nullBranch, read };
}

function nullBranchOf(type: AvroType): number {
  return Array.isArray(type) ? (type as readonly AvroType[]).indexOf('null') : -1;
}
