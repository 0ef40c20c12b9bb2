import type { Column } from '@tapline/schema';

/**
 * Gives one object for equal columns, while many tables are read at a time: in a database of thousands of tables most columns are somewhere else too, and are
 * never changed, only replaced. To be let go afterwards: it would keep every column that there ever was.
 */
export class ColumnPool {
  readonly #columns = new Map<string, Column>();

  of(column: Column): Column {
    const key = JSON.stringify(column);
    const known = this.#columns.get(key);
    if (known !== undefined) return known;
    this.#columns.set(key, column);
    return column;
  }
}
