import { quoteName } from '@tapline/mysql';
import type { Row } from '@tapline/sink';
import type { Entry } from './plan.ts';
import { type ColumnSet, type Target, type TargetColumn, VERSION_COLUMN } from './target.ts';

/** How far rows are put together into one statement. */
export interface StatementLimits {
  readonly batchRows: number;
  readonly statementBytes: number;
}

/** Evaluated, it is error 1242, and the server takes the whole statement back: the way to refuse a row from inside of a statement. */
const REFUSE = '(SELECT 1 UNION ALL SELECT 2)';

const VERSION = quoteName(VERSION_COLUMN);

/**
 * Writes the versions, and so locks the rows' places in the table of versions until the transaction ends. Refused as a whole (1242) when one of them is
 * not newer than the one that stands there.
 */
export function claims(target: Target, entries: readonly Entry[], limits: StatementLimits): string[] {
  const head = `INSERT INTO ${target.versions} (${names([...target.key])}, ${VERSION}) VALUES `;
  const held = `${target.versions}.${VERSION}`;
  const given = incoming(target, VERSION);
  const tail = `${onDuplicate(target)} ${VERSION} = IF(${given} > ${held}, ${given}, ${REFUSE})`;
  return joined(
    entries.map(({ item }) => `(${item.key.join(',')},${item.change.version})`),
    { head, tail, ...limits },
  );
}

/**
 * Writes rows that may or may not be there. Refused as a whole when a row would fall on another one by a unique key: 1062 where both are there, 1242 where the
 * server would take that other row for the one to update.
 */
export function upserts(target: Target, rows: readonly Row[], limits: StatementLimits): string[] {
  return [...bySet(target, rows)].flatMap(([set, own]) =>
    joined(
      own.map((row) => tuple(set, row)),
      { head: insertHead(target, set), tail: upsertTail(target, set), ...limits },
    ),
  );
}

/** Writes rows that are not there. */
export function inserts(target: Target, rows: readonly Row[], limits: StatementLimits): string[] {
  return [...bySet(target, rows)].flatMap(([set, own]) =>
    joined(
      own.map((row) => tuple(set, row)),
      { head: insertHead(target, set), tail: '', ...limits },
    ),
  );
}

export function deletes(
  target: Target,
  entries: readonly { readonly item: { readonly key: readonly string[] } }[],
  limits: StatementLimits,
): string[] {
  const head = `DELETE FROM ${target.sql} WHERE ${keyNames(target)} IN (`;
  return joined(
    entries.map(({ item }) => keyTuple(item.key)),
    { head, tail: ')', ...limits },
  );
}

/** Selects the places (in `entries`) of those whose version is not newer than the one that stands. */
export function staleQueries(target: Target, entries: readonly Entry[], limits: StatementLimits): string[] {
  const parts = entries.map(
    ({ item }, at) =>
      `SELECT ${at} FROM ${target.versions} WHERE ${rowCondition(target, item.key)} AND ${VERSION} >= ${item.change.version}`,
  );
  // The server optimises each part on its own.
  return joined(parts, { head: '', tail: '', separator: ' UNION ALL ', ...limits, batchRows: 100 });
}

/** One row's statements, for when it has to be looked at alone. */
export const single = {
  /** Makes a place for the row's version when there is none, and locks it. */
  lock: (target: Target, key: readonly string[]): string =>
    `INSERT INTO ${target.versions} (${names(target.key)}, ${VERSION}) VALUES (${key.join(',')},0) ON DUPLICATE KEY UPDATE ${VERSION} = ${target.versions}.${VERSION}`,
  version: (target: Target, key: readonly string[]): string =>
    `SELECT ${VERSION} FROM ${target.versions} WHERE ${rowCondition(target, key)}`,
  setVersion: (target: Target, key: readonly string[], version: bigint): string =>
    `UPDATE ${target.versions} SET ${VERSION} = ${version} WHERE ${rowCondition(target, key)}`,
  present: (target: Target, key: readonly string[]): string =>
    `SELECT 1 FROM ${target.sql} WHERE ${rowCondition(target, key)} FOR UPDATE`,
  insert: (target: Target, row: Row): string => {
    const set = target.sets.of(row);
    return insertHead(target, set) + tuple(set, row);
  },
  update: (target: Target, key: readonly string[], row: Row): string =>
    `UPDATE ${target.sql} SET ${assignments(target, row)} WHERE ${rowCondition(target, key)}`,
  noMembers: (target: Target, key: readonly string[], columns: readonly TargetColumn[]): string =>
    `UPDATE ${target.sql} SET ${columns.map(({ quoted }) => `${quoted}=0`).join(',')} WHERE ${rowCondition(target, key)}`,
  delete: (target: Target, key: readonly string[]): string =>
    `DELETE FROM ${target.sql} WHERE ${rowCondition(target, key)}`,
  /** The version (NULL: nobody knows) of the other row that holds these unique values. */
  holder: (target: Target, key: readonly string[], unique: readonly TargetColumn[], row: Row): string => {
    const same = target.key.map(({ quoted }) => `v.${quoted} = t.${quoted}`).join(' AND ');
    return `SELECT v.${VERSION} FROM ${target.sql} t LEFT JOIN ${target.versions} v ON ${same} WHERE ${held(target, key, unique, row, 't.')} FOR UPDATE`;
  },
  evict: (target: Target, key: readonly string[], unique: readonly TargetColumn[], row: Row): string =>
    `DELETE FROM ${target.sql} WHERE ${held(target, key, unique, row, '')}`,
};

