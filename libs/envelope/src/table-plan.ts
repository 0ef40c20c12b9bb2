import type { TableMap } from '@tapline/binlog';
import { TaplineError } from '@tapline/kernel';
import type { Column, Table } from '@tapline/schema';
import { AbsentColumns } from './absent-columns.ts';
import { decodeText } from './charsets/decode-text.ts';
import type { ColumnCodec } from './codec.ts';
import { columnCodec } from './columns.ts';
import { type Connector, keySchemaText, valueSchemaText } from './envelope-schema.ts';
import { type KeyWriter, RowWriter, TableKeyWriter } from './row-writer.ts';
import { type ColumnShape, type ColumnShapes, shapedCodec } from './shape/column-shape.ts';
import { checkWire } from './wire-check.ts';

/** `source.version`: the version of Tapline that wrote the change. */
export const SOURCE_VERSION = '0.1.0';

export interface EnvelopeOptions {
  /** Source name = topic prefix. */
  readonly source: string;
  /** Default `mysql`. */
  readonly connector?: Connector;
  readonly table: Table;
  /** The columns that identify a row, in key order; undefined: the table is appended to, keys are null. */
  readonly keyColumns: readonly string[] | undefined;
  /** The table as the binlog has it: checked against `table` (SCHEMA_MISMATCH). Without it today's formats are assumed. */
  readonly wire?: TableMap;
  /**
   * `full` (default): a row that lacks a column is refused. `partial`: columns outside the key may be missing; they are null then, and the value
   * names them in `absent`.
   */
  readonly rowImage?: RowImageMode;
  /** Columns that are left out or changed. A key's columns can be hashed, nothing else: the key would identify no row. */
  readonly shapes?: ColumnShapes;
  /** In place of `<source>.<db>.<table>` as the name of the schemas, where several tables have one topic. Dots part it. */
  readonly namespace?: string | undefined;
  /** The key's first field has this value: the table's full name, where the same key may be in several tables of the topic. */
  readonly tableInKey?: string | undefined;
  /** Excluded columns whose values are selected all the same, for who decides about rows. */
  readonly reads?: ReadonlySet<string>;
}

export type RowImageMode = 'full' | 'partial';

/** What the writers of a table are made of, whatever the format. */
export interface TablePlan {
  readonly table: Table;
  /** Avro, as canonical JSON, made each time it is asked for: of thousands of tables it takes more memory than all else. Undefined when the table has no key. */
  readonly keySchema: string | undefined;
  readonly valueSchema: string;
  /** Made each time, too. */
  readonly selectList: string;
  readonly key: KeyWriter | undefined;
  readonly row: RowWriter;
  /** In partial mode. Stands behind the images. */
  readonly absent: AbsentColumns | undefined;
  readonly sourceName: string;
  readonly connector: Connector;
}

/** Throws SCHEMA_UNSUPPORTED (type or character set), SCHEMA_MISMATCH (wire ≠ table), SCHEMA_NO_KEY, SHAPE_MISMATCH. */
export function planTable(options: EnvelopeOptions): TablePlan {
  return new CompiledPlan(options);
}

class CompiledPlan implements TablePlan {
  readonly table: Table;
  readonly key: KeyWriter | undefined;
  readonly row: RowWriter;
  readonly absent: AbsentColumns | undefined;
  readonly sourceName: string;
  readonly connector: Connector;
  readonly #options: EnvelopeOptions;
  readonly #shapes: ReadonlyMap<Column, ColumnShape>;
  readonly #codecs: readonly ColumnCodec[];

