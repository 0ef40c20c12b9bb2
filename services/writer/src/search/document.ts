import { TaplineError } from '@tapline/kernel';
import { type Change, EncodedChange, type Row, type TableCatalog } from '@tapline/sink';
import { type ColumnPlan, jsonOf, type PlanOptions, planTable } from './columns.ts';
import { type EncodedMember, EncodedRows, encodedMembers } from './encoded-rows.ts';
import type { JsonBytes } from './json-bytes.ts';

interface Member {
  /** The column's name as JSON, with the colon. */
  readonly name: string;
  readonly json: ColumnPlan['json'];
}

/** A table's rows as documents, by what is known of its columns. */
export class TableDocuments {
  readonly #tables: TableCatalog;
  readonly #options: PlanOptions;
  #columns: ReadonlyMap<string, ColumnPlan> = new Map();
  /** Every column met, also those that the table does not have: a transform made them, and their values are written by what they are. */
  readonly #members = new Map<string, Member>();
  /** The same by the columns of a schema, of which all changes of the schema have one array. */
  #encoded = new WeakMap<readonly string[], readonly EncodedMember[]>();

  constructor(tables: TableCatalog, options: PlanOptions) {
    this.#tables = tables;
    this.#options = options;
  }

  /** By name of the column; another map when the table has changed. */
  get columns(): ReadonlyMap<string, ColumnPlan> {
    return this.#columns;
  }

  /** Asks for the table behind a change, whose columns are known from then on. */
  async learn(change: Change, fresh: boolean, signal: AbortSignal): Promise<void> {
    const shape = await this.#tables.describe(change, { fresh, signal });
    if (shape !== undefined) this.#columns = planTable(shape, this.#options);
    for (const column in change.after) this.#meet(column, undefined);
    for (const [column, plan] of this.#columns) this.#meet(column, plan);
    this.#encoded = new WeakMap();
  }

  /** Whether every column of the row after the change was met. */
  knows(change: Change): boolean {
    if (change instanceof EncodedChange) return this.#encodedMembers(change.columns) !== undefined;
    for (const column in change.after) if (!this.#members.has(column)) return false;
    return true;
  }

  /**
   * Appends the row after a change as one line of JSON, straight from the record's bytes where the change has them. False when it has a column that is not known: the
   * table is to be asked for again, and what was appended is to be dropped.
   */
  append(change: Change, rows: EncodedRows, out: JsonBytes): boolean {
    if (!(change instanceof EncodedChange)) {
      const text = this.write(change.after as Row);
      if (text !== undefined) out.json(text);
      return text !== undefined;
    }
    const members = this.#encodedMembers(change.columns);
    if (members === undefined) return false;
    rows.add(change, members);
    return true;
  }

  /** The row as one line of JSON; undefined when it has a column that is not known, and the table is to be asked for again. */
  write(row: Row): string | undefined {
    let text = '{';
    for (const column in row) {
      const value = row[column];
      if (value === undefined) continue;
      const member = this.#members.get(column);
      if (member === undefined) return undefined;
      if (text.length > 1) text += ',';
      text += value === null ? `${member.name}null` : member.name + member.json(value);
    }
    return `${text}}`;
  }

  /** The row as one line of JSON, after the table was asked for again: its new columns are then known. */
  async rewrite(change: Change, row: Row, signal: AbortSignal): Promise<string> {
    await this.learn(change, true, signal);
    return this.write(row) ?? '';
  }

  #encodedMembers(columns: readonly string[]): readonly EncodedMember[] | undefined {
    const known = this.#encoded.get(columns);
    if (known !== undefined) return known;
    if (!columns.every((column) => this.#members.has(column))) return undefined;
    const members = encodedMembers(columns, (column) => (this.#members.get(column) as Member).json);
    this.#encoded.set(columns, members);
    return members;
  }

  #meet(column: string, plan: ColumnPlan | undefined): void {
    if (plan === undefined && this.#members.has(column)) return;
    this.#members.set(column, { name: `${JSON.stringify(column)}:`, json: plan?.json ?? jsonOf });
  }
}

/** What is known of the tables behind the topics that were met. */
export class KnownTables {
  readonly #tables: TableCatalog;
  readonly #options: PlanOptions;
  readonly #byTopic = new Map<string, TableDocuments>();

  constructor(tables: TableCatalog, options: PlanOptions) {
    this.#tables = tables;
    this.#options = options;
  }

  /** undefined: nothing is known yet. */
  get(topic: string): TableDocuments | undefined {
    return this.#byTopic.get(topic);
  }

  async of(change: Change, signal: AbortSignal): Promise<TableDocuments> {
    const known = this.#byTopic.get(change.topic);
    if (known !== undefined) return known;
    const made = new TableDocuments(this.#tables, this.#options);
    await made.learn(change, false, signal);
    this.#byTopic.set(change.topic, made);
    return made;
  }
}

/** @throws TaplineError ROW_PARTIAL: a document is written whole, and what the row lacks would be lost. */
export function requireWhole({ topic, absent }: Change): void {
  if (absent === null || absent.after.length === 0) return;
  throw new TaplineError('ROW_PARTIAL', {
    message: `A document needs the whole row, and a row lacks ${absent.after.join(', ')}.`,
    place: { topic },
  });
}