/** Statements for rows that nothing but all of their values names. */
export const keyless = {
  update: (target: Target, before: Row, after: Row): string =>
    `UPDATE ${target.sql} SET ${assignments(target, after)} WHERE ${sameRow(target, before)} LIMIT 1`,
  delete: (target: Target, before: Row): string => `DELETE FROM ${target.sql} WHERE ${sameRow(target, before)} LIMIT 1`,
};

function assignments(target: Target, row: Row): string {
  return target.sets
    .of(row)
    .columns.map(({ name, quoted, literal }) => `${quoted}=${literal(row[name] ?? null)}`)
    .join(',');
}

function sameRow(target: Target, row: Row): string {
  const { columns } = target.sets.of(row);
  return columns.map(({ name, same }) => same(row[name] ?? null)).join(' AND ');
}

/** Rows other than the one of `key` that have the unique values of `row`. */
function held(
  target: Target,
  key: readonly string[],
  unique: readonly TargetColumn[],
  row: Row,
  prefix: string,
): string {
  const values = unique.map(({ name, quoted, literal }) => `${prefix}${quoted} = ${literal(row[name] ?? null)}`);
  const own = target.key.map(({ quoted }, at) => `${prefix}${quoted} = ${key[at]}`);
  return `${values.join(' AND ')} AND NOT (${own.join(' AND ')})`;
}

function bySet(target: Target, rows: readonly Row[]): Map<ColumnSet, Row[]> {
  const sets = new Map<ColumnSet, Row[]>();
  for (const row of rows) {
    const set = target.sets.of(row);
    const own = sets.get(set);
    if (own === undefined) sets.set(set, [row]);
    else own.push(row);
  }
  return sets;
}

function tuple({ columns }: ColumnSet, row: Row): string {
  let text = '(';
  for (let at = 0; at < columns.length; at++) {
    const { name, literal } = columns[at] as TargetColumn;
    text += at === 0 ? literal(row[name] ?? null) : `,${literal(row[name] ?? null)}`;
  }
  return `${text})`;
}

export function insertHead(target: Target, { columns }: ColumnSet): string {
  return `INSERT INTO ${target.sql} (${names(columns)}) VALUES `;
}

export function upsertTail(target: Target, { columns }: ColumnSet): string {
  const [first, ...others] = target.key;
  const same = target.key.map(({ quoted }) => `${target.sql}.${quoted} = ${incoming(target, quoted)}`).join(' AND ');
  const guard = `${first?.quoted} = IF(${same}, ${incoming(target, first?.quoted ?? '')}, ${REFUSE})`;
  const rest = [...others, ...columns.filter((column) => !target.key.includes(column))];
  return `${onDuplicate(target)} ${[guard, ...rest.map(({ quoted }) => `${quoted} = ${incoming(target, quoted)}`)].join(', ')}`;
}

function onDuplicate({ dialect }: Target): string {
  return dialect.rowAlias ? ' AS incoming ON DUPLICATE KEY UPDATE' : ' ON DUPLICATE KEY UPDATE';
}

/** The value that the INSERT brings for a column. */
function incoming({ dialect }: Target, column: string): string {
  return dialect.rowAlias ? `incoming.${column}` : `VALUES(${column})`;
}

function names(columns: readonly TargetColumn[]): string {
  return columns.map(({ quoted }) => quoted).join(',');
}

function keyNames(target: Target): string {
  return target.key.length === 1 ? names(target.key) : `(${names(target.key)})`;
}

function keyTuple(key: readonly string[]): string {
  return key.length === 1 ? (key[0] as string) : `(${key.join(',')})`;
}

function rowCondition(target: Target, key: readonly string[]): string {
  return target.key.map(({ quoted }, at) => `${quoted} = ${key[at]}`).join(' AND ');
}

/** As few statements as the limits allow; one part always fits. */
function joined(
  parts: readonly string[],
  {
    head,
    tail,
    separator = ',',
    batchRows,
    statementBytes,
  }: StatementLimits & { head: string; tail: string; separator?: string },
): string[] {
  const statements: string[] = [];
  let body = '';
  let rows = 0;
  for (const part of parts) {
    if (rows > 0 && (rows === batchRows || body.length + part.length > statementBytes)) {
      statements.push(head + body + tail);
      body = '';
      rows = 0;
    }
    body = rows === 0 ? part : body + separator + part;
    rows++;
  }
  if (rows > 0) statements.push(head + body + tail);
  return statements;
}
