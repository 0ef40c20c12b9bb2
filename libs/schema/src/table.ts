/** A column as information_schema (or DDL) describes it. Names and types as MySQL spells them. */
export interface Column {
  readonly name: string;
  /** DATA_TYPE in lower case: `int`, `decimal`, `varchar`, `enum`, `json`, `geometry`, `point`, `vector`, … */
  readonly type: string;
  /** COLUMN_TYPE: `int(10) unsigned`, `enum('a','b')`, `decimal(10,2)`. */
  readonly columnType: string;
  readonly nullable: boolean;
  readonly unsigned: boolean;
  /** Character set name of text columns (`utf8mb4`, `latin1`, `binary`); absent for others. */
  readonly charset?: string;
  readonly collation?: string;
  /** Characters (text) or bytes (binary types), CHARACTER_MAXIMUM_LENGTH; for `bit` the number of bits; for `vector` the dimensions. */
  readonly length?: number;
  /** DECIMAL precision and scale. */
  readonly precision?: number;
  readonly scale?: number;
  /** Fractional second digits, 0..6, of time, datetime and timestamp. */
  readonly fsp?: number;
  /** Members of enum and set, decoded to text, in order. */
  readonly members?: readonly string[];
  readonly srid?: number;
  /** VIRTUAL generated columns are in the binlog too (as values); `stored` and `virtual` are told apart for MySQL sinks. */
  readonly generated?: 'virtual' | 'stored';
  /**
   * What rows have in a NOT NULL column that were there when ALTER TABLE added it; only the history of the schema knows. The value as text: a number without an
   * exponent where it is exact, a date as SELECT prints it, the text itself, of binary types a character for each byte.
   */
  readonly fill?: string;
}

export interface UniqueKey {
  readonly name: string;
  readonly columns: readonly string[];
}

/** A base table at one moment. `columns` in ordinal order: the order of the binlog's row images. */
export interface Table {
  readonly database: string;
  readonly name: string;
  readonly columns: readonly Column[];
  /** Column names of the primary key, in key order; undefined when there is none. */
  readonly primaryKey?: readonly string[];
  /** Unique keys other than the primary key (only those over whole columns, no expressions). */
  readonly uniqueKeys: readonly UniqueKey[];
  /** Columns of the binlog's row images behind `columns` that nobody sees (MariaDB); known of tables out of the schema's history. */
  readonly hidden?: readonly Column[];
}

/**
 * Spatial types as information_schema names them. In front, each at its number, those of Field::geometry_type in the table map's metadata; behind them
 * the name that MySQL 5.7 and MariaDB have for the last one.
 */
export const SPATIAL_TYPES: readonly string[] = [
  'geometry',
  'point',
  'linestring',
  'polygon',
  'multipoint',
  'multilinestring',
  'multipolygon',
  'geomcollection',
  'geometrycollection',
];
