import { TaplineError } from '@tapline/kernel';
import type { Change, Row, TableCatalog } from '@tapline/sink';
import { compileTemplate, type Template } from '../../naming/template.ts';
import type { Outcome } from '../../outcome.ts';
import type { SearchDialect } from '../client.ts';
import type { ColumnPlan } from '../columns.ts';
import type { SearchConfig } from '../config.ts';
import { KnownTables, requireWhole, type TableDocuments } from '../document.ts';
import type { Indexes } from '../indexes.ts';
import type { DocumentConfig } from './config.ts';
import { lookedPage } from './families.ts';
import type { Part } from './family.ts';
import { type Join, Joins, referenceTo } from './joins.ts';
import type { LookedChange } from './lookups.ts';
import type { Move } from './places.ts';

/** A row of the root table. */
export interface RootChange {
  readonly family: string;
  readonly part: Part;
  /** Of the change in the call. */
  readonly change: number;
}

/** A row in a list. */
export interface ItemChange extends Move {
  readonly as: string;
  readonly key: string;
  readonly row: string | null;
}

/** What the changes of a call say: of each row in a list and of each looked-up row the newest. */
export interface Gathered {
  readonly roots: readonly RootChange[];
  readonly items: readonly ItemChange[];
  readonly looked: readonly LookedChange[];
}

export interface GathererOptions {
  readonly config: SearchConfig;
  readonly document: DocumentConfig;
  readonly dialect: SearchDialect;
  readonly tables: TableCatalog;
  readonly index: string;
  readonly indexes: Indexes;
}

type Columns = ReadonlyMap<string, ColumnPlan>;

/** A change with what is needed to read it. */
interface Given {
  readonly change: Change;
  /** Of the change in the call. */
  readonly index: number;
  readonly row: Row | null;
  readonly documents: TableDocuments;
}

/** Sorts changes by what their tables are in the document, writes their rows as JSON, and gives the index fields for them. */
export class Gatherer {
  readonly #joins: Joins;
  readonly #key: Template = compileTemplate('${key}', { path: 'sink.document', row: false, nullText: '' });
  readonly #tables: KnownTables;
  readonly #index: string;
  readonly #indexes: Indexes;
  /** Columns of tables without those that the document does not have. */
  readonly #included = new WeakMap<Columns, Map<Join, Columns>>();

  constructor({ config, document, dialect, tables, index, indexes }: GathererOptions) {
    this.#joins = new Joins(document, config.id);
    this.#tables = new KnownTables(tables, { types: config.types, dialect });
    this.#index = index;
    this.#indexes = indexes;
  }

  /** A poisoned change is left out, and told to the outcome. @throws TaplineError for what no single change is to blame for. */
  async gather(changes: readonly Change[], outcome: Outcome, signal: AbortSignal): Promise<Gathered> {
    const roots: RootChange[] = [];
    const items = new Map<string, ItemChange>();
    const looked = new Map<string, LookedChange>();
    for (const [index, change] of changes.entries()) {
      try {
        const given = await this.#read(change, index, signal);
        for (const role of this.#joins.rolesOf(change)) {
          if (role.kind === 'root') roots.push(await this.#root(given, signal));
          else if (role.kind === 'many') keepNewest(items, await this.#item(role, given, signal));
          else keepNewest(looked, await this.#lookedRow(role, given, signal));
        }
      } catch (error) {
        if (!(error instanceof TaplineError) || error.disposition !== 'poison') throw error;
        outcome.failed(index, error);
      }
    }
    return { roots, items: [...items.values()], looked: [...looked.values()] };
  }

  async #read(change: Change, index: number, signal: AbortSignal): Promise<Given> {
    const row = change.op === 'd' ? null : change.after;
    if (row !== null) requireWhole(change);
    return { change, index, row, documents: await this.#tables.of(change, signal) };
  }

  async #root(given: Given, signal: AbortSignal): Promise<RootChange> {
    const { change, index, row, documents } = given;
    const family = this.#joins.idOf(change);
    const text = await this.#textOf(given, undefined, signal);
    const has = (column: string): boolean => documents.columns.has(column);
    const references = row === null ? {} : this.#joins.referencesOf(change, row, has);
    return { family, part: { version: change.version, row: text, references }, change: index };
  }

  async #item(join: Join, given: Given, signal: AbortSignal): Promise<ItemChange> {
    const { change, index, row, documents } = given;
    const text = await this.#textOf(given, join, signal);
    const has = (column: string): boolean => documents.columns.has(column);
    const parent = row === null ? undefined : this.#joins.parentOf(join, change, row, has);
    const key = this.#key(change);
    const { as } = join;
    return {
      page: `c:${as}:${key}`,
      as,
      key,
      row: text,
      version: change.version,
      parent: parent ?? null,
      change: index,
    };
  }

  async #lookedRow(join: Join, given: Given, signal: AbortSignal): Promise<LookedChange> {
    const { change, index } = given;
    const row = await this.#textOf(given, join, signal);
    const key = referenceTo(join, change);
    return { page: lookedPage(join.as, key), as: join.as, key, version: change.version, row, change: index };
  }

  /** The row as JSON, with only the columns that the document has of it; the index has fields for them then. */
  async #textOf(
    { change, row, documents }: Given,
    join: Join | undefined,
    signal: AbortSignal,
  ): Promise<string | null> {
    if (row === null) return null;
    const shown = join?.include === undefined ? row : picked(row, join.include);
    const text = documents.write(shown) ?? (await documents.rewrite(change, shown, signal));
    const columns = this.#columnsOf(documents.columns, join);
    if (!this.#indexes.isReady(this.#index, columns)) {
      const under = join === undefined ? undefined : { name: join.as, nested: join.kind === 'many' };
      await this.#indexes.prepare(this.#index, columns, signal, under);
    }
    return text;
  }

  /** The same map for the same table as long as the table is the same. */
  #columnsOf(columns: Columns, join: Join | undefined): Columns {
    if (join === undefined) return columns;
    const known = this.#included.get(columns) ?? new Map<Join, Columns>();
    this.#included.set(columns, known);
    const { include } = join;
    const found = known.get(join) ?? new Map([...columns].filter(([name]) => include?.has(name) ?? true));
    known.set(join, found);
    return found;
  }
}

function keepNewest<T extends { readonly page: string; readonly version: bigint }>(map: Map<string, T>, one: T): void {
  const held = map.get(one.page);
  if (held === undefined || held.version <= one.version) map.set(one.page, one);
}

function picked(row: Row, columns: ReadonlySet<string>): Row {
  return Object.fromEntries(Object.entries(row).filter(([column]) => columns.has(column)));
}
