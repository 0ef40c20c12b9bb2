import { silentLogger, TaplineError } from '@tapline/kernel';
import { connect, type MysqlConnection, quoteName } from '@tapline/mysql';
import type { Table } from '@tapline/schema';
import {
  type Change,
  neverAborted,
  type Sink,
  type SinkContext,
  SuiteTables,
  type TransactionSink,
} from '@tapline/sink';
import type { SqlAddress } from '@tapline/test-stack';
import type { MysqlConfig } from '../config.ts';
import { mysqlSink } from '../index.ts';
import { mysqlConfig } from './bench.ts';

const signal = neverAborted();
let places = 0;

/** What cases need of a server that not every one has. */
export interface TargetHas {
  readonly triggers: boolean;
  /** Rows of 65,535 bytes at most. */
  readonly rowLimit: boolean;
}

/** A database of its own with the suite's table, and sinks that write to it. */
export class Scene implements AsyncDisposable {
  readonly db: string;
  readonly root: MysqlConnection;
  readonly tables: SuiteTables;
  readonly #address: SqlAddress;

  private constructor(address: SqlAddress, root: MysqlConnection, table: Table) {
    this.#address = address;
    this.root = root;
    this.tables = new SuiteTables(table);
    this.db = `sink${process.pid}_${++places}`;
  }

  static async open(address: SqlAddress, table: Table, ...ddl: readonly string[]): Promise<Scene> {
    const scene = new Scene(address, await connect(address), table);
    await scene.root.execute(`CREATE DATABASE ${scene.db}`);
    await scene.root.execute(`USE ${scene.db}`);
    for (const sql of ddl) await scene.root.execute(sql);
    return scene;
  }

  /** Of a sink that writes to the scene's table. @param given beside what says where it is. */
  config(given: Readonly<Record<string, unknown>> = {}): MysqlConfig {
    const { host, port, user, password } = this.#address;
    const places = { database: this.db, stateDatabase: `${this.db}_state` };
    return mysqlConfig({ host, port, user, password, ...places, ...given });
  }

  get context(): SinkContext {
    return { name: this.db, log: silentLogger, signal, tables: this.tables };
  }

  sink(given: Readonly<Record<string, unknown>> = {}): Promise<Sink> {
    return mysqlSink.open(this.config(given), this.context);
  }

  /** A member of the writer that gives whole transactions. */
  async transactions(given: Readonly<Record<string, unknown>> = {}): Promise<TransactionSink> {
    const opened = mysqlSink.transactions?.open(this.config({ order: 'transaction', ...given }), this.context);
    if (opened === undefined) throw new Error('the sink takes no whole transactions');
    return await opened;
  }

  async applied(changes: readonly Change[], given: Readonly<Record<string, unknown>> = {}): Promise<readonly string[]> {
    await using sink = await this.sink(given);
    const { verdicts, errors } = await sink.apply(changes, signal);
    return verdicts.map((verdict, index) => errors.get(index)?.code ?? verdict);
  }

  async refusal(changes: readonly Change[], given: Readonly<Record<string, unknown>> = {}): Promise<TaplineError> {
    try {
      await this.applied(changes, given);
    } catch (error) {
      if (error instanceof TaplineError) return error;
      throw error;
    }
    throw new Error('nothing was refused');
  }

  async rows(columns = '*'): Promise<readonly (readonly (string | null)[])[]> {
    return this.root.query(`SELECT ${columns} FROM item ORDER BY 1`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const db of [this.db, `${this.db}_state`]) await this.root.execute(`DROP DATABASE IF EXISTS ${quoteName(db)}`);
    await this.root[Symbol.asyncDispose]();
  }
}
