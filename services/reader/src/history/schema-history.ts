import type { BinlogPosition, StatementEvent } from '@tapline/binlog';
import { type Logger, TaplineError } from '@tapline/kernel';
import {
  applyChanges,
  type Barrier,
  type Catalog,
  type DatabaseChange,
  type Ddl,
  type DdlDialect,
  type DdlRecord,
  databaseOfDdl,
  dialectOf,
  type HistoryPlace,
  type HistoryView,
  hashOfSql,
  keptSql,
  type LaterState,
  readDdl,
  type StateChange,
  stateChanges,
  type TableName,
  type TableState,
  tableKey,
} from '@tapline/schema';
import type { SourceDialect } from './dialect.ts';
import type { FormChange, FormVerdict } from './form-change.ts';
import type { HistoryTopic } from './history-topic.ts';
import type { StatesAt } from './states-at.ts';

export interface SchemaHistoryOptions {
  readonly view: HistoryView;
  readonly dialect: SourceDialect;
  readonly topic: Pick<HistoryTopic, 'append' | 'durable'>;
  readonly isCaptured: (database: string, table: string) => boolean;
  /** What these tables are behind the statement, asked of the source. */
  readonly statesBehind: (event: StatementEvent, tables: readonly TableName[]) => Promise<StatesAt>;
  /** Told of what a statement made of a captured table, before that is written: what it throws stops the reader in front of it. */
  readonly approve: (change: FormChange) => FormVerdict;
  /** Where captured tables are in their topics in front of what comes behind a statement that makes these changes. */
  readonly barrierOf: (changes: readonly StateChange[]) => Barrier;
  /** Whether writers leave the statement alone: it has no barrier then. */
  readonly isPassedOver: (sql: string) => boolean;
  /** Told of every table that is not any more what it was. */
  readonly altered: (table: TableName) => void;
  readonly log: Logger;
}

/**
 * The tables of the source as they are at the place of the stream. Statements are applied as the stream meets them; each that changes something is written
 * to the history topic, and no row of a table it changed is published before that is acknowledged (`durable`).
 *
 * A replay meets statements again that stand in the topic already. Which ones, is counted, as changes are: the statement that changes the catalogue next
 * after version n *is* version n + 1, whatever server it comes from and wherever in that server's files it stands. It is compared, never
 * searched for; what was made of it then is taken over, so that an answer that the source gave of its tables then need not be had again.
 */
export class SchemaHistory {
  readonly catalog: Catalog;
  readonly #options: SchemaHistoryOptions;
  #version: number;
  /** Versions that a life before this one has written and this one has not met yet. */
  readonly #known: DdlRecord[];
  /** What the tables are, and those that are gone last were. */
  readonly #forms = new Map<string, TableState>();
  readonly #later = new Map<string, LaterState[]>();
  /** The number of its topic, by table. */
  readonly #topics: Map<string, number>;
  /** Tables that got another topic since somebody asked. */
  #renewed: TableName[] = [];
  /** Captured tables that were altered since somebody asked. */
  #changed: TableName[] = [];

  constructor(options: SchemaHistoryOptions) {
    this.#options = options;
    this.catalog = options.view.catalog;
    this.#version = options.view.version;
    this.#known = [...options.view.beyond];
    this.#topics = new Map(options.view.topics);
    for (const state of options.view.later) this.#expect(state);
    for (const state of [...options.view.gone, ...this.catalog.tables()]) this.#forms.set(tableKey(state), state);
  }

  /** Of what has been applied. */
  get version(): number {
    return this.#version;
  }

