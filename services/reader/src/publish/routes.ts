import type { Flavor, TableMap } from '@tapline/binlog';
import { compileEnvelope, type TableEnvelope } from '@tapline/envelope';
import { TaplineError } from '@tapline/kernel';
import type { Registry } from '@tapline/registry';
import type { Table, TableKeys } from '@tapline/schema';
import type { TopicLanes } from './topic-lanes.ts';

/** Where the changes of one table in one layout go, and how they are encoded. */
export class Route {
  /** `database.table`. */
  readonly name: string;
  /** No key: every change is kept as it comes. */
  readonly append: boolean;
  readonly envelope: TableEnvelope;
  readonly lanes: TopicLanes;
  #transaction = -1;
  #order = 0;

  constructor(options: { name: string; append: boolean; envelope: TableEnvelope; lanes: TopicLanes }) {
    this.name = options.name;
    this.append = options.append;
    this.envelope = options.envelope;
    this.lanes = options.lanes;
  }

  /** The number of the next change among those of its table in the transaction with this number, from 1. */
  nextOrder(transaction: number): number {
    if (transaction !== this.#transaction) {
      this.#transaction = transaction;
      this.#order = 0;
    }
    return ++this.#order;
  }
}

/** The tables of the source as they are now. */
export interface TableCatalog {
  /** As last read; undefined when it was not there. */
  get(database: string, table: string): Table | undefined;
  /** Reads it again. */
  refresh(database: string, table: string): Promise<Table | undefined>;
}

export interface RoutesOptions {
  readonly source: string;
  readonly flavor: Flavor;
  readonly catalog: TableCatalog;
  readonly keys: TableKeys;
  readonly registry: Pick<Registry, 'idFor'>;
  /** Makes the topic when it is not there. */
  openTopic(topic: string, of: { readonly table: string; readonly append: boolean }): Promise<TopicLanes>;
}

/**
 * The routes of all tables, one for each layout that the binlog shows. A layout is opened when its first rows come: its description is
 * read from the source and compared with what the binlog says of the columns (binlog_row_metadata = FULL), so a
 * description that is not that of the row's time is noticed and never used. The schema history of part 3 replaces the reading.
 */
export class Routes {
  readonly #options: RoutesOptions;
  readonly #byLayout = new Map<TableMap, Route>();
  readonly #loading = new Map<string, Route>();

  constructor(options: RoutesOptions) {
    this.#options = options;
  }

  /** The route of a layout; undefined when it must be opened first. */
  find(layout: TableMap): Route | undefined {
    return this.#byLayout.get(layout);
  }

  async open(layout: TableMap): Promise<Route> {
    const { catalog } = this.#options;
    const { database, table: name } = layout;
    let table = catalog.get(database, name);
    let route = table === undefined ? undefined : await this.#tryOpen(table, layout);
    if (route === undefined) {
      table = await catalog.refresh(database, name);
      if (table === undefined) throw goneError(layout);
      route = await this.#make(table, layout);
    }
    this.#byLayout.set(layout, route);
    return route;
  }

  /** The route of a table's rows in the first load. */
  async openTable(table: Table): Promise<Route> {
    const route = await this.#make(table, undefined);
    this.#loading.set(route.name, route);
    return route;
  }

  /** @throws TaplineError INTERNAL before `openTable`. */
  ofTable(name: string): Route {
    const route = this.#loading.get(name);
    if (route !== undefined) return route;
    throw new TaplineError('INTERNAL', { message: 'A row came before its route.', place: { table: name } });
  }

  /** undefined when the description does not fit the layout: it may be an old one. */
  async #tryOpen(table: Table, layout: TableMap): Promise<Route | undefined> {
    try {
      return await this.#make(table, layout);
    } catch (error) {
      if (error instanceof TaplineError && error.code === 'SCHEMA_MISMATCH') return undefined;
      throw error;
    }
  }

  async #make(table: Table, layout: TableMap | undefined): Promise<Route> {
    const { source, flavor, keys, registry } = this.#options;
    const name = `${table.database}.${table.name}`;
    const keyColumns = keys.columnsOf(table);
    const envelope = compileEnvelope({
      source,
      connector: flavor,
      table,
      keyColumns,
      ...(layout === undefined ? {} : { wire: layout }),
    });
    const topic = topicOf(source, table);
    const append = keyColumns === undefined;
    const lanes = await this.#options.openTopic(topic, { table: name, append });
    const value = await registry.idFor(`${topic}-value`, envelope.valueSchema);
    if (envelope.keySchema === undefined) envelope.bind({ value });
    else envelope.bind({ key: await registry.idFor(`${topic}-key`, envelope.keySchema), value });
    return new Route({ name, append, envelope, lanes });
  }
}

/** `<source>.<database>.<table>`; what Kafka does not allow in a topic's name becomes `_`. */
export function topicOf(source: string, table: { readonly database: string; readonly name: string }): string {
  return `${source}.${table.database}.${table.name}`.replaceAll(/[^A-Za-z0-9._-]/g, '_');
}

function goneError(layout: TableMap): TaplineError {
  const name = `${layout.database}.${layout.table}`;
  return new TaplineError('SCHEMA_TABLE_GONE', {
    message: `The binlog has changes of ${name}, but the source has no such table any more, so its columns cannot be described.`,
    place: { table: name },
  });
}