  constructor(options: EnvelopeOptions) {
    const { table, wire, keyColumns } = options;
    const name = `${table.database}.${table.name}`;
    if (wire !== undefined) checkWire(table, wire);
    this.table = table;
    this.sourceName = options.source;
    this.connector = options.connector ?? 'mysql';
    this.#options = options;
    this.#shapes = shapesOf(table, options.shapes, keyColumns);
    this.#codecs = table.columns.map((column, i) => codecOf(name, column, wire?.columns[i], this.#shapes.get(column)));
    const keyIndexes = keyColumns?.map((key) => columnIndex(table, key));
    const excluded = this.#excluded;
    this.key = keyIndexes && keyWriter(this.#writerOf(keyIndexes), options.tableInKey);
    this.row = this.#writerOf([...table.columns.keys()].filter((i) => !excluded.has(table.columns[i] as Column)));
    this.absent = options.rowImage === 'partial' ? new AbsentColumns(table, excluded) : undefined;
  }

  get keySchema(): string | undefined {
    const { columns } = this.table;
    const key = this.#options.keyColumns?.map((name) => columns[columnIndex(this.table, name)] as Column);
    return key && keySchemaText(this.#parts, key);
  }

  get valueSchema(): string {
    return valueSchemaText(this.#parts);
  }

  get selectList(): string {
    const { reads } = this.#options;
    const excluded = this.#excluded;
    const select = (column: Column, i: number): string =>
      // What nobody is to see does not leave the server.
      excluded.has(column) && reads?.has(column.name) !== true
        ? 'NULL'
        : (this.#codecs[i] as ColumnCodec).select(quoted(column.name));
    return this.table.columns.map(select).join(', ');
  }

  get #parts(): Parameters<typeof valueSchemaText>[0] {
    const { source, namespace, tableInKey } = this.#options;
    const { table, connector } = this;
    const optional = this.#optional;
    return { source, connector, table, codecs: this.#codecs, optional, shapes: this.#shapes, namespace, tableInKey };
  }

  get #excluded(): ReadonlySet<Column> {
    if (this.#shapes.size === 0) return NONE;
    return new Set(this.table.columns.filter((column) => this.#shapes.get(column)?.kind === 'exclude'));
  }

  /** Columns that rows may come without. */
  get #optional(): ReadonlySet<Column> | undefined {
    const { rowImage, keyColumns } = this.#options;
    if (rowImage !== 'partial') return undefined;
    return new Set(this.table.columns.filter(({ name }) => keyColumns?.includes(name) !== true));
  }

  #writerOf(indexes: readonly number[]): RowWriter {
    const { table } = this;
    const optional = this.#optional;
    return new RowWriter(
      `${table.database}.${table.name}`,
      indexes.map((index) => {
        const column = table.columns[index] as Column;
        return { index, column, codec: this.#codecs[index] as ColumnCodec, optional: optional?.has(column) ?? false };
      }),
    );
  }
}

/** Of most tables, which need not have one each. */
const NONE: ReadonlySet<Column> = new Set();
const AS_THEY_ARE: ReadonlyMap<Column, ColumnShape> = new Map();

function keyWriter(row: RowWriter, tableInKey: string | undefined): KeyWriter {
  return tableInKey === undefined ? row : new TableKeyWriter(tableInKey, row);
}

function shapesOf(
  table: Table,
  shapes: ColumnShapes = new Map(),
  keyColumns: readonly string[] = [],
): ReadonlyMap<Column, ColumnShape> {
  if (shapes.size === 0) return AS_THEY_ARE;
  const place = { table: `${table.database}.${table.name}` };
  const ofColumns = new Map<Column, ColumnShape>();
  for (const [name, shape] of shapes) {
    const column = table.columns.find((candidate) => candidate.name === name);
    if (column === undefined) {
      throw new TaplineError('SHAPE_MISMATCH', { message: `The table has no column ${name}.`, place });
    }
    if (keyColumns.includes(name) && shape.kind !== 'hash') {
      throw new TaplineError('SHAPE_MISMATCH', {
        message: `The column ${name} belongs to the message key, which would no longer identify its row (${shape.kind}).`,
        place,
        remedy: 'Hash it (equal values have equal hashes, so order and compaction stay), or choose another key (keys).',
      });
    }
    ofColumns.set(column, shape);
  }
  return ofColumns;
}

function codecOf(
  table: string,
  column: Column,
  wire: TableMap['columns'][number] | undefined,
  shape: ColumnShape | undefined,
): ColumnCodec {
  try {
    const exact = withExactMembers(column, wire);
    const codec = sharedCodec(exact, wire);
    return shape === undefined || shape.kind === 'exclude' ? codec : shapedCodec(exact, codec, shape);
  } catch (error) {
    if (!(error instanceof TaplineError)) throw error;
    const message = `Column ${column.name} (${column.columnType}): ${error.message}`;
    throw new TaplineError(error.code, { message, place: { table }, remedy: error.remedy, cause: error });
  }
}

/** Columns of one type have one codec, whatever their table: thousands of tables would else have as many of each. Never grows beyond this number. */
const codecs = new Map<string, ColumnCodec>();
const MOST_CODECS = 4096;

function sharedCodec(column: Column, wire: TableMap['columns'][number] | undefined): ColumnCodec {
  // An ENUM's members are its own.
  if (column.members !== undefined || wire?.memberBytes !== undefined) return columnCodec(column, wire);
  const key = JSON.stringify([
    { ...column, name: undefined },
    { ...wire, name: undefined },
  ]);
  const known = codecs.get(key);
  if (known !== undefined) return known;
  const codec = columnCodec(column, wire);
  if (codecs.size >= MOST_CODECS) codecs.clear();
  codecs.set(key, codec);
  return codec;
}

/** The binlog has members as they are, where information_schema shows `?` for characters beyond the basic plane. */
function withExactMembers(column: Column, wire: TableMap['columns'][number] | undefined): Column {
  if (column.members === undefined || wire?.memberBytes === undefined) return column;
  return { ...column, members: wire.memberBytes.map((bytes) => decodeText(column.charset ?? 'utf8mb4', bytes)) };
}

function columnIndex(table: Table, name: string): number {
  const index = table.columns.findIndex((column) => column.name === name);
  if (index >= 0) return index;
  const known = table.columns.map((column) => column.name).join(', ');
  throw new TaplineError('SCHEMA_NO_KEY', {
    message: `The key column ${name} is not a column of the table (${known}).`,
    place: { table: `${table.database}.${table.name}` },
  });
}

function quoted(name: string): string {
  return `\`${name.replaceAll('`', '``')}\``;
}
