import { isDeepStrictEqual } from 'node:util';
import type { BinlogEvent, RowsEvent } from '@tapline/binlog';
import { TaplineError } from '@tapline/kernel';
import { connect, type MysqlAddress, type MysqlConnection, readCollationBook, readSchemaState } from '@tapline/mysql';
import {
  Catalog,
  type DdlServer,
  databaseOfDdl,
  dialectOf,
  readDdl,
  serverVersionNumber,
  type Table,
  type TableName,
  type TableState,
  tableOfState,
  tablesOfDdl,
} from '@tapline/schema';
import { BinlogFollower } from './binlog-follower.ts';
import { insertRow, messageOfInsert, messageOfSelect, quotedTable } from './row-check.ts';

/** What came of one statement. */
export interface Step {
  /** False: the server refused it. */
  readonly accepted: boolean;
  /** Why: the server's number and words. */
  readonly refusal?: string;
  /** Where our tables are not the server's, or our row is not. */
  readonly problems: readonly string[];
  /** Tables of which a row was read from the binlog and compared. */
  readonly rows: number;
}

/**
 * Runs statements on a server, reads them back from its binlog, applies them to a catalogue, and holds that against the server: after each statement
 * information_schema, and a row of each table that the statement touched, decoded by the catalogue under whatever metadata the server logs.
 */
export class DdlReplay implements AsyncDisposable {
  readonly catalog: Catalog;
  readonly #server: DdlServer;
  /** How names are compared. */
  readonly #folded: boolean;
  /** Runs what is to be replayed, under whatever it sets. */
  readonly #work: MysqlConnection;
  /** Looks at what came of it. */
  readonly #look: MysqlConnection;
  readonly #binlog: BinlogFollower;
  /** Databases that were there before. */
  readonly #others: ReadonlySet<string>;
  #touched = new Map<string, TableName>();
  #messages = new Map<string, Buffer>();
  #problems: string[] = [];

  private constructor(parts: {
    work: MysqlConnection;
    look: MysqlConnection;
    binlog: BinlogFollower;
    catalog: Catalog;
    server: DdlServer;
    others: ReadonlySet<string>;
    folded: boolean;
  }) {
    this.#work = parts.work;
    this.#look = parts.look;
    this.#binlog = parts.binlog;
    this.catalog = parts.catalog;
    this.#server = parts.server;
    this.#others = parts.others;
    this.#folded = parts.folded;
  }

  static async open(address: MysqlAddress): Promise<DdlReplay> {
    const work = await connect(address);
    const look = await connect(address);
    const [variables = []] = await look.query(
      'SELECT @@explicit_defaults_for_timestamp, @@lower_case_table_names, @@character_set_server, @@collation_server',
    );
    const catalog = new Catalog({
      lowerCaseTableNames: Number(variables[1]) as 0 | 1 | 2,
      book: await readCollationBook(look),
      serverText: { charset: variables[2] ?? '', collation: variables[3] ?? '' },
    });
    for (const session of [work, look]) await session.execute('SET FOREIGN_KEY_CHECKS = 0');
    return new DdlReplay({
      work,
      look,
      binlog: await BinlogFollower.open(look),
      folded: variables[1] !== '0',
      catalog,
      server: {
        flavor: look.flavor,
        version: serverVersionNumber(look.version),
        explicitTimestamps: variables[0] === '1',
      },
      others: new Set((await look.query('SHOW DATABASES')).map(([name]) => name ?? '')),
    });
  }

  get dialect(): DdlServer {
    return this.#server;
  }

  /** Where the server has the scripts that make its system tables and what else comes with it. */
  async scriptFolder(): Promise<string> {
    const [row] = await this.#look.query('SELECT @@lc_messages_dir');
    return row?.[0] ?? '';
  }

  /** Runs a statement that belongs to the scene and is not looked at. */
  async prepare(sql: string): Promise<void> {
    await this.#work.execute(sql);
  }

