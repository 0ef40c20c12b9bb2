import { quoteName, quoteTable } from '@tapline/mysql';
import type { TableName } from '@tapline/schema';
import type { MysqlConfig } from '../config.ts';
import { findState, findTable, stateName } from '../lookup.ts';
import type { Session } from '../session.ts';
import { nameOf, type Rename } from './renames.ts';

/**
 * Gives tables other names, and what is kept of their rows with them, in one statement, which the server does as a whole. A table that is not there is left out: it
 * is made under its new name when its rows come. Where tables swap their names nothing tells afterwards whether they have, so a mark is renamed with them.
 */
export async function renameAll(
  renames: readonly Rename[],
  version: number,
  {
    session,
    config,
    signal,
  }: { readonly session: Session; readonly config: MysqlConfig; readonly signal: AbortSignal },
): Promise<void> {
  const { stateDatabase } = config;
  const mark = {
    from: { database: stateDatabase, name: `__swap_${version}` },
    to: { database: stateDatabase, name: `__swapped_${version}` },
  };
  const isSwap = renames.some(({ to }) => renames.some(({ from }) => nameOf(from) === nameOf(to)));
  const isThere = async (table: TableName): Promise<boolean> => (await findTable(session, table, signal)) !== undefined;
  const steps: Rename[] = [];
  for (const rename of renames) {
    if (await isThere(rename.from)) steps.push(rename);
    for (const [kind, from] of await findState(session, stateDatabase, rename.from, signal))
      steps.push({ from, to: { database: stateDatabase, name: stateName(kind, rename.to) } });
  }
  if (!isSwap) return rename(steps, session, signal);
  if (!(await isThere(mark.to))) {
    await session.execute(`CREATE TABLE IF NOT EXISTS ${sqlOf(mark.from)} (swap INT)`, signal);
    await rename([...throughOthers(steps), mark], session, signal);
  }
}

/** The mark of a swap is of no more use once the swap is noted. */
export async function forgetSwap(
  version: number,
  config: MysqlConfig,
  session: Session,
  signal: AbortSignal,
): Promise<void> {
  const mark = { database: config.stateDatabase, name: `__swapped_${version}` };
  if ((await findTable(session, mark, signal)) !== undefined)
    await session.execute(`DROP TABLE ${sqlOf(mark)}`, signal);
}

async function rename(steps: readonly Rename[], session: Session, signal: AbortSignal): Promise<void> {
  if (steps.length === 0) return;
  for (const { to } of steps) await session.execute(`CREATE DATABASE IF NOT EXISTS ${quoteName(to.database)}`, signal);
  const pairs = steps.map(({ from, to }) => `${sqlOf(from)} TO ${sqlOf(to)}`);
  await session.define(`RENAME TABLE ${pairs.join(', ')}`, signal);
}

/** First all under names that nobody has. */
function throughOthers(steps: readonly Rename[]): Rename[] {
  const other = (at: number, { database }: TableName): TableName => ({ database, name: `__tapline_swap_${at}` });
  return [
    ...steps.map(({ from }, at) => ({ from, to: other(at, from) })),
    ...steps.map(({ from, to }, at) => ({ from: other(at, from), to })),
  ];
}

function sqlOf({ database, name }: TableName): string {
  return quoteTable(database, name);
}
