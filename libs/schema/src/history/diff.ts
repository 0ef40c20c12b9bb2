import type { Key, TableState } from '../ddl/table-state.ts';
import type { Column } from '../table.ts';

/** What changed from one catalogue to another, a line each for people; what belongs to a table stands indented behind it. */
export function diffCatalogs(from: Iterable<TableState>, to: Iterable<TableState>): string[] {
  const before = byName(from);
  const after = byName(to);
  return [...new Set([...before.keys(), ...after.keys()])].toSorted().flatMap((name) => {
    const [old, now] = [before.get(name), after.get(name)];
    if (old === undefined) return [`+ ${name}`];
    if (now === undefined) return [`- ${name}`];
    const lines = diffTables(old, now);
    return lines.length === 0 ? [] : [`~ ${name}`, ...lines.map((line) => `    ${line}`)];
  });
}

/** The same of one table; nothing where they are equal. */
function diffTables(old: TableState, now: TableState): string[] {
  if (old.unread !== now.unread) return [`~ ${knowledge(old)} → ${knowledge(now)}`];
  return [
    ...diffParts('column', old.columns, now.columns, columnText),
    ...diffOrder(old.columns, now.columns),
    ...diffParts('key', old.keys, now.keys, keyText),
  ];
}

/** As in CREATE TABLE. */
export function columnText(column: Column): string {
  const text = column.charset === undefined ? '' : ` CHARACTER SET ${column.charset} COLLATE ${column.collation}`;
  return `${column.name} ${column.columnType}${text}${column.nullable ? '' : ' NOT NULL'}`;
}

export function keyText({ kind, name, parts }: Key): string {
  const columns = parts.map(
    ({ column, prefix }) => `${column ?? '(expression)'}${prefix === undefined ? '' : `(${prefix})`}`,
  );
  return `${name}${kind === 'unique' ? ' UNIQUE' : ''} (${columns.join(', ')})`;
}

function byName(states: Iterable<TableState>): Map<string, TableState> {
  return new Map([...states].map((state) => [`${state.database}.${state.name}`, state]));
}

function knowledge({ unread }: TableState): string {
  return unread === undefined ? 'known' : `not known: ${unread}`;
}

function diffParts<T extends { readonly name: string }>(
  what: string,
  old: readonly T[],
  now: readonly T[],
  textOf: (part: T) => string,
): string[] {
  const before = new Map(old.map((part) => [part.name, textOf(part)]));
  const after = new Map(now.map((part) => [part.name, textOf(part)]));
  return [
    ...[...before].filter(([name]) => !after.has(name)).map(([, text]) => `- ${what} ${text}`),
    ...[...after].flatMap(([name, text]) => {
      const was = before.get(name);
      if (was === undefined) return [`+ ${what} ${text}`];
      return was === text ? [] : [`~ ${what} ${was} → ${text}`];
    }),
  ];
}

function diffOrder(old: readonly Column[], now: readonly Column[]): string[] {
  const shared = (columns: readonly Column[], others: readonly Column[]): string =>
    columns.flatMap(({ name }) => (others.some((other) => other.name === name) ? [name] : [])).join(', ');
  const [before, after] = [shared(old, now), shared(now, old)];
  return before === after ? [] : [`~ order ${before} → ${after}`];
}
