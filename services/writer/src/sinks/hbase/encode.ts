import { TaplineError } from '@tapline/kernel';
import type { Change, Row } from '@tapline/sink';
import type { HBaseConfig } from './config.ts';
import { MessageWriter } from './rpc/message.ts';
import { type CellValue, ENCODE, type EncodeValue } from './values.ts';

/** Timestamps end below Long.MAX_VALUE, which HBase takes for "now"; the one version up there shares the last one with its neighbour. */
const LAST_TIMESTAMP = 2n ** 63n - 2n;
const END_OF_TIME = 2n ** 63n - 1n;

/** A row key's length is a signed 16-bit number, so is that of a family with its column. */
const MAX_KEY_BYTES = 32_767;

const VERSION_COLUMN = 'v';

const PUT = 2;
const DELETE = 3;
const DELETE_COLUMN_VERSIONS = 1;
const DELETE_FAMILY = 2;
const EQUAL = 2;

/** A comparator with no value, which holds when there is no cell. */
const NO_CELL = comparator();

function comparator(): Buffer {
  const writer = new MessageWriter(128);
  writer.text(1, 'org.apache.hadoop.hbase.filter.BinaryComparator');
  writer.bytes(2, Buffer.from([0x0a, 0]));
  return writer.finish();
}

interface Column {
  readonly family: string;
  readonly encode: EncodeValue;
}

/**
 * Writes what becomes of one row as one atomic step of its region:
 *
 *     RegionAction{region=1, atomic=2, action=3{mutation=2}, condition=4}
 *     MutationProto{row=1, mutate_type=2, column_value=3{family=1, qualifier_value=2{qualifier=1, value=2, timestamp=3, delete_type=4}}, timestamp=4}
 *     Condition{row=1, family=2, qualifier=3, compare_type=4, comparator=5, time_range=6{from=1, to=2}}
 *
 * The condition: the version family has no cell of this version or a later one. It looks only at files that are as new as the change, so that it costs
 * next to nothing. Below the change's cells, a marker takes away the older ones of every family: columns that have become NULL or have left the table. Such
 * markers go with the next major compaction, and may: nothing older than the version passes the condition.
 */
export class RowEncoder {
  readonly #config: HBaseConfig;
  readonly #columns = new Map<string, Column>();
  /** The families that rows are in. */
  readonly families: readonly string[];

  constructor(config: HBaseConfig) {
    this.#config = config;
    this.families = [...new Set([config.family, ...Object.values(config.families)])];
  }

  /**
   * Writes the RegionAction of a change, as a field `regionAction` (1) of a MultiRequest.
   *
   * @param region the RegionSpecifier
   * @throws TaplineError SINK_HBASE_ROW when the row does not fit; what was written of it by then is taken back
   */
  write(writer: MessageWriter, region: Uint8Array, row: Buffer, change: Change): void {
    const start = writer.length;
    try {
      if (row.length === 0 || row.length > MAX_KEY_BYTES)
        throw tooLarge(`A row key of ${row.length} bytes`, MAX_KEY_BYTES);
      const action = writer.open(1);
      writer.bytes(1, region);
      writer.bool(2, true);
      this.#mutations(writer, row, change);
      this.#condition(writer, row, timestampOf(change));
      writer.close(action);
    } catch (error) {
      writer.cut(start);
      throw error;
    }
  }

