import { TaplineError } from '@tapline/kernel';
import type { Change, Row, Value } from '@tapline/sink';
import { compileTemplate, type Template } from '../../naming/template.ts';
import { textOf } from '../../naming/values.ts';
import type { DocumentConfig } from './config.ts';

/** A table's place in the document. */
export interface Join {
  readonly kind: 'many' | 'one';
  readonly as: string;
  readonly table: string;
  /** Columns that refer, and the key columns that they refer to, in the same order. */
  readonly from: readonly string[];
  readonly to: readonly string[];
  /** Columns that the document has; undefined: all. */
  readonly include: ReadonlySet<string> | undefined;
}

export type Role = { readonly kind: 'root' } | Join;

/** Whether the table behind a change has a column of this name: what a row lacks is then NULL, and else a mistake. */
export type HasColumn = (column: string) => boolean;

const ROOT: Role = { kind: 'root' };
/** A topic and a key are all that a template of key columns looks at. */
const ANY: Omit<Change, 'key'> = {
  topic: '',
  op: 'r',
  before: null,
  after: null,
  source: null,
  absent: null,
  version: 0n,
  tombstone: false,
};

/** Which table is what in the document, and which rows belong together. */
export class Joins {
  readonly many: readonly Join[];
  readonly one: readonly Join[];
  readonly #id: Template;
  readonly #byTable = new Map<string, readonly Role[]>();
  readonly #byTopic = new Map<string, readonly Role[]>();

  constructor({ root, many, one }: Pick<DocumentConfig, 'root' | 'many' | 'one'>, id: string) {
    this.#id = compileTemplate(id, { path: 'sink.id', row: false, nullText: '' });
    this.many = many.map((join) => joinOf('many', join));
    this.one = one.map((join) => joinOf('one', join));
    this.#add(root, ROOT);
    for (const join of [...this.many, ...this.one]) this.#add(join.table, join);
  }

  /** What the change's table is in the document; it may be several things. @throws TaplineError SINK_SEARCH_DOCUMENT: none. */
  rolesOf({ topic, source }: Change): readonly Role[] {
    const known = this.#byTopic.get(topic);
    if (known !== undefined) return known;
    const table = source === null ? topic.slice(topic.indexOf('.') + 1) : `${source.db}.${source.table}`;
    const roles = this.#byTable.get(table);
    if (roles === undefined) {
      throw mismatch(topic, `its table ${table} has no part in it; ${[...this.#byTable.keys()].join(', ')} have`);
    }
    this.#byTopic.set(topic, roles);
    return roles;
  }

  /** Id of the document of a root row. */
  idOf(change: Change): string {
    for (const { to, as } of this.many) requireKey(change, to, `sink.document.many, ${as}`);
    return this.#id(change);
  }

  /** Id of the document that a row of a `many` table belongs to; undefined: to none. */
  parentOf({ from, to }: Join, change: Change, row: Row, has: HasColumn): string | undefined {
    const key: Record<string, Value> = {};
    for (const [at, column] of from.entries()) {
      const value = valueOf(row, column, change, has);
      if (value === null) return undefined;
      key[to[at] as string] = value;
    }
    return this.#id({ ...ANY, key });
  }

  /** What a root row refers to, by member of the document; null: to nothing. */
  referencesOf(change: Change, row: Row, has: HasColumn): Readonly<Record<string, string | null>> {
    const references: Record<string, string | null> = {};
    for (const { as, from } of this.one) {
      const values = from.map((column) => valueOf(row, column, change, has));
      references[as] = values.includes(null) ? null : joined(values as NonNullable<Value>[]);
    }
    return references;
  }

  #add(table: string, role: Role): void {
    this.#byTable.set(table, [...(this.#byTable.get(table) ?? []), role]);
  }
}

/** The key of a looked-up row, as `referencesOf` writes it. */
export function referenceTo({ to, as }: Join, change: Change): string {
  const key = requireKey(change, to, `sink.document.one, ${as}`);
  return joined(to.map((column) => key[column] as NonNullable<Value>));
}

function joinOf(kind: Join['kind'], { table, on, as, include }: DocumentConfig['many'][number]): Join {
  const columns = include.length === 0 ? undefined : new Set(include);
  return { kind, table, as, from: Object.keys(on), to: Object.values(on), include: columns };
}

/** Columns of the key and no others: with fewer, several rows would be one. */
function requireKey(change: Change, columns: readonly string[], path: string): Row {
  const { key, topic } = change;
  if (key !== null && Object.keys(key).length === columns.length && columns.every((column) => column in key))
    return key;
  const has = key === null ? 'none' : Object.keys(key).join(', ');
  throw mismatch(topic, `${path} refers to the key columns ${columns.join(', ')}, and its records have ${has}`);
}

function valueOf(row: Row, column: string, { topic }: Change, has: HasColumn): Value {
  const value = row[column];
  if (value !== undefined) return value;
  if (has(column)) return null;
  throw mismatch(topic, `its rows have no column ${column}, by which they are joined`);
}

function joined(values: readonly NonNullable<Value>[]): string {
  const texts = values.map(textOf);
  if (texts.length === 1) return texts[0] as string;
  return texts.map((text) => text.replaceAll('%', '%25').replaceAll(':', '%3A')).join(':');
}

function mismatch(topic: string, problem: string): TaplineError {
  return new TaplineError('SINK_SEARCH_DOCUMENT', {
    message: `Topic ${topic} does not fit sink.document: ${problem}.`,
    place: { topic, path: 'sink.document' },
  });
}