  /** Captured tables that were altered since this was asked last. */
  changed(): readonly TableName[] {
    if (this.#changed.length === 0) return NONE;
    return this.#changed.splice(0);
  }

  /** Which of its topics the changes of the table go to, from 1. */
  topicNumber(table: TableName): number {
    return this.#topics.get(tableKey(table)) ?? 1;
  }

  /** Tables that have got another topic since this was asked last. */
  renewed(): readonly TableName[] {
    if (this.#renewed.length === 0) return NONE;
    return this.#renewed.splice(0);
  }

  /** Resolves when every version so far is acknowledged; undefined when it is. */
  durable(): Promise<void> | undefined {
    return this.#options.topic.durable();
  }

  /**
   * Takes the next statement of the stream. A promise when the source must be asked, or when there is no room in the producer's buffer.
   *
   * @throws TaplineError SCHEMA_HISTORY_MISMATCH when it is not the one that the history has next; SCHEMA_DDL_UNREAD when nobody can tell which tables it changes.
   */
  statement(event: StatementEvent): Promise<void> | undefined {
    const { dialect } = this.#options;
    const known = this.#known[0];
    if (known !== undefined && isSame(known, event)) {
      this.#known.shift();
      this.#takeOver(known);
      return undefined;
    }
    const sessionDialect = dialectOf(dialect.server, event.session);
    const ddl = readDdl(event.sql, event.database, sessionDialect);
    const later = this.#take(event);
    if (ddl === undefined && later.length === 0) return undefined;
    if (ddl?.kind === 'unread' && ddl.tables.length === 0) this.#refuseNameless(ddl, event);
    const draft = this.#apply(ddl, sessionDialect);
    for (const change of later) applyLater(this.catalog, draft, change);
    if (draft.changes.length === 0 && draft.databases.length === 0) return undefined;
    if (known !== undefined) throw mismatch(known, event);
    const unread = draft.changes.filter(
      ({ state, ...table }) => state?.unread !== undefined && !draft.known.has(state.unread) && this.#isCaptured(table),
    );
    return unread.length === 0 ? this.#write(draft, event) : this.#ask(draft, event, unread);
  }

  #apply(ddl: Ddl | undefined, dialect: DdlDialect): Draft {
    const named = ddl && databaseOfDdl(ddl);
    const textBefore = named === undefined ? undefined : this.#textOf(named);
    const changes = ddl === undefined ? [] : this.catalog.apply(ddl, dialect);
    const known = new Set(changes.flatMap(({ before }) => before?.unread ?? []));
    const textAfter = named === undefined ? undefined : this.#textOf(named);
    const isChanged = textAfter?.charset !== textBefore?.charset || textAfter?.collation !== textBefore?.collation;
    const databases = named === undefined || !isChanged ? [] : [{ name: named, text: textAfter ?? null }];
    return { databases, changes: stateChanges(changes), later: [], known };
  }

  /** A statement changed captured tables in a way that it does not tell: the source may. */
  async #ask(draft: Draft, event: StatementEvent, unread: readonly StateChange[]): Promise<void> {
    const { log } = this.#options;
    const found = await this.#options.statesBehind(event, unread);
    for (const { database, name, state } of unread) {
      const now = found.states.find((candidate) => candidate.database === database && candidate.name === name);
      const isExact = now !== undefined && now.unread === undefined;
      if (isExact) applyLater(this.catalog, draft, { database, name, state: now });
      log.warn(
        isExact
          ? 'what a statement made of a table was taken from the source, because the statement does not tell'
          : 'what a statement made of a table is not known: the source has altered the table again since',
        { table: `${database}.${name}`, place: placeText(event), why: state?.unread },
      );
    }
    draft.later.push(...found.later);
    for (const state of found.later) this.#expect(state);
    await this.#write(draft, event);
  }

