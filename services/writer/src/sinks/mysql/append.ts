import { TaplineError } from '@tapline/kernel';
import { quoteTable } from '@tapline/mysql';
import type { Change, Place } from '@tapline/sink';
import type { Outcome } from '../../outcome.ts';
import type { MysqlConfig } from './config.ts';
import { quoted } from './literal.ts';
import type { Session } from './session.ts';
import { type Settled, settle } from './settled.ts';
import { inserts, keyless } from './statements.ts';
import type { Target } from './target.ts';

/** A change of a table without a key. */
export interface AppendItem {
  readonly index: number;
  readonly change: Change;
  readonly target: Target;
  readonly place: Pick<Place, 'topic' | 'partition'>;
}

export interface AppendOptions {
  readonly session: Session;
  readonly config: MysqlConfig;
  readonly outcome: Outcome;
  readonly signal: AbortSignal;
}

/** What is done within an open transaction. */
type Within = Omit<AppendOptions, 'outcome'>;

export const POSITIONS = '__positions';

/** CREATE TABLE for how far the topics of tables without a key are applied. A name without a dot, as tables of versions have one. */
export function createPositions(stateDatabase: string): string {
  const text = 'CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL';
  return `CREATE TABLE IF NOT EXISTS ${quoteTable(stateDatabase, POSITIONS)} (\`table\` VARCHAR(130) ${text}, topic VARCHAR(249) ${text}, \`partition\` INT NOT NULL, version BIGINT UNSIGNED NOT NULL, PRIMARY KEY (\`table\`, topic, \`partition\`)) ENGINE=InnoDB`;
}

/**
 * Applies changes of tables without a key, in their order, as one transaction. Rows have no versions there, since nothing names a row. So what is kept is how far each
 * partition is applied, in the same transaction; versions grow along a partition, and what is not above is stale. A row to update or delete is found by all of its
 * values. Of rows that are alike it does not matter which one goes.
 *
 * A change that is refused ends the transaction in front of it: what comes behind it is to be given again, so that the position never passes a change that is
 * not applied and may be given once more.
 */
export async function applyAppended(items: readonly AppendItem[], options: AppendOptions): Promise<void> {
  const { session, signal, outcome } = options;
  let settled: ReadonlyMap<number, Settled>;
  try {
    await session.begin(signal);
    settled = await appendWithin(items, options);
    await session.execute('COMMIT', signal);
  } catch (error) {
    signal.throwIfAborted();
    if (session.usable) await session.execute('ROLLBACK', signal).catch(() => session.destroy());
    throw error;
  }
  for (const [index, verdict] of settled) settle(outcome, index, verdict);
}

/** The same within a transaction that the caller begins and ends. */
export async function appendWithin(items: readonly AppendItem[], options: Within): Promise<Map<number, Settled>> {
  const settled = new Map<number, Settled>();
  const positions = await lockPositions(items, options);
  const left = items.filter((item) => {
    const isStale = item.change.version <= (positions.get(positionOf(item)) ?? 0n);
    if (isStale) settled.set(item.index, 'stale');
    return !isStale;
  });
  await applyInOrder(left, settled, options);
  await storePositions(left, settled, options);
  return settled;
}

async function applyInOrder(
  items: readonly AppendItem[],
  settled: Map<number, Settled>,
  options: Within,
): Promise<void> {
  for (let at = 0; at < items.length; ) {
    const run = insertsFrom(items, at);
    if (run.length > 1 && (await insertRun(run, options))) {
      for (const { index } of run) settled.set(index, 'applied');
      at += run.length;
      continue;
    }
    for (const item of run) {
      const refused = await applyOne(item, options);
      settled.set(item.index, refused ?? 'applied');
      at++;
      if (refused === undefined) continue;
      for (const { index } of items.slice(at)) settled.set(index, behind(refused));
      return;
    }
  }
}

/** The inserts of one table that follow one another, or the one change that stands there. */
function insertsFrom(items: readonly AppendItem[], from: number): readonly AppendItem[] {
  const { target } = items[from] as AppendItem;
  let end = from;
  while (items[end]?.target === target && isInsert(items[end]?.change)) end++;
  return items.slice(from, Math.max(end, from + 1));
}

