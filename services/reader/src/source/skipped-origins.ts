import type { TableMap } from '@tapline/binlog';
import { originOfStatement, originOfTable } from '@tapline/mysql';

/**
 * The origins whose changes are not published: writers that bring another source's changes into this one. They mark their transactions (libs/mysql, origin-mark), first of
 * all in them, so that what follows is known when it comes.
 */
export class SkippedOrigins {
  readonly #names: ReadonlySet<string>;

  constructor(names: readonly string[]) {
    this.#names = new Set(names);
  }

  /** Whether the table's rows must be seen for it. */
  wants(table: string): boolean {
    return this.#names.size > 0 && originOfTable(table) !== undefined;
  }

  /** Whether rows of this table say that the transaction is one of them. */
  areMarkedBy({ table }: Pick<TableMap, 'table'>): boolean {
    return this.#names.size > 0 && this.#names.has(originOfTable(table) ?? '');
  }

  made(sql: string): boolean {
    return this.#names.size > 0 && this.#names.has(originOfStatement(sql) ?? '');
  }
}
