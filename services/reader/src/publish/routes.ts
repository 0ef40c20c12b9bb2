import type { Flavor, TableMap } from '@tapline/binlog';
import type { EnvelopeOptions, RowImageMode, TableEnvelope, TextRow } from '@tapline/envelope';
import { TaplineError } from '@tapline/kernel';
import type { Table, TableKeys, TableName } from '@tapline/schema';
import type { MessageForm } from '../history/form-change.ts';
import { Outbox } from '../shape/outbox.ts';
import { RowFilter } from '../shape/row-filter.ts';
import type { Shape } from '../shape/rules.ts';
import { type TopicChoice, topicChoice } from '../shape/topics.ts';
import type { EventHeaders } from './event-headers.ts';
import type { MessageFormat, TableFormat } from './format.ts';
import { TopicLanes } from './topic-lanes.ts';

/** Where the changes of one table in one layout go, and how they are encoded. */
export class Route {
  /** `database.table`. */
  readonly name: string;
  /** No key: every change is kept as it comes. */
  readonly append: boolean;
  readonly envelope: TableEnvelope;
  /** Where records are CloudEvents. */
  readonly headers: EventHeaders | undefined;
  readonly lanes: TopicLanes;
  /** Where not all of the table is published. */
  readonly filter: RowFilter | undefined;
  /** The table is an outbox, which has a filter always: its rows go where they say. */
  readonly outbox: Outbox | undefined;
  /** Other tables write to the topic too. */
  readonly isShared: boolean;
  readonly #keyColumns: readonly string[];
  #transaction = -1;
  #order = 0;

  constructor(options: {
    name: string;
    keyColumns: readonly string[] | undefined;
    format: TableFormat;
    lanes: TopicLanes;
    filter: RowFilter | undefined;
    outbox: Outbox | undefined;
    isShared: boolean;
  }) {
    this.name = options.name;
    this.append = options.keyColumns === undefined;
    this.#keyColumns = options.keyColumns ?? [];
    this.envelope = options.format.envelope;
    this.headers = options.format.headers;
    this.lanes = options.lanes;
    this.filter = options.filter;
    this.outbox = options.outbox;
    this.isShared = options.isShared;
  }

