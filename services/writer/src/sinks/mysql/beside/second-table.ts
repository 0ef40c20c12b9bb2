import { TaplineError } from '@tapline/kernel';
import { quoteTable } from '@tapline/mysql';
import type { Table, TableName } from '@tapline/schema';
import type { Change } from '@tapline/sink';
import type { MysqlConfig } from '../config.ts';
import { quoted } from '../literal.ts';
import { findState, findTable } from '../lookup.ts';
import type { Session } from '../session.ts';

/** What is put behind the name of a second table once it is the old one. */
export const OLD = '_old';
/** The longest name of a table. */
const NAME_LENGTH = 64;

/** Makes a table beside the live one, with its definition. Undefined: neither is there, and the change deletes. @throws TaplineError REPLAY_INTO. */
export async function makeSecondTable(
  session: Session,
  { database, name }: TableName,
  change: Change,
  { config, signal }: { readonly config: MysqlConfig; readonly signal: AbortSignal },
): Promise<Table | undefined> {
  const live = { database, name: name.slice(0, -(config.suffix ?? '').length) };
  const place = { table: textOf(live) };
  if ((await findTable(session, live, signal)) === undefined) {
    if (change.after === null) return undefined;
    throw new TaplineError('REPLAY_INTO', { message: `There is no table ${place.table}.`, place });
  }
  if (change.key === null) {
    throw new TaplineError('REPLAY_INTO', {
      message: `${place.table} has no key: what was applied is known by partition only, and goes with no table.`,
      place,
    });
  }
  if (name.length + OLD.length > NAME_LENGTH) {
    throw new TaplineError('REPLAY_INTO', {
      message: `The name ${name}${OLD} is longer than ${NAME_LENGTH} characters.`,
      place,
      remedy: 'Give a shorter name with `--into`.',
    });
  }
  for (const table of [name, name + OLD]) {
    const [state] = (await findState(session, config.stateDatabase, { database, name: table }, signal)).values();
    if (state === undefined) continue;
    throw new TaplineError('REPLAY_INTO', {
      message: `What is kept of a table’s rows, ${textOf(state)}, is there already, without its table.`,
      place,
      remedy: `DROP TABLE ${sqlOf(state)}, and begin again with --restart.`,
    });
  }
  await refuseTied(session, [live], signal);
  await session.lenient(`CREATE TABLE IF NOT EXISTS ${sqlOf({ database, name })} LIKE ${sqlOf(live)}`, signal);
  return findTable(session, { database, name }, signal);
}

/** Foreign keys go with the table that they point to, and triggers with their table, under whatever name: after an exchange both would be the old one's. @throws TaplineError REPLAY_INTO. */
export async function refuseTied(session: Session, tables: readonly TableName[], signal: AbortSignal): Promise<void> {
  for (const { database, name } of tables) {
    const is = (schema: string, table: string): string =>
      `${schema} = ${quoted(database)} AND ${table} = ${quoted(name)}`;
    const [tie] = await session.query(
      `SELECT CONCAT('foreign key ', CONSTRAINT_NAME, ' of ', TABLE_NAME) FROM information_schema.KEY_COLUMN_USAGE WHERE REFERENCED_TABLE_NAME IS NOT NULL AND ((${is('TABLE_SCHEMA', 'TABLE_NAME')}) OR (${is('REFERENCED_TABLE_SCHEMA', 'REFERENCED_TABLE_NAME')})) UNION ALL SELECT CONCAT('trigger ', TRIGGER_NAME) FROM information_schema.TRIGGERS WHERE ${is('EVENT_OBJECT_SCHEMA', 'EVENT_OBJECT_TABLE')} LIMIT 1`,
      signal,
    );
    if (tie === undefined) continue;
    const table = textOf({ database, name });
    throw new TaplineError('REPLAY_INTO', {
      message: `The ${tie[0]} would stay with the old rows when ${table} is exchanged.`,
      place: { table },
      remedy: 'Drop it, run the replay with --resume, and make it again afterwards.',
    });
  }
}

export function textOf({ database, name }: TableName): string {
  return `${database}.${name}`;
}

export function sqlOf({ database, name }: TableName): string {
  return quoteTable(database, name);
}
