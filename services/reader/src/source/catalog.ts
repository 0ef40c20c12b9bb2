import { type MysqlConnection, readTables } from '@tapline/mysql';
import type { Table } from '@tapline/schema';
import type { TableCatalog } from '../publish/routes.ts';

/** The captured tables, read from information_schema at the start and again, one by one, when the binlog shows another layout. */
export class SourceCatalog implements TableCatalog {
  readonly #tables: Map<string, Table>;
  readonly #connect: () => Promise<MysqlConnection>;

  constructor(tables: readonly Table[], open: () => Promise<MysqlConnection>) {
    this.#tables = new Map(tables.map((table) => [nameOf(table.database, table.name), table]));
    this.#connect = open;
  }

  get all(): readonly Table[] {
    return [...this.#tables.values()];
  }

  get(database: string, table: string): Table | undefined {
    return this.#tables.get(nameOf(database, table));
  }

  async refresh(database: string, table: string): Promise<Table | undefined> {
    await using connection = await this.#connect();
    const filter = {
      matches: (otherDatabase: string, other: string) => otherDatabase === database && other === table,
      mayMatchIn: (other: string) => other === database,
    };
    const [found] = await readTables(connection, filter);
    if (found === undefined) this.#tables.delete(nameOf(database, table));
    else this.#tables.set(nameOf(database, table), found);
    return found;
  }
}

function nameOf(database: string, table: string): string {
  return `${database}.${table}`;
}