function isInsert(change: Change | undefined): boolean {
  return change?.after !== undefined && change.after !== null && (change.op === 'c' || change.op === 'r');
}

/** False: one of the rows was refused, and none is there. */
async function insertRun(run: readonly AppendItem[], { session, config, signal }: Within): Promise<boolean> {
  const rows = run.flatMap(({ change }) => (change.after === null ? [] : [change.after]));
  await session.execute('SAVEPOINT run', signal);
  try {
    for (const sql of inserts((run[0] as AppendItem).target, rows, config)) await session.execute(sql, signal);
    return true;
  } catch (error) {
    if (!isPoison(error)) throw error;
    await session.execute('ROLLBACK TO SAVEPOINT run', signal);
    return false;
  }
}

/** Why the change is refused; undefined when it is applied. */
async function applyOne({ change, target }: AppendItem, options: Within): Promise<TaplineError | undefined> {
  const { session, config, signal } = options;
  const { before, after } = change;
  try {
    if (before === null || isInsert(change)) {
      if (after !== null) for (const sql of inserts(target, [after], config)) await session.execute(sql, signal);
      return undefined;
    }
    await session.execute(
      after === null ? keyless.delete(target, before) : keyless.update(target, before, after),
      signal,
    );
    const [found] = await session.query('SELECT ROW_COUNT()', signal);
    if (found?.[0] !== '0') return undefined;
    if (config.mode === 'strict') return noSuchRow(target);
    if (after !== null && config.mode !== 'insertIgnore') {
      for (const sql of inserts(target, [after], config)) await session.execute(sql, signal);
    }
    return undefined;
  } catch (error) {
    if (isPoison(error)) return error;
    throw error;
  }
}

async function lockPositions(
  items: readonly AppendItem[],
  { session, config, signal }: Within,
): Promise<Map<string, bigint>> {
  const positions = new Map<string, bigint>();
  const table = quoteTable(config.stateDatabase, POSITIONS);
  for (const item of items) {
    const id = positionOf(item);
    if (positions.has(id)) continue;
    const values = `${quoted(item.target.name)}, ${quoted(item.place.topic)}, ${item.place.partition}`;
    await session.execute(
      `INSERT INTO ${table} VALUES (${values}, 0) ON DUPLICATE KEY UPDATE version = ${table}.version`,
      signal,
    );
    const [row] = await session.query(`SELECT version FROM ${table} WHERE ${isPosition(item)}`, signal);
    positions.set(id, BigInt(row?.[0] ?? '0'));
  }
  return positions;
}

async function storePositions(
  items: readonly AppendItem[],
  settled: ReadonlyMap<number, Settled>,
  { session, config, signal }: Within,
): Promise<void> {
  const last = new Map<string, AppendItem>();
  for (const item of items) if (settled.get(item.index) === 'applied') last.set(positionOf(item), item);
  const table = quoteTable(config.stateDatabase, POSITIONS);
  for (const item of last.values()) {
    await session.execute(`UPDATE ${table} SET version = ${item.change.version} WHERE ${isPosition(item)}`, signal);
  }
}

function isPosition({ target, place }: AppendItem): string {
  return `\`table\` = ${quoted(target.name)} AND topic = ${quoted(place.topic)} AND \`partition\` = ${place.partition}`;
}

function positionOf({ target, place }: AppendItem): string {
  return `${target.name}\0${place.topic}\0${place.partition}`;
}

function isPoison(error: unknown): error is TaplineError {
  return error instanceof TaplineError && error.disposition === 'poison';
}

function behind(cause: TaplineError): TaplineError {
  return new TaplineError('SINK_MYSQL_BUSY', { message: 'A change in front of it was refused.', cause });
}

function noSuchRow(target: Target): TaplineError {
  return new TaplineError('SINK_MYSQL_STRICT', {
    message: `${target.name}: no row has the values of the one to change or delete.`,
    place: { table: target.name },
  });
}
