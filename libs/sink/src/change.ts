/** One column's value, exact: 64-bit integers beyond 2^53 as bigint, decimals, dates and JSON as text, binary as bytes. */
export type Value = string | number | bigint | boolean | Uint8Array | null;

/** Column name → value, in the table's column order. A column that the event does not carry is absent; SQL NULL is `null`. */
export type Row = Readonly<Record<string, Value>>;

/** The part of the envelope's source block that writers use. */
export interface ChangeSource {
  readonly name: string;
  readonly db: string;
  readonly table: string;
  /** When the change was committed in the source, milliseconds since the epoch; 0 when unknown. */
  readonly ts_ms: number;
}

/** A change event as a sink sees it. */
export interface Change {
  readonly topic: string;
  readonly key: Row | null;
  /** `c` insert, `u` update, `d` delete, `r` read by a snapshot. */
  readonly op: 'c' | 'u' | 'd' | 'r';
  readonly before: Row | null;
  readonly after: Row | null;
  readonly source: ChangeSource | null;
  readonly version: bigint;
  /** The record had no value: it deletes its key and has neither `before` nor `source`. */
  readonly tombstone: boolean;
}
