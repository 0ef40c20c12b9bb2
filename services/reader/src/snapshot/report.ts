import type { Logger } from '@tapline/kernel';
import { connect, type MysqlAddress, readRowEstimates } from '@tapline/mysql';
import type { Table } from '@tapline/schema';

const BAR_CELLS = 24;
const LOG_EVERY_MS = 5_000;

/** Tells how far the first load is: a bar in place on a terminal, a log line now and then elsewhere, and numbers for /state. */
export class SnapshotReport {
  readonly #log: Logger;
  readonly #estimates: ReadonlyMap<string, number>;
  readonly #tables: number;
  readonly #startedMs = Date.now();
  #finishedTables: number;
  #rows = 0;
  #table = '';
  #tableRows = 0;
  #loggedMs = 0;
  #done = false;

  private constructor(log: Logger, estimates: ReadonlyMap<string, number>, tables: number, finished: number) {
    this.#log = log;
    this.#estimates = estimates;
    this.#tables = tables;
    this.#finishedTables = finished;
  }

  static async open(options: {
    address: MysqlAddress;
    tables: readonly Table[];
    finished: readonly string[];
    log: Logger;
    signal: AbortSignal;
  }): Promise<SnapshotReport> {
    await using connection = await connect(options.address, options.signal);
    const estimates = await readRowEstimates(connection, options.tables, options.signal);
    return new SnapshotReport(options.log, estimates, options.tables.length, options.finished.length);
  }

  chunk(table: string, rows: number, tableFinished: boolean): void {
    if (table !== this.#table) this.#tableRows = 0;
    this.#table = table;
    this.#tableRows += rows;
    this.#rows += rows;
    if (tableFinished) this.#finishedTables++;
    const now = Date.now();
    if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${this.#line(tableFinished)}`);
    if (now - this.#loggedMs < LOG_EVERY_MS) return;
    this.#loggedMs = now;
    this.#log.info('first load', { ...this.state, table });
  }

  finish(): void {
    this.#done = true;
    if (process.stderr.isTTY) process.stderr.write('\r\x1b[K');
    const seconds = (Date.now() - this.#startedMs) / 1000;
    this.#log.info('first load done', { rows: this.#rows, tables: this.#tables, seconds });
  }

  get state(): Readonly<Record<string, unknown>> {
    return {
      state: this.#done ? 'done' : 'running',
      rows: this.#rows,
      tables: this.#tables,
      finishedTables: this.#finishedTables,
      ...(this.#table === ''
        ? {}
        : { table: this.#table, tableRows: this.#tableRows, tableRowsEstimated: this.#estimate }),
    };
  }

  get #estimate(): number {
    return this.#estimates.get(this.#table) ?? 0;
  }

  #line(tableFinished: boolean): string {
    const share = tableFinished ? 1 : Math.min(0.99, this.#tableRows / Math.max(1, this.#estimate));
    const full = Math.round(share * BAR_CELLS);
    const bar = `[${'#'.repeat(full)}${'-'.repeat(BAR_CELLS - full)}]`;
    const percent = `${Math.round(share * 100)} %`.padStart(5);
    return `first load ${bar} ${percent}  ${this.#table}  ${this.#tableRows} rows  (table ${this.#finishedTables} of ${this.#tables} done)`;
  }
}
