import { GtidSet } from '../gtid-set.ts';
import { MariadbPosition } from '../mariadb-position.ts';
import type { BinlogEvent, BinlogStream, RowImage, RowsEvent, TableMap } from '../types.ts';
import { valueText } from './value-text.ts';

export type RowValues = readonly (string | null | undefined)[];

/** A row change with its values kept, unlike the images they came from. */
export interface Change {
  readonly op: RowsEvent['op'];
  readonly table: TableMap;
  readonly before: RowValues;
  readonly after: RowValues;
}

type Begin = Extract<BinlogEvent, { kind: 'begin' }>;

export interface Collected {
  readonly changes: Change[];
  readonly statements: Extract<BinlogEvent, { kind: 'statement' }>[];
  readonly begins: Begin[];
  /** Those of them that came with rows. Only a test's own rows are wanted, so these are its own: others write to a server that is shared. */
  readonly withRows: Begin[];
  readonly commits: Extract<BinlogEvent, { kind: 'commit' }>[];
  readonly prepared: Extract<BinlogEvent, { kind: 'prepared' }>[];
  heartbeats: number;
}

export function emptyCollection(): Collected {
  return { changes: [], statements: [], begins: [], withRows: [], commits: [], prepared: [], heartbeats: 0 };
}

export function keepEvent(event: BinlogEvent, into: Collected): void {
  if (event.kind === 'begin') into.begins.push(event);
  else if (event.kind === 'commit') into.commits.push(event);
  else if (event.kind === 'statement') into.statements.push(event);
  else if (event.kind === 'prepared') into.prepared.push(event);
  else if (event.kind === 'heartbeat') into.heartbeats++;
  else {
    const { op, table } = event;
    const begin = into.begins.at(-1);
    if (begin !== undefined && into.withRows.at(-1) !== begin) into.withRows.push(begin);
    while (event.next()) {
      into.changes.push({ op, table, before: values(table, event.before), after: values(table, event.after) });
    }
  }
}

function values(table: TableMap, image: RowImage): RowValues {
  return table.columns.map((column, i) => valueText(column, image, i));
}

/** Pulls until the transactions of `target` (as the server printed it) have come to their end. */
export async function collectUntil(
  stream: BinlogStream,
  target: string,
  flavor: 'mysql' | 'mariadb',
): Promise<Collected> {
  const collected = emptyCollection();
  const [seen, wanted] = flavor === 'mysql' ? mysqlSets(target) : mariadbPositions(target);
  let gtid = '';
  while (!wanted.isEmpty) {
    for (const event of await stream.pull()) {
      keepEvent(event, collected);
      if (event.kind === 'begin') gtid = event.gtid;
      if (event.kind === 'commit') seen.add(gtid);
      if (event.kind === 'statement' && !event.inTransaction) seen.add(event.gtid);
      if (event.kind === 'prepared') seen.add(event.gtid);
    }
    if (seen.includes(wanted as never)) return wholeTransactions(collected);
  }
  return collected;
}

/** The last pull may end within a transaction of somebody else's: the server is shared. */
function wholeTransactions(collected: Collected): Collected {
  if (collected.begins.length === collected.commits.length + 1) collected.begins.pop();
  return collected;
}

function mysqlSets(target: string): [GtidSet, GtidSet] {
  return [new GtidSet(), GtidSet.parse(target)];
}

function mariadbPositions(target: string): [MariadbPosition, MariadbPosition] {
  return [new MariadbPosition(), MariadbPosition.parse(target)];
}
