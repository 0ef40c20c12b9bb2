import type { SourceBlock } from '@tapline/envelope';
import type { DdlRecord, Table, TextDefaults } from '@tapline/schema';

/** What names the table behind a record: a change is one. A tombstone has no source block, and goes by its topic. */
export interface TablePlace {
  readonly topic: string;
  readonly source: Pick<SourceBlock, 'name' | 'db' | 'table'> | null;
}

/** A table as its rows are in the topic: the columns that the reader leaves out are not there. */
export interface TableShape extends Table {
  /** Name of the source. */
  readonly source: string;
  /** Columns of the message key, in its order; undefined when that is not known. */
  readonly messageKey?: readonly string[];
  /**
   * Columns whose values the reader has changed (masked, cut, hashed): these are not of the column's type, or not all there. Of the columns of a shape
   * without `historyVersion`, lengths, character sets and what is generated are not known, nor are its unique keys.
   */
  readonly shaped: ReadonlySet<string>;
  /** What the table's texts are where a column's definition does not say; known by the history. */
  readonly text?: TextDefaults;
  /** Version of the schema history that the shape is of; absent: it was made from the schema in the records. */
  readonly historyVersion?: number;
}

export interface DescribeOptions {
  /**
   * Looks for versions that came since. A reader publishes a table's new version before rows of it, so that who meets a column that the shape lacks and asks
   * with `fresh` gets a shape that has it. Costs a request to Kafka; without it the answer comes from memory, but for the first time.
   */
  readonly fresh?: boolean;
  /** As the table was at this version of the history, in place of now. */
  readonly version?: number;
  /** Columns that are in the shape also where the records met so far lack them: a row that has them is at hand. `all`: all that the history knows. */
  readonly also?: readonly string[] | 'all';
  readonly signal?: AbortSignal;
}

/**
 * What the tables behind the topics are: from the topic `<source>.schema-history` where there is one, else from the schema in the records.
 *
 * It knows a table as it is now, which may be newer than the row in hand: a row may have columns that the shape has no more, and lack some.
 */
export interface TableCatalog {
  /**
   * Resolves with undefined when nobody knows: there is no history, and the records carry no schema.
   *
   * @throws TaplineError KAFKA_* (retryable ones are waited out); SCHEMA_HISTORY_UNREADABLE; SCHEMA_DDL_UNREAD.
   */
  describe(of: TablePlace, options?: DescribeOptions): Promise<TableShape | undefined>;
  /**
   * The statements behind version `after` of a source's history, oldest first, as far as they are published now. Those in front of its newest snapshot are not among
   * them: it says what they led to. Undefined when there is no history.
   */
  statements(source: string, after: number, signal?: AbortSignal): Promise<readonly DdlRecord[] | undefined>;
}

/** For who has no topics at hand. */
export const NO_TABLES: TableCatalog = {
  describe: () => Promise.resolve(undefined),
  statements: () => Promise.resolve(undefined),
};
