import type { BinlogStart } from '@tapline/binlog';
import { sleep, TaplineError } from '@tapline/kernel';
import { addressText, connect, type MysqlConnection, readBinlogEnd, readSchemaState } from '@tapline/mysql';
import {
  type DatabaseChange,
  type LaterState,
  SYSTEM_DATABASES,
  type TableName,
  type TableState,
  unknownState,
} from '@tapline/schema';
import type { Source } from '../source/open-source.ts';
import type { SourceDialect } from './dialect.ts';
import { type ScannedStatement, StatementScan } from './statement-scan.ts';

/** Between what a server says of its binlog's end and what its catalogue shows of it: a statement may be in one and not yet in the other. */
const SETTLE_MS = 100;
/** The same for tables that are altered all the time: a shorter look is more often undisturbed. */
const AGAIN_SETTLE_MS = 20;
/** How often tables are read again because they were altered meanwhile. */
const READS = 60;

export interface StatesParts {
  readonly source: Pick<Source, 'address' | 'info'>;
  readonly dialect: SourceDialect;
  readonly serverId: number;
  readonly signal: AbortSignal;
}

/** What the source's tables were at a place of its binlog, as far as that can be known. */
export interface StatesAt {
  readonly databases: readonly DatabaseChange[];
  /** A table of which nothing can be known says so (`unread`). */
  readonly states: readonly TableState[];
  /** Where those that are not known at the place become known. */
  readonly later: readonly LaterState[];
}

/** What a name stands for when it was read, and how many of the statements came before that. */
interface Found {
  readonly state: TableState | undefined;
  readonly before: number;
}

/**
 * The tables as they were at `start`, found out from what they are now: they are read, and the binlog from there to now is searched for statements. A table
 * that no statement names is what it was. One that was altered in between is not known until the last of these statements, and known behind it.
 * No lock is taken; a table that is altered while it is read is read again.
 *
 * @param only these tables; all of all databases when it is absent.
 * @throws TaplineError of the source; SCHEMA_ALTERED_MEANWHILE when tables are altered faster than they can be read.
 */
export async function statesAt(start: BinlogStart, parts: StatesParts, only?: readonly TableName[]): Promise<StatesAt> {
  const { source, signal } = parts;
  const names = new Names(source.info.lowerCaseTableNames !== 0);
  await using connection = await connect(source.address, signal);
  await using scan = await StatementScan.open(start, parts);
  const found = new Map<string, Found>();
  let databases: readonly DatabaseChange[] = [];
  let wanted = only === undefined ? undefined : new Set(only.map((table) => names.key(table)));
  for (let reads = 0; wanted === undefined || wanted.size > 0; reads++) {
    const filter = names.filter(wanted);
    const read = await readOnce(connection, scan, filter, {
      settleMs: reads === 0 ? SETTLE_MS : AGAIN_SETTLE_MS,
      signal,
    });
    if (reads === 0) databases = read.databases;
    const states = new Map(read.states.map((state) => [names.key(state), state]));
    const seen = scan.statements.flatMap(({ touch }) =>
      touch.tables.filter(({ database, name }) => filter.matches(database, name)).map((table) => names.key(table)),
    );
    const altered = scan.statements.slice(read.before);
    const again = new Set<string>();
    for (const key of new Set([...states.keys(), ...seen, ...(wanted ?? [])])) {
      if (altered.some((statement) => names.touches(statement, key))) again.add(key);
      else found.set(key, { state: states.get(key), before: read.before });
    }
    if (reads >= READS && again.size > 0) throw alteredMeanwhile([...again][0] as string, source);
    wanted = again;
  }
  return { databases, ...settle(found, scan.statements, names) };
}

interface Read {
  readonly databases: readonly DatabaseChange[];
  readonly states: readonly TableState[];
  /** So many statements came before it. */
  readonly before: number;
}

async function readOnce(
  connection: MysqlConnection,
  scan: StatementScan,
  filter: Parameters<typeof readSchemaState>[1],
  { settleMs, signal }: { readonly settleMs: number; readonly signal: AbortSignal },
): Promise<Read> {
  await scan.upTo(await readBinlogEnd(connection, signal));
  const before = scan.statements.length;
  await sleep(settleMs, signal);
  const { databases, tables } = await readSchemaState(connection, filter, signal);
  await sleep(settleMs, signal);
  await scan.upTo(await readBinlogEnd(connection, signal));
  return { databases, states: tables, before };
}

function settle(
  found: ReadonlyMap<string, Found>,
  statements: readonly ScannedStatement[],
  names: Names,
): Pick<StatesAt, 'states' | 'later'> {
  const states: TableState[] = [];
  const later: LaterState[] = [];
  for (const [key, { state, before }] of found) {
    const touching = statements.slice(0, before).filter((statement) => names.touches(statement, key));
    const [first, last] = [touching[0], touching.at(-1)];
    if (first === undefined || last === undefined) {
      if (state !== undefined) states.push(state);
      continue;
    }
    // Statements tell more than the source's catalogue, which shows `?` for characters beyond the basic plane in members.
    const { creates } = first.touch;
    if (creates !== undefined && names.key(creates) === key) continue;
    const table = state === undefined ? names.split(key) : { database: state.database, name: state.name };
    later.push({ ...table, at: last.at, state: state ?? null });
    states.push(unknownState(table, UNKNOWN));
  }
  return { states, later };
}

const UNKNOWN =
  'The table was altered between this place of the binlog and the moment at which the schema history was begun: what it was here, nobody can tell any more.';

/** Names of tables as keys, in the way in which the server compares them. */
class Names {
  readonly #folds: boolean;

  constructor(folds: boolean) {
    this.#folds = folds;
  }

  key({ database, name }: TableName): string {
    return this.#folded(`${database}\0${name}`);
  }

  #folded(text: string): string {
    return this.#folds ? text.toLowerCase() : text;
  }

  split(key: string): TableName {
    const [database = '', name = ''] = key.split('\0');
    return { database, name };
  }

  /** Of these tables; undefined: of all that are not the server's own. */
  filter(wanted: ReadonlySet<string> | undefined): Parameters<typeof readSchemaState>[1] {
    const databases = wanted && new Set([...wanted].map((key) => key.slice(0, key.indexOf('\0'))));
    return {
      mayMatchIn: (database) => !SYSTEM_DATABASES.has(database) && (databases?.has(this.#folded(database)) ?? true),
      matches: (database, name) =>
        !SYSTEM_DATABASES.has(database) && (wanted?.has(this.key({ database, name })) ?? true),
    };
  }

  touches({ touch }: ScannedStatement, key: string): boolean {
    if (touch.tables.some((table) => this.key(table) === key)) return true;
    return touch.database !== undefined && key.startsWith(this.key({ database: touch.database, name: '' }));
  }
}

function alteredMeanwhile(key: string, source: StatesParts['source']): TaplineError {
  const table = key.replace('\0', '.');
  return new TaplineError('SCHEMA_ALTERED_MEANWHILE', {
    message: `The table ${table} was altered each of the ${READS} times that it was read.`,
    place: { table, address: addressText(source.address) },
  });
}
