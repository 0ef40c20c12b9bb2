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

export interface RoutesOptions {
  readonly source: string;
  readonly flavor: Flavor;
  /** The table as the metadata in the binlog describes it. */
  describe(layout: TableMap): Table;
  readonly keys: TableKeys;
  readonly registry: Pick<Registry, 'idFor'>;
  /** Makes the topic when it is not there. */
  openTopic(topic: string, of: { readonly table: string; readonly append: boolean }): Promise<TopicLanes>;
}

/**
 * The routes of all tables, one for each layout that the binlog shows, opened when its first rows come. The rows are encoded by the
 * description that stands in front of them in the binlog, never by what the source says of the table now: that may be another table
 * by the time its rows are read. The schema history of part 3 gives the same where the metadata is MINIMAL.
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
    const route = await this.#make(this.#options.describe(layout), layout);
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