  #write(draft: Draft, event: StatementEvent): Promise<void> | undefined {
    const { databases, later } = draft;
    const changes = draft.changes.map((change) => this.#approve(change, placeText(event)));
    this.#version++;
    const room = this.#options.topic.append({
      kind: 'ddl',
      version: this.#version,
      at: placeOf(event),
      commitMicros: String(event.commitMicros),
      database: event.database,
      session: event.session,
      sql: keptSql(event.sql),
      sqlHash: hashOfSql(event.sql),
      databases,
      changes,
      later,
      ...(this.#options.isPassedOver(event.sql) ? {} : this.#barrier(changes)),
    });
    this.#tell(changes);
    return room;
  }

  #barrier(changes: readonly StateChange[]): Pick<DdlRecord, 'barrier' | 'captured' | 'server'> {
    const captured = changes.filter((change) => this.#isCaptured(change));
    if (captured.length === 0) return {};
    return {
      barrier: this.#options.barrierOf(captured),
      captured: captured.map(({ database, name }) => ({ database, name })),
      server: this.#options.dialect.server,
    };
  }

  /** Compares a table with what last had its name: a table dropped and made anew goes on in the same topic. */
  #approve(change: StateChange, place: string): StateChange {
    const { state: after } = change;
    if (after === null || after.unread !== undefined || !this.#isCaptured(after)) return change;
    const before = this.#forms.get(tableKey(after));
    const verdict = before === undefined ? 'goesOn' : this.#options.approve({ before, after, place });
    this.#forms.set(tableKey(after), after);
    return verdict === 'goesOn' ? change : { ...change, topic: this.topicNumber(after) + 1 };
  }

  #takeOver(record: DdlRecord): void {
    applyChanges(this.catalog, record);
    for (const state of record.later) this.#expect(state);
    this.#later.delete(keyOf(record.at));
    for (const { state } of record.changes) {
      if (state !== null && state.unread === undefined) this.#forms.set(tableKey(state), state);
    }
    this.#version = record.version;
    this.#tell(record.changes);
  }

  #tell(changes: readonly StateChange[]): void {
    for (const change of changes) {
      if (change.topic !== undefined) {
        this.#topics.set(tableKey(change), change.topic);
        this.#renewed.push({ database: change.database, name: change.name });
      }
      this.#options.altered(change);
      if (this.#isCaptured(change)) this.#changed.push({ database: change.database, name: change.name });
    }
  }

  #expect(state: LaterState): void {
    const key = keyOf(state.at);
    const others = this.#later.get(key) ?? [];
    this.#later.set(key, [
      ...others.filter(({ database, name }) => database !== state.database || name !== state.name),
      state,
    ]);
  }

  #take(event: StatementEvent): readonly LaterState[] {
    if (this.#later.size === 0) return [];
    const key = keyOf(placeOf(event));
    const states = this.#later.get(key) ?? [];
    this.#later.delete(key);
    return states;
  }

  #textOf(name: string): DatabaseChange['text'] | undefined {
    for (const database of this.catalog.databases()) if (database.name === name) return database.text;
    return undefined;
  }

  #isCaptured({ database, name }: TableName): boolean {
    return this.#options.isCaptured(database, name);
  }

  /** It changes tables, and does not even tell which. It matters where captured tables are near. */
  #refuseNameless({ error }: Extract<Ddl, { kind: 'unread' }>, event: StatementEvent): void {
    for (const { database, name } of this.catalog.tables()) {
      if (!this.#options.isCaptured(database, name)) continue;
      if (database !== event.database && !event.sql.includes(database)) continue;
      throw new TaplineError('SCHEMA_DDL_UNREAD', {
        message: error.message,
        place: { position: placeText(event), table: `${database}.*` },
        cause: error,
      });
    }
  }
}

const NONE: readonly TableName[] = [];

interface Draft {
  readonly databases: readonly DatabaseChange[];
  readonly changes: StateChange[];
  readonly later: LaterState[];
  /** Marks (`unread`) that tables had before the statement. */
  readonly known: ReadonlySet<string>;
}

/** Puts what is known of a table over what a statement seems to have made of it. */
function applyLater(catalog: Catalog, draft: Draft, { database, name, state }: StateChange): void {
  const change = { database, name, state };
  applyChanges(catalog, { databases: [], changes: [change] });
  const at = draft.changes.findIndex((other) => other.database === database && other.name === name);
  if (at < 0) draft.changes.push(change);
  else draft.changes[at] = change;
}

function placeOf({ gtid, position }: StatementEvent): HistoryPlace {
  return { gtid, file: position.file, position: position.position };
}

function keyOf({ gtid, file, position }: HistoryPlace): string {
  return gtid === '' ? `${file}:${position}` : gtid;
}

/** For people. */
export function placeText({ gtid, position }: { readonly gtid: string; readonly position: BinlogPosition }): string {
  const place = `${position.file}:${position.position}`;
  return gtid === '' ? place : `${gtid} (${place})`;
}

function isSame(record: DdlRecord, event: StatementEvent): boolean {
  const { gtid } = record.at;
  if (gtid !== '' && event.gtid !== '' && gtid !== event.gtid) return false;
  return record.database === event.database && record.sqlHash === hashOfSql(event.sql);
}

function mismatch(record: DdlRecord, event: StatementEvent): TaplineError {
  const begin = (sql: string): string => keptSql(sql).replaceAll(/\s+/g, ' ').slice(0, 200);
  const was = placeText({ gtid: record.at.gtid, position: record.at });
  return new TaplineError('SCHEMA_HISTORY_MISMATCH', {
    message: `The schema history has, as its version ${record.version}, "${begin(record.sql)}" (${was}), and the binlog has "${begin(event.sql)}" there.`,
    place: { position: placeText(event) },
  });
}
