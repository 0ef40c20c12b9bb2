import type { RowImage, RowsEvent, TableMap } from '@tapline/binlog';
import type { TextRow } from '@tapline/envelope';
import { TaplineError } from '@tapline/kernel';
import type { Table } from '@tapline/schema';
import { type Condition, compileCondition } from './expression/compile.ts';
import type { RowView } from './expression/kinds.ts';
import type { Operation, TableShape } from './rules.ts';

const OPERATIONS: Readonly<Record<RowsEvent['op'], Operation>> = {
  insert: 'create',
  update: 'update',
  delete: 'delete',
};

/** What happens to events that are written is the application's own housekeeping. */
const OUTBOX_OPERATIONS: ReadonlySet<Operation> = new Set(['create']);

/**
 * Which changes of a table are published, and as what. A pure function of the change and the configuration, so that a replay counts the same records.
 *
 * `operations` is about what was done at the source: an update that moves a row to another key is an update, although it is published as a delete and a create.
 * `where` is about rows: the topic holds those of which it is true. A row that an update takes out of them is deleted in the topic, one that it brings in
 * is created there.
 */
export class RowFilter {
  readonly #operations: ReadonlySet<Operation> | undefined;
  readonly #condition: Condition | undefined;
  /** One for all rows: nothing is made a row. */
  readonly #view: RowView = { image: undefined, text: undefined };

  private constructor(operations: ReadonlySet<Operation> | undefined, condition: Condition | undefined) {
    this.#operations = operations;
    this.#condition = condition;
  }

  /**
   * undefined: everything of the table is published.
   *
   * @throws TaplineError SHAPE_MISMATCH.
   */
  static of(
    { operations: chosen, where, outbox }: Pick<TableShape, 'operations' | 'where' | 'outbox'>,
    table: Table,
    facts: {
      readonly wire: TableMap | undefined;
      readonly whole: boolean;
      readonly keyColumns: readonly string[] | undefined;
    },
  ): RowFilter | undefined {
    const operations = outbox === undefined ? chosen : OUTBOX_OPERATIONS;
    if (operations === undefined && where === undefined) return undefined;
    if (where === undefined) return new RowFilter(operations, undefined);
    const condition = compileFor(where, table, facts.wire);
    const lacking = [...condition.columns].filter((name) => facts.keyColumns?.includes(name) !== true);
    if (!facts.whole && lacking.length > 0) {
      throw new TaplineError('SHAPE_MISMATCH', {
        message: `The condition ${JSON.stringify(where)} reads ${lacking.join(', ')}, which rows may lack (source.rowImage: partial).`,
        place: { table: `${table.database}.${table.name}` },
        remedy: 'Let it read columns of the key only, or have whole rows: SET PERSIST binlog_row_image = FULL.',
      });
    }
    return new RowFilter(operations, condition);
  }

  /** The columns that it reads. */
  get columns(): ReadonlySet<string> {
    return this.#condition?.columns ?? new Set();
  }

  /** As what the current row of `event` is published; undefined: not at all. */
  decide(event: RowsEvent): RowsEvent['op'] | undefined {
    if (this.#operations?.has(OPERATIONS[event.op]) === false) return undefined;
    if (this.#condition === undefined) return event.op;
    switch (event.op) {
      case 'insert':
        return this.#holds(event.after) ? 'insert' : undefined;
      case 'delete':
        return this.#holds(event.before) ? 'delete' : undefined;
      case 'update': {
        const was = this.#holds(event.before);
        if (this.#holds(event.after)) return was ? 'update' : 'insert';
        return was ? 'delete' : undefined;
      }
    }
  }

  /** Whether a row of the first load is published. */
  keeps(row: TextRow): boolean {
    if (this.#condition === undefined) return true;
    const view = this.#view;
    view.image = undefined;
    view.text = row;
    return this.#condition.holds(view);
  }

  #holds(image: RowImage): boolean {
    const view = this.#view;
    view.image = image;
    return this.#condition?.holds(view) ?? true;
  }
}

function compileFor(where: string, table: Table, wire: TableMap | undefined): Condition {
  try {
    return compileCondition(where, table, wire);
  } catch (error) {
    if (!(error instanceof TaplineError)) throw error;
    const { code, message, remedy } = error;
    throw new TaplineError(code, {
      message,
      remedy,
      place: { table: `${table.database}.${table.name}` },
      cause: error,
    });
  }
}
