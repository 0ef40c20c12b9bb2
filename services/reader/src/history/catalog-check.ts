import { isAbort, type Logger, sleep, TaplineError } from '@tapline/kernel';
import { addressText, connect, readTables, tablesNamed } from '@tapline/mysql';
import { type Column, type Table, type TableName, type TableState, tableKey, tableOfState } from '@tapline/schema';
import { type Executed, parseExecuted, readExecuted } from '../source/executed.ts';
import type { Source } from '../source/open-source.ts';
import type { SchemaHistory } from './schema-history.ts';

/** A statement may show in the catalogue of a server a moment before the server counts it as executed. */
const SETTLE_MS = 100;

export interface CatalogCheckOptions {
  readonly history: Pick<SchemaHistory, 'catalog' | 'changed'>;
  readonly source: Source;
  readonly policy: 'stop' | 'warn';
  /** How long after a statement on a captured table the source is asked. */
  readonly afterMs: number;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

/** Tables as the source shows them, and how the history had them before that. */
interface Sample {
  readonly tables: readonly Table[];
  readonly states: ReadonlyMap<string, TableState>;
  /** What the source had executed behind it. */
  readonly end: Executed;
}

/**
 * Holds the schema history against information_schema: all captured tables when a life begins, later those that statements altered.
 *
 * The source is ahead of the stream. A table that the history has unaltered from before the source was asked until the stream has passed all that the source
 * had executed by then, was altered by nobody in between, so both must show the same. One that was altered meanwhile is asked for again. Nothing waits for it:
 * the questions are asked beside the stream.
 */
export class CatalogCheck {
  readonly #options: CatalogCheckOptions;
  readonly #open = new Map<string, TableName>();
  #sample: Sample | undefined;
  #asking = false;
  #nextMs = 0;
  /** Tables found to be as the source shows them, and not. */
  checked = 0;
  different = 0;

  constructor(options: CatalogCheckOptions) {
    this.#options = options;
    for (const { database, name } of options.source.tables)
      this.#open.set(tableKey({ database, name }), { database, name });
  }

  /** Between two transactions. @throws TaplineError SCHEMA_DRIFT where policy is to stop. */
  atBoundary(passed: Executed, nowMs: number): void {
    for (const table of this.#options.history.changed()) {
      this.#open.set(tableKey(table), table);
      this.#nextMs = nowMs + this.#options.afterMs;
    }
    if (this.#sample !== undefined) this.#compare(this.#sample, passed);
    if (this.#open.size === 0 || this.#asking || this.#sample !== undefined || nowMs < this.#nextMs) return;
    this.#asking = true;
    this.#ask([...this.#open.values()])
      .catch((error: unknown) => this.#failed(error))
      .finally(() => {
        this.#asking = false;
      });
  }

  async #ask(wanted: readonly TableName[]): Promise<void> {
    const { history, source, signal } = this.#options;
    const states = new Map(
      wanted.flatMap((table) => {
        const state = history.catalog.table(table);
        return state === undefined ? [] : [[tableKey(table), state] as const];
      }),
    );
    await using connection = await connect(source.address, signal);
    const names = new Set([...states.values()].map(({ database, name }) => `${database}.${name}`));
    const tables = await readTables(connection, tablesNamed(names), signal);
    await sleep(SETTLE_MS, signal);
    const end = parseExecuted(source.tracking, await readExecuted(connection, source.tracking, signal));
    // What a statement altered while the source was asked is asked for once more.
    for (const table of wanted) {
      if (history.catalog.table(table) === states.get(tableKey(table))) this.#open.delete(tableKey(table));
    }
    this.#sample = { tables, states, end };
  }

  /** The source may be away, and the stream tells that better. */
  #failed(error: unknown): void {
    const { log, signal, afterMs } = this.#options;
    if (isAbort(error, signal)) return;
    this.#nextMs = Date.now() + afterMs;
    log.warn('the schema history could not be held against the source, which is tried again later', { error });
  }

  #compare({ tables, states, end }: Sample, passed: Executed): void {
    if (!passed.includes(end)) return;
    this.#sample = undefined;
    const { catalog } = this.#options.history;
    for (const table of tables) {
      const state = states.get(tableKey(table));
      // Altered meanwhile: the statement has put it back among those to be asked for.
      if (state === undefined || state.unread !== undefined || catalog.table(state) !== state) continue;
      const lines = differences(tableOfState(state), table);
      if (lines.length === 0) this.checked++;
      else this.#report(table, lines);
    }
  }

  #report({ database, name }: Table, lines: readonly string[]): void {
    const { log, policy, source } = this.#options;
    this.different++;
    const error = new TaplineError('SCHEMA_DRIFT', {
      message: `The schema history and the source differ in ${database}.${name}: ${lines.join('; ')}.`,
      place: { table: `${database}.${name}`, address: addressText(source.address) },
    });
    if (policy === 'stop') throw error;
    log.error('the schema history is wrong', { error });
  }
}

/** In what rows are decoded by. */
function differences(known: Table, seen: Table): string[] {
  const lines = known.columns.flatMap((column, i) => {
    const other = seen.columns[i];
    const [was, is] = [textOf(column), other === undefined ? 'nothing' : textOf(other)];
    return was === is ? [] : [`the history has ${was}, the source ${is}`];
  });
  const more = seen.columns.slice(known.columns.length).map((column) => `the source has ${textOf(column)} besides`);
  const [key, otherKey] = [known.primaryKey?.join() ?? 'none', seen.primaryKey?.join() ?? 'none'];
  return [...lines, ...more, ...(key === otherKey ? [] : [`primary key ${key} and ${otherKey}`])];
}

function textOf(column: Column): string {
  const { name, type, nullable, unsigned, charset, length, precision, scale, fsp, members } = column;
  const numbers = [length, precision, scale, fsp].map((number) => number ?? '').join();
  // information_schema shows `?` for characters beyond the basic plane.
  const names = members?.join().replaceAll(/[\u{10000}-\u{10ffff}]/gu, '?') ?? '';
  return `${name} ${type}(${numbers}${names})${unsigned ? ' unsigned' : ''} ${charset ?? ''}${nullable ? '' : ' NOT NULL'}`;
}
