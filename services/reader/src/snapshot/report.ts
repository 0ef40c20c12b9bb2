import type { Logger } from '@tapline/kernel';
import { connect, type MysqlAddress, readRowEstimates } from '@tapline/mysql';

const BAR_CELLS = 24;
const LOG_EVERY_MS = 5_000;

/** Tells how far the load of tables is: a bar in place on a terminal, a log line now and then elsewhere, and numbers for /state. */
export class SnapshotReport {
  readonly #address: MysqlAddress;
  readonly #log: Logger;
  readonly #signal: AbortSignal;
  #estimates: ReadonlyMap<string, number> = new Map();
  #tables = 0;
  #startedMs = 0;
  #finishedTables = 0;
  #rows = 0;
  #deletes = 0;
  #table = '';
  #tableRows = 0;
  #loggedMs = 0;

  constructor(options: { address: MysqlAddress; log: Logger; signal: AbortSignal }) {
    this.#address = options.address;
    this.#log = options.log;
    this.#signal = options.signal;
  }

  /** These tables are to be loaded as well. */
  add(tables: readonly string[]): void {
    if (tables.length === 0) return;
    if (!this.#isRunning) {
      this.#startedMs = Date.now();
      this.#tables = 0;
      this.#finishedTables = 0;
      this.#rows = 0;
      this.#deletes = 0;
    }
    this.#tables += tables.length;
    this.#log.info('tables to load', { tables: tables.length, first: tables.slice(0, 3) });
    void this.#estimate(tables);
  }

  /** For the bar only, so nobody waits for it, and it may fail. */
  async #estimate(tables: readonly string[]): Promise<void> {
    try {
      await using connection = await connect(this.#address, this.#signal);
      const found = await readRowEstimates(connection, tables.map(nameOf), this.#signal);
      this.#estimates = new Map([...this.#estimates, ...found]);
    } catch (error) {
      this.#log.debug('the number of rows cannot be estimated', { error });
    }
  }

  chunk(table: string, rows: number, deletes: number): void {
    if (table !== this.#table) this.#tableRows = 0;
    this.#table = table;
    this.#tableRows += rows;
    this.#rows += rows;
    this.#deletes += deletes;
    const now = Date.now();
    if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${this.#line}`);
    if (now - this.#loggedMs < LOG_EVERY_MS) return;
    this.#loggedMs = now;
    this.#log.info('load', { ...this.state, table });
  }

  tableDone(): void {
    this.#finishedTables++;
  }

  finish(): void {
    if (process.stderr.isTTY) process.stderr.write('\r\x1b[K');
    const seconds = (Date.now() - this.#startedMs) / 1000;
    this.#log.info('load done', { rows: this.#rows, deletes: this.#deletes, tables: this.#tables, seconds });
    this.#finishedTables = this.#tables;
    this.#estimates = new Map();
    this.#table = '';
  }

  get state(): Readonly<Record<string, unknown>> {
    return {
      state: this.#isRunning ? 'running' : 'done',
      rows: this.#rows,
      deletes: this.#deletes,
      tables: this.#tables,
      finishedTables: this.#finishedTables,
      ...(this.#table === ''
        ? {}
        : { table: this.#table, tableRows: this.#tableRows, tableRowsEstimated: this.#expected }),
    };
  }

  get #isRunning(): boolean {
    return this.#finishedTables < this.#tables;
  }

  get #expected(): number {
    return this.#estimates.get(this.#table) ?? 0;
  }

  get #line(): string {
    const share = Math.min(0.99, this.#tableRows / Math.max(1, this.#expected));
    const full = Math.round(share * BAR_CELLS);
    const bar = `[${'#'.repeat(full)}${'-'.repeat(BAR_CELLS - full)}]`;
    const percent = `${Math.round(share * 100)} %`.padStart(5);
    return `load ${bar} ${percent}  ${this.#table}  ${this.#tableRows} rows  (table ${this.#finishedTables} of ${this.#tables} done)`;
  }
}

/** A database with a dot in its name goes without an estimate. */
function nameOf(table: string): { readonly database: string; readonly name: string } {
  const dot = table.indexOf('.');
  return { database: table.slice(0, dot), name: table.slice(dot + 1) };
}
