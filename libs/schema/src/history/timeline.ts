import { TaplineError } from '@tapline/kernel';
import { Catalog, type CatalogOptions } from '../ddl/catalog.ts';
import type { TableName } from '../ddl/cursor.ts';
import type { TableState } from '../ddl/table-state.ts';
import { applyChanges } from './changes.ts';
import type { DdlRecord, HistoryRecord, LaterState, SnapshotBegin } from './record.ts';

/** Where a catalogue stood, and what is known of what comes. */
export interface HistoryView {
  readonly version: number;
  readonly catalog: Catalog;
  readonly later: readonly LaterState[];
  readonly snapshot: SnapshotBegin;
  /** Tables that are gone since the snapshot, as they last were. */
  readonly gone: readonly TableState[];
  /** Of tables that have had several topics: the number of the one they have, by `tableKey`. */
  readonly topics: ReadonlyMap<string, number>;
  /** Statements behind it, of this snapshot. */
  readonly beyond: readonly DdlRecord[];
}

interface Snapshot {
  /** Why what stands behind cannot be relied on. */
  damage?: TaplineError;
  readonly begin: SnapshotBegin;
  readonly records: Extract<HistoryRecord, { kind: 'table' | 'later' }>[];
  readonly statements: DdlRecord[];
  complete: boolean;
}

/** The records of a schema history in their order, to be looked at from any of its versions. */
export class HistoryTimeline {
  readonly #snapshots: Snapshot[] = [];
  /** Columns that many tables share are one object. */
  readonly #shared = new Map<string, unknown>();
  #newest = 0;
  #damage: TaplineError | undefined;

  /** Takes the next record of the topic. */
  add(record: HistoryRecord): void {
    this.#newest = Math.max(this.#newest, record.version);
    if (record.kind === 'snapshot') {
      this.#snapshots.push({ begin: record, records: [], statements: [], complete: false });
      return;
    }
    const snapshot = this.#snapshots.at(-1);
    if (snapshot === undefined) return;
    switch (record.kind) {
      case 'table':
        snapshot.records.push({ ...record, state: this.#compact(record.state) });
        return;
      case 'later':
        snapshot.records.push(record);
        return;
      case 'end':
        snapshot.complete = record.records === snapshot.records.length && record.version === snapshot.begin.version;
        return;
      case 'ddl':
        this.#behind(record).push(record);
    }
  }

  /** The next record of the topic cannot be read, for this reason. A snapshot behind it makes good for it. */
  addDamage(error: TaplineError): void {
    const snapshot = this.#snapshots.at(-1);
    if (snapshot === undefined) this.#damage = error;
    else snapshot.damage ??= error;
  }

  /** The highest version that any record has; 0 when there is none. */
  get newest(): number {
    return this.#newest;
  }

  /** All statements, oldest first. */
  get statements(): readonly DdlRecord[] {
    return this.#complete().flatMap(({ statements }) => statements);
  }

  /**
   * The view of who has come to `version`, which is a higher one when that was replaced.
   *
   * @throws TaplineError SCHEMA_HISTORY_LOST when the history does not have it; SCHEMA_HISTORY_UNREADABLE.
   */
  at(version: number, options: CatalogOptions): HistoryView {
    const replacement = this.#complete().findLast(({ begin }) => begin.replaces === version);
    if (replacement !== undefined) return viewOf(replacement, replacement.begin.version, options);
    const snapshot = this.#complete().findLast(({ begin }) => begin.version <= version);
    const reached =
      snapshot?.statements.findLast((statement) => statement.version <= version)?.version ?? snapshot?.begin.version;
    const damage = snapshot?.damage ?? this.#damage;
    if (damage !== undefined) throw damage;
    if (snapshot === undefined || reached !== version) {
      const has = this.#newest === 0 ? 'nothing' : `versions up to ${this.#newest}`;
      throw new TaplineError('SCHEMA_HISTORY_LOST', {
        message: `Version ${version} of the schema history is needed, and its topic holds ${has}${this.#newest < version ? '' : ' without it'}.`,
      });
    }
    return viewOf(snapshot, version, options);
  }

  /** The newest numbers of topics (see HistoryView), whatever snapshots were begun since. */
  get topics(): ReadonlyMap<string, number> {
    const topics = new Map<string, number>();
    for (const { records, statements } of this.#complete()) {
      for (const record of records) {
        if (record.kind === 'table' && record.topic !== undefined) topics.set(tableKey(record.state), record.topic);
      }
      for (const change of statements.flatMap(({ changes }) => changes)) {
        if (change.topic !== undefined) topics.set(tableKey(change), change.topic);
      }
    }
    return topics;
  }

  /** The snapshots that are whole, oldest first. */
  get snapshots(): readonly SnapshotBegin[] {
    return this.#complete().map(({ begin }) => begin);
  }

  #complete(): readonly Snapshot[] {
    return this.#snapshots.filter(({ complete }) => complete);
  }

  /** A snapshot that was broken off stands between a statement and the one it follows. */
  #behind(record: DdlRecord): DdlRecord[] {
    const whole = this.#snapshots.findLast(({ complete, begin }) => complete && begin.version < record.version);
    return (whole ?? (this.#snapshots.at(-1) as Snapshot)).statements;
  }

  #compact<T>(state: T & { readonly columns: readonly unknown[] }): T {
    const columns = state.columns.map((column) => {
      const text = JSON.stringify(column);
      const known = this.#shared.get(text) ?? column;
      this.#shared.set(text, known);
      return known;
    });
    return { ...state, columns };
  }
}

/** A table's name as a key of maps. */
export function tableKey({ database, name }: TableName): string {
  return `${database}\0${name}`;
}

function viewOf({ begin, records, statements }: Snapshot, version: number, options: CatalogOptions): HistoryView {
  const catalog = new Catalog(options);
  applyChanges(catalog, { databases: begin.databases, changes: [] });
  const later: LaterState[] = [];
  const topics = new Map<string, number>();
  for (const record of records) {
    if (record.kind === 'later') {
      later.push(record);
      continue;
    }
    catalog.set(record.state);
    if (record.topic !== undefined) topics.set(tableKey(record.state), record.topic);
  }
  const gone: TableState[] = [];
  for (const statement of statements) {
    if (statement.version > version) break;
    for (const { database, name, state, topic } of statement.changes) {
      if (topic !== undefined) topics.set(tableKey({ database, name }), topic);
      const last = state === null ? catalog.table({ database, name }) : undefined;
      if (last !== undefined) gone.push(last);
    }
    applyChanges(catalog, statement);
    later.push(...statement.later);
  }
  const beyond = statements.filter((statement) => statement.version > version);
  return { version, catalog, later, snapshot: begin, gone, topics, beyond };
}