  async run(sql: string): Promise<Step> {
    try {
      await this.#work.execute(sql);
    } catch (error) {
      if (!(error instanceof TaplineError)) throw error;
      if (!this.#work.usable) throw error;
      // Part of it may have been done all the same (DROP TABLE of several).
      await this.#catchUp();
      return { accepted: false, refusal: error.message, problems: this.#takeProblems(), rows: 0 };
    }
    await this.#catchUp();
    const touched = [...this.#touched.values()];
    await this.#compare(touched);
    const rows = await this.#compareRows(touched);
    return { accepted: true, problems: this.#takeProblems(), rows };
  }

  /** All tables of all databases that this replay made. */
  async compareAll(): Promise<readonly string[]> {
    await this.#catchUp();
    const all = await this.#read((database) => !this.#others.has(database));
    const known = [...this.catalog.tables()].filter(({ database }) => !this.#others.has(database));
    const names = [...all, ...known].map(({ database, name }) => ({ database, name }));
    this.#compareTables(names, all);
    return this.#takeProblems();
  }

  /** The databases that statements made, one by one. */
  async dropDatabases(): Promise<void> {
    for (const [name] of await this.#look.query('SHOW DATABASES')) {
      if (typeof name === 'string' && !this.#others.has(name)) {
        // By the session that uses it: MariaDB would go on with the defaults of a database that another session has dropped.
        await this.#work.execute(`DROP DATABASE \`${name.replaceAll('`', '``')}\``);
      }
    }
    await this.#catchUp();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#binlog[Symbol.asyncDispose]();
    await this.#work[Symbol.asyncDispose]();
    await this.#look[Symbol.asyncDispose]();
  }

  #takeProblems(): readonly string[] {
    const problems = this.#problems;
    this.#problems = [];
    return problems;
  }

  async #catchUp(): Promise<void> {
    this.#touched = new Map();
    this.#messages = new Map();
    await this.#binlog.catchUp((event) => this.#take(event));
  }

  #take(event: BinlogEvent): void {
    if (event.kind === 'rows') return this.#takeRows(event);
    if (event.kind !== 'statement') return;
    const dialect = dialectOf(this.#server, event.session);
    const ddl = readDdl(event.sql, event.database, dialect);
    if (ddl === undefined) return;
    if (ddl.kind === 'unread') this.#problems.push(ddl.error.message);
    this.catalog.apply(ddl, dialect);
    for (const table of tablesOfDdl(ddl)) this.#touched.set(JSON.stringify(table), table);
    const database = databaseOfDdl(ddl);
    if (database !== undefined) this.#touched.set(database, { database, name: '' });
  }

  #takeRows(event: RowsEvent): void {
    const { database, table } = event.table;
    const state = this.catalog.table({ database, name: table });
    // Sequences are no tables, yet they have rows.
    if (state === undefined || event.op !== 'insert') return;
    try {
      this.#messages.set(nameOf(state), messageOfInsert(event, tableOfState(state)));
    } catch (error) {
      this.#problems.push(`A row of ${nameOf(state)}: ${(error as Error).message}`);
    }
  }

  async #compare(touched: readonly TableName[]): Promise<void> {
    const fold = (name: string): string => (this.#folded ? name.toLowerCase() : name);
    const names = new Set(touched.map((table) => fold(nameOf(table))));
    if (names.size === 0) return;
    const databases = new Set(touched.map(({ database }) => fold(database)));
    // A statement on a whole database concerns all of its tables.
    const whole = new Set(touched.filter(({ name }) => name === '').map(({ database }) => fold(database)));
    const concerns = (database: string, name: string): boolean =>
      whole.has(fold(database)) || names.has(fold(`${database}.${name}`));
    const server = await this.#read((database) => databases.has(fold(database)), concerns);
    const known = [...this.catalog.tables()].filter(({ database, name }) => concerns(database, name));
    this.#compareTables([...server, ...known, ...touched.filter(({ name }) => name !== '')], server);
  }

  #compareTables(names: readonly TableName[], server: readonly TableState[]): void {
    const seen = new Map(server.map((table) => [nameOf(table), table]));
    for (const [key, name] of new Map(names.map((one) => [nameOf(one), one]))) {
      const state = this.catalog.table(name);
      if (state?.unread !== undefined) {
        this.#problems.push(`${key}: ${state.unread}`);
        continue;
      }
      const ours = state && seenOf(state);
      const found = seen.get(state === undefined ? key : nameOf(state));
      const theirs = found && seenOf(found);
      if (!isDeepStrictEqual(ours, theirs)) this.#problems.push(difference(key, ours, theirs));
    }
  }

  async #compareRows(touched: readonly TableName[]): Promise<number> {
    const tables = touched.flatMap((name) => {
      const state = this.catalog.table(name);
      return state === undefined || state.unread !== undefined ? [] : [tableOfState(state)];
    });
    let rows = 0;
    for (const table of new Map(tables.map((one) => [nameOf(one), one])).values()) {
      if (await this.#compareRow(table)) rows++;
    }
    return rows;
  }

  async #compareRow(table: Table): Promise<boolean> {
    // Columns that number themselves are the first of a key.
    const firsts = this.catalog.table(table)?.keys.map(({ parts }) => parts[0]?.column ?? '');
    if (!(await insertRow(this.#look, table, new Set(firsts)))) return false;
    await this.#catchUp();
    const binlog = this.#messages.get(nameOf(table));
    if (binlog === undefined) {
      this.#problems.push(`The row of ${nameOf(table)} was not in the binlog.`);
      return false;
    }
    const selected = await messageOfSelect(this.#look, table);
    if (!binlog.equals(selected)) {
      this.#problems.push(
        `The row of ${nameOf(table)} is ${binlog.toString('hex')}, SELECT says ${selected.toString('hex')}.`,
      );
    }
    // Left there, it would be in the way of checks that are made later.
    await this.#look.execute(`DELETE FROM ${quotedTable(table)}`);
    return true;
  }

  async #read(
    inDatabase: (database: string) => boolean,
    matches: (database: string, name: string) => boolean = () => true,
  ): Promise<TableState[]> {
    return [...(await readSchemaState(this.#look, { mayMatchIn: inDatabase, matches })).tables];
  }
}

function nameOf({ database, name }: TableName): string {
  return `${database}.${name}`;
}

/** A table with its default for texts. */
type Seen = Table & Pick<TableState, 'text'>;

/** What everybody can see of a table, which leaves out fills. Neither side promises an order of keys, nor to leave out what is undefined. */
function seenOf(state: TableState): Seen {
  const table = tableOfState(state);
  const uniqueKeys = table.uniqueKeys.toSorted((left, right) => (left.name < right.name ? -1 : 1));
  const columns = table.columns.map((column) => ({ ...column, fill: undefined }));
  return JSON.parse(JSON.stringify({ ...table, columns, uniqueKeys, text: state.text })) as Seen;
}

/** The parts in which two tables differ. */
function difference(name: string, ours: Seen | undefined, theirs: Seen | undefined): string {
  if (ours === undefined) return `${name} is not in the catalogue.`;
  if (theirs === undefined) return `${name} is in the catalogue only.`;
  const parts: string[] = [];
  const note = (what: string, left: unknown, right: unknown): void => {
    const [mine, its] = [JSON.stringify(left), JSON.stringify(right)];
    if (mine !== its && !isDeepStrictEqual(left, right)) parts.push(`${what}: ${mine}, not ${its}`);
  };
  for (let i = 0; i < Math.max(ours.columns.length, theirs.columns.length); i++) {
    note(`column ${i + 1}`, ours.columns[i], theirs.columns[i]);
  }
  note('key', ours.primaryKey, theirs.primaryKey);
  note('unique keys', ours.uniqueKeys, theirs.uniqueKeys);
  note('hidden columns', ours.hidden, theirs.hidden);
  note('default', ours.text, theirs.text);
  return `${name}: ${parts.slice(0, 3).join('; ')}`;
}
