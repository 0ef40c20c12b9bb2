import { TaplineError } from '@tapline/kernel';
import type { Column, Table } from '@tapline/schema';
import { quoteName } from './quote.ts';

/**
 * Where in a table's key order a chunk ended: one text a key column. It survives JSON, and means the same whatever the session's character
 * set or time zone: numbers in digits (enum, set and bit too, by their number), times in UTC, texts and byte strings in hex of the column's own
 * bytes.
 */
export type ChunkKey = readonly string[];

/** How one key column is read and written. */
interface KeyForm {
  /** The SELECT expression that gives the key's text, for a column reference. */
  select(reference: string): string;
  /** The text as a literal to compare the column with. */
  literal(text: string): string;
  readonly text: RegExp;
}

const plain = (reference: string): string => reference;
/** Enum, set and bit sort by their number, but would be printed and compared otherwise. */
const asNumber = (reference: string): string => `${reference} + 0`;
/** A FLOAT is printed in six digits, as a DOUBLE in all that it has. */
const asDouble = (reference: string): string => `${reference} + 0e0`;
const asHex = (reference: string): string => `HEX(${reference})`;

const NUMBER: KeyForm = { select: plain, literal: (text) => text, text: /^-?\d+(?:\.\d+)?$/ };
const ORDINAL: KeyForm = { ...NUMBER, select: asNumber };
const DOUBLE: KeyForm = {
  select: asDouble,
  literal: (text) => (/e/i.test(text) ? text : `${text}e0`),
  text: /^-?\d+(?:\.\d+)?(?:e[-+]?\d+)?$/i,
};
const TIME: KeyForm = { select: plain, literal: (text) => `'${text}'`, text: /^-?[\d:. -]+$/ };
const IDENTIFIER: KeyForm = { select: plain, literal: (text) => `'${text}'`, text: /^[\da-f:.-]+$/i };
const BYTES: KeyForm = { select: asHex, literal: (text) => `x'${text}'`, text: /^(?:[\da-f]{2})*$/i };
const textIn = (charset: string): KeyForm => ({ ...BYTES, literal: (text) => `_${charset} x'${text}'` });

const FORMS: ReadonlyMap<string, KeyForm> = new Map([
  ...['tinyint', 'smallint', 'mediumint', 'int', 'bigint', 'year', 'decimal'].map((type) => [type, NUMBER] as const),
  ...['bit', 'enum', 'set'].map((type) => [type, ORDINAL] as const),
  ...['float', 'double'].map((type) => [type, DOUBLE] as const),
  ...['date', 'time', 'datetime', 'timestamp'].map((type) => [type, TIME] as const),
  ...['uuid', 'inet4', 'inet6'].map((type) => [type, IDENTIFIER] as const),
  ...['binary', 'varbinary', 'tinyblob', 'blob', 'mediumblob', 'longblob'].map((type) => [type, BYTES] as const),
]);

/** Reading along a key: the pieces of the SELECT. */
export class KeyRange {
  readonly columns: readonly string[];
  readonly #references: readonly string[];
  readonly #forms: readonly KeyForm[];
  readonly #table: Table;

  /**
   * `alias` is the table's name in the statement.
   *
   * @throws TaplineError SCHEMA_UNSUPPORTED when a column is of a type that no key can have.
   */
  constructor(table: Table, columns: readonly string[], alias: string) {
    this.columns = columns;
    this.#table = table;
    this.#references = columns.map((name) => `${alias}.${quoteName(name)}`);
    this.#forms = columns.map((name) => this.#formOf(name));
  }

  /** The expressions to put at the end of the SELECT list; their texts make the row's `ChunkKey`. */
  get selectList(): string {
    return this.#forms.map((form, index) => form.select(this.#references[index] ?? '')).join(', ');
  }

  get orderBy(): string {
    return this.#references.join(', ');
  }

  /**
   * `(a > 1) OR (a = 1 AND b > 2)`: the rows after the key. MySQL makes index ranges of this form, of a row constructor `(a, b) > (1, 2)` it does
   * not.
   *
   * @throws TaplineError PROGRESS_UNREADABLE when the key does not fit the columns (any more).
   */
  after(key: ChunkKey): string {
    this.#check(key);
    const alternatives = this.#references.map((reference, index) => {
      const equal = this.#references.slice(0, index).map((earlier, at) => `${earlier} = ${this.#literal(key, at)}`);
      return `(${[...equal, `${reference} > ${this.#literal(key, index)}`].join(' AND ')})`;
    });
    return `(${alternatives.join(' OR ')})`;
  }

  #literal(key: ChunkKey, index: number): string {
    return this.#forms[index]?.literal(key[index] ?? '') ?? '';
  }

  #check(key: ChunkKey): void {
    if (key.length === this.#forms.length && this.#forms.every((form, index) => form.text.test(key[index] ?? '')))
      return;
    const name = `${this.#table.database}.${this.#table.name}`;
    throw new TaplineError('PROGRESS_UNREADABLE', {
      message: `The place to go on reading ${name} from, ${JSON.stringify(key)}, does not fit its key (${this.columns.join(', ')}).`,
      place: { table: name },
      remedy: "The table's key changed while it was being loaded: start its load again from the beginning.",
    });
  }

  #formOf(name: string): KeyForm {
    const column = this.#table.columns.find((candidate) => candidate.name === name);
    const form = column === undefined ? undefined : formOf(column);
    if (form !== undefined) return form;
    throw new TaplineError('SCHEMA_UNSUPPORTED', {
      message: `The table cannot be read along the column "${name}" (${column?.columnType ?? 'which it does not have'}).`,
      place: { table: `${this.#table.database}.${this.#table.name}` },
    });
  }
}

function formOf(column: Column): KeyForm | undefined {
  return FORMS.get(column.type) ?? (column.charset === undefined ? undefined : textIn(column.charset));
}