  #mutations(writer: MessageWriter, row: Buffer, change: Change): void {
    const timestamp = timestampOf(change);
    const { after, absent } = change;
    const { mode, deletedVersions, versionFamily } = this.#config;
    if (after === null) {
      const forget = deletedVersions === 'forget';
      this.#deleteFamilies(writer, row, timestamp, forget ? [...this.families, versionFamily] : this.families);
      if (!forget) this.#put(writer, row, {}, change);
      return;
    }
    // An insert is all there is of its row, whatever it lacks. What an update did not carry stays as it is.
    const whole = change.op === 'c' || absent === null || absent.after.length === 0;
    if (!whole || mode === 'archive') this.#deleteNulls(writer, row, timestamp, after);
    else if (timestamp > 0n) this.#deleteFamilies(writer, row, timestamp - 1n, this.families);
    this.#put(writer, row, after, change);
  }

  #deleteFamilies(writer: MessageWriter, row: Buffer, timestamp: bigint, families: readonly string[]): void {
    const mutation = openMutation(writer, row, DELETE);
    for (const family of families) {
      const columns = writer.open(3);
      writer.text(1, family);
      const marker = writer.open(2);
      writer.long(3, timestamp);
      writer.uint(4, DELETE_FAMILY);
      writer.close(marker);
      writer.close(columns);
    }
    closeMutation(writer, mutation);
  }

  #deleteNulls(writer: MessageWriter, row: Buffer, timestamp: bigint, values: Row): void {
    const gone = Object.keys(values).filter((column) => values[column] === null);
    if (gone.length === 0) return;
    const mutation = openMutation(writer, row, DELETE);
    for (const column of gone) {
      const columns = writer.open(3);
      writer.text(1, this.#column(column).family);
      const marker = writer.open(2);
      writer.text(1, column);
      writer.long(3, timestamp);
      writer.uint(4, DELETE_COLUMN_VERSIONS);
      writer.close(marker);
      writer.close(columns);
    }
    closeMutation(writer, mutation);
  }

  #put(writer: MessageWriter, row: Buffer, values: Row, change: Change): void {
    const mutation = openMutation(writer, row, PUT);
    writer.long(4, timestampOf(change));
    for (const family of this.families) this.#cells(writer, family, values);
    const columns = writer.open(3);
    writer.text(1, this.#config.versionFamily);
    const cell = writer.open(2);
    writer.text(1, VERSION_COLUMN);
    const version = Buffer.alloc(8);
    version.writeBigInt64BE(change.version);
    writer.bytes(2, version);
    writer.close(cell);
    writer.close(columns);
    closeMutation(writer, mutation);
  }

  #cells(writer: MessageWriter, family: string, values: Row): void {
    const start = writer.length;
    const columns = writer.open(3);
    writer.text(1, family);
    const empty = writer.length;
    for (const column in values) {
      const value = values[column];
      if (value === null || value === undefined) continue;
      const { family: own, encode } = this.#column(column);
      if (own === family) this.#cell(writer, column, encode(value, column));
    }
    if (writer.length === empty) writer.cut(start);
    else writer.close(columns);
  }

  #cell(writer: MessageWriter, column: string, value: CellValue): void {
    const cell = writer.open(2);
    writer.text(1, column);
    const before = writer.length;
    if (typeof value === 'string') writer.text(2, value);
    else writer.bytes(2, value);
    if (writer.length - before > this.#config.maxValueBytes)
      throw tooLarge(`A value of column ${column}`, this.#config.maxValueBytes);
    writer.close(cell);
  }

  #condition(writer: MessageWriter, row: Buffer, timestamp: bigint): void {
    const condition = writer.open(4);
    writer.bytes(1, row);
    writer.text(2, this.#config.versionFamily);
    writer.text(3, VERSION_COLUMN);
    writer.uint(4, EQUAL);
    writer.bytes(5, NO_CELL);
    const range = writer.open(6);
    writer.long(1, timestamp);
    writer.long(2, END_OF_TIME);
    writer.close(range);
    writer.close(condition);
  }

  #column(name: string): Column {
    let column = this.#columns.get(name);
    if (column === undefined) {
      const { family, families, encode } = this.#config;
      column = { family: families[name] ?? family, encode: ENCODE[encode[name] ?? 'text'] };
      this.#columns.set(name, column);
    }
    return column;
  }
}

function timestampOf({ version }: Change): bigint {
  return version > LAST_TIMESTAMP ? LAST_TIMESTAMP : version;
}

interface OpenMutation {
  readonly action: number;
  readonly mutation: number;
}

function openMutation(writer: MessageWriter, row: Buffer, type: number): OpenMutation {
  const action = writer.open(3);
  const mutation = writer.open(2);
  writer.bytes(1, row);
  writer.uint(2, type);
  return { action, mutation };
}

function closeMutation(writer: MessageWriter, { action, mutation }: OpenMutation): void {
  writer.close(mutation);
  writer.close(action);
}

function tooLarge(what: string, limit: number): TaplineError {
  return new TaplineError('SINK_HBASE_ROW', { message: `${what} is not of 1 to ${limit} bytes.` });
}