  /** A row with these columns and the key's; the others are absent. */
  partOf(row: TextRow, columns: readonly string[]): TextRow {
    const all = this.envelope.table.columns;
    const kept = new Set([...columns, ...this.#keyColumns]);
    return row.map((value, i) => (kept.has(all[i]?.name ?? '') ? value : undefined));
  }

  /** Changes of its table in the transaction at hand. */
  get changes(): number {
    return this.#order;
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
  /** The table that this layout stands for at this place of the stream, once that is certain. */
  describe(layout: TableMap): Promise<Table>;
  /** The table, described by the source, with what only the history of its schema tells. */
  completed(table: Table): Table;
  /** Which of its topics the changes of the table go to, from 1. */
  topicNumber(table: TableName): number;
  readonly keys: TableKeys;
  readonly shape: Shape;
  readonly rowImage: RowImageMode;
  readonly format: MessageFormat;
  readonly topics: RouteTopics;
}

/** The topic of a table, and whether its records have no key. */
export interface TopicOfTable extends TopicChoice {
  readonly table: string;
  readonly append: boolean;
}

export interface RouteTopics {
  /** Makes the topic when it is not there. */
  open(wanted: TopicOfTable): Promise<TopicLanes>;
  openAll(wanted: readonly TopicOfTable[]): Promise<void>;
}

/** All of a route but what must be asked for. */
interface Draft extends TopicOfTable {
  readonly keyColumns: readonly string[] | undefined;
  readonly layout: TableMap | undefined;
  readonly format: TableFormat;
  readonly filter: RowFilter | undefined;
  readonly outbox: Outbox | undefined;
}

/** Of a table that has no topic of its own. */
const NO_LANES = new TopicLanes({ topic: '', lanes: [], next: [], ends: [] });

const NO_COLUMNS: ReadonlySet<string> = new Set();

/** Tables whose schemas are registered at a time: a registry server should not get thousands of requests at once. */
const REGISTERED_TOGETHER = 64;

/**
 * The routes of all tables, one for each layout that the binlog shows, opened when its first rows come. The rows are encoded by what their table was
 * when they were written (`describe`), never by what the source says of the table now: that may be another table by the time its rows are read.
 */
export class Routes {
  readonly #options: RoutesOptions;
  /** The layouts that have a route, by their table's name in lower case. */
  readonly #layouts = new Map<string, TableMap[]>();
  readonly #loading = new Map<string, Route>();

  constructor(options: RoutesOptions) {
    this.#options = options;
  }

  /** The route of a layout; undefined when it must be opened first. */
  find(layout: TableMap): Route | undefined {
    return layout.kept as Route | undefined;
  }

  /**
   * The table is not any more what it was: its routes are made anew when its next rows come. The same layout may mean other columns then, as it
   * does not name them under binlog_row_metadata=MINIMAL.
   */
  forget(database: string, table: string): void {
    const name = layoutsKey(database, table);
    for (const layout of this.#layouts.get(name) ?? []) layout.kept = undefined;
    this.#layouts.delete(name);
  }

  async open(layout: TableMap): Promise<Route> {
    return await this.#finish(this.#draft(await this.#options.describe(layout), layout));
  }

  /**
   * Opens these layouts together: thousands of tables would else wait for each other's topics and schemas. What fails is left to `open`,
   * which is called when the table's rows come, and fails there.
   */
  async openAhead(layouts: readonly TableMap[]): Promise<void> {
    try {
      const tables = await Promise.all(layouts.map((layout) => this.#options.describe(layout)));
      const drafts = layouts.map((layout, i) => this.#draft(tables[i] as Table, layout));
      await this.#options.topics.openAll(drafts.filter(({ outbox }) => outbox === undefined));
      for (let at = 0; at < drafts.length; at += REGISTERED_TOGETHER) {
        await Promise.all(drafts.slice(at, at + REGISTERED_TOGETHER).map((draft) => this.#finish(draft)));
      }
    } catch {
      // Left to `open`.
    }
  }

  /** Opens the routes of the rows of these tables that are loaded, with what each table is now. */
  async openTables(tables: readonly Table[]): Promise<void> {
    const drafts = tables.map((table) => this.#draft(this.#options.completed(table), undefined));
    await this.#options.topics.openAll(drafts);
    for (const route of await Promise.all(drafts.map((draft) => this.#finish(draft)))) {
      this.#loading.set(route.name, route);
    }
  }

  /** No more of its rows are loaded. */
  closeTable(name: string): void {
    this.#loading.delete(name);
  }

  /** The route of a table that is loaded. @throws TaplineError INTERNAL before `openTables`. */
  ofTable(name: string): Route {
    const route = this.findTable(name);
    if (route !== undefined) return route;
    throw new TaplineError('INTERNAL', { message: 'A row came before its route.', place: { table: name } });
  }

  /** The same; undefined when it is not open: the table is gone. */
  findTable(name: string): Route | undefined {
    return this.#loading.get(name);
  }

  /** The topic of a table, `database.table`. */
  topicOf(name: string): string {
    const { source, shape } = this.#options;
    const dot = name.indexOf('.');
    const table = { database: name.slice(0, dot), name: name.slice(dot + 1) };
    return this.#loading.get(name)?.lanes.topic ?? topicChoice(source, table, shape.destinationOf(table)).topic;
  }

  /** The topics of a table from its first one on, up to the one with this number. */
  topicsOf(table: TableName, number = this.#options.topicNumber(table)): string[] {
    const { source, shape } = this.#options;
    const choice = topicChoice(source, table, shape.destinationOf(table));
    return Array.from({ length: number }, (_, at) => numbered(choice, at + 1).topic);
  }

  /** What messages of the table are made of. Throws as a route of it would. */
  formOf(table: Table): MessageForm {
    const { topic, format } = this.#draft(table, undefined);
    return { topic, ...format.schemas() };
  }

  #draft(table: Table, layout: TableMap | undefined): Draft {
    const { source, flavor, keys, rowImage } = this.#options;
    const keyColumns = keys.columnsOf(table);
    const shape = this.#options.shape.of(table);
    const filter = RowFilter.of(shape, table, { wire: layout, whole: rowImage === 'full', keyColumns });
    const { topics } = this.#options;
    const outbox = shape.outbox && new Outbox(table, { config: shape.outbox, shape, wire: layout, topics });
    const choice = numbered(topicChoice(source, table, shape), this.#options.topicNumber(table));
    const format = this.#options.format.compile({
      source,
      connector: flavor,
      table,
      keyColumns,
      rowImage,
      shapes: shape.columns,
      reads: filter?.columns ?? NO_COLUMNS,
      ...namedForTopic(choice, table),
      ...(layout === undefined ? {} : { wire: layout }),
    });
    const name = `${table.database}.${table.name}`;
    return { ...choice, table: name, append: keyColumns === undefined, keyColumns, layout, format, filter, outbox };
  }

  async #finish(draft: Draft): Promise<Route> {
    const { topic, table, keyColumns, layout, format, filter, outbox } = draft;
    const lanes = outbox === undefined ? await this.#options.topics.open(draft) : NO_LANES;
    if (outbox === undefined) await format.register(topic);
    const isShared = draft.shared !== 'refuse';
    const route = new Route({ name: table, keyColumns, format, lanes, filter, outbox, isShared });
    if (layout !== undefined) this.#keep(layout, route);
    return route;
  }

  #keep(layout: TableMap, route: Route): void {
    layout.kept = route;
    const name = layoutsKey(layout.database, layout.table);
    const layouts = this.#layouts.get(name);
    if (layouts === undefined) this.#layouts.set(name, [layout]);
    else if (!layouts.includes(layout)) layouts.push(layout);
  }
}

/** Two tables that differ only in case may share it: one too many is forgotten then. */
function layoutsKey(database: string, table: string): string {
  return `${database}\0${table}`.toLowerCase();
}

/** The first topic of a table has no number. */
function numbered(choice: TopicChoice, number: number): TopicChoice {
  return number === 1 ? choice : { ...choice, topic: `${choice.topic}.v${number}` };
}

/** What the schemas of a table say where several tables have one topic: they go by the topic's name, and keys may tell the tables apart. */
function namedForTopic({ topic, shared }: TopicChoice, { database, name }: Table): Partial<EnvelopeOptions> {
  if (shared === 'refuse') return {};
  return { namespace: topic, ...(shared === 'tableInKey' ? { tableInKey: `${database}.${name}` } : {}) };
}
