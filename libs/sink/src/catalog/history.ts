import type { Kafka } from '@tapline/kafka';
import type { TaplineError } from '@tapline/kernel';
import {
  type CatalogOptions,
  type DdlRecord,
  decodeHistoryRecord,
  HistoryTimeline,
  type HistoryView,
  type Table,
  type TextDefaults,
  tableOfState,
} from '@tapline/schema';

/** Only tables that are set whole are in a view: nothing is read of statements, so no collation is looked up. */
const NOTHING_READ: Omit<CatalogOptions, 'lowerCaseTableNames'> = {
  book: { collation: () => undefined, collationById: () => undefined, charset: () => undefined },
  serverText: { charset: 'utf8mb4', collation: 'utf8mb4_general_ci' },
};

export interface KnownTable {
  readonly version: number;
  readonly table: Table;
  readonly text: TextDefaults;
}

/** One source's schema history, as far as it was read. */
export class SourceHistory {
  readonly #topic: string;
  readonly #kafka: Pick<Kafka, 'reader' | 'topics'>;
  readonly #timeline = new HistoryTimeline();
  #next = 0n;
  #view: HistoryView | undefined;
  #reading: Promise<void> | undefined;

  private constructor(topic: string, kafka: Pick<Kafka, 'reader' | 'topics'>) {
    this.#topic = topic;
    this.#kafka = kafka;
  }

  /** Undefined when the source has none. */
  static async open(
    source: string,
    kafka: Pick<Kafka, 'reader' | 'topics'>,
    signal?: AbortSignal,
  ): Promise<SourceHistory | undefined> {
    const topic = `${source}.schema-history`;
    if ((await kafka.topics.describe(topic, signal)) === undefined) return undefined;
    const history = new SourceHistory(topic, kafka);
    await history.refresh(signal);
    return history;
  }

  /** Reads what came since. Who asks while it is read gets a reading that begins afterwards. */
  async refresh(signal?: AbortSignal): Promise<void> {
    const before = this.#reading;
    const mine = (async () => {
      await before?.catch(() => undefined);
      await this.#read(signal);
    })();
    this.#reading = mine;
    try {
      await mine;
    } finally {
      if (this.#reading === mine) this.#reading = undefined;
    }
  }

  /**
   * Version and table as it is now, or was at the version; undefined for a table that is not in the history then.
   *
   * @throws TaplineError SCHEMA_DDL_UNREAD, SCHEMA_HISTORY_UNREADABLE; SCHEMA_HISTORY_LOST for a version that there is not.
   */
  table(database: string, name: string, at?: number): KnownTable | undefined {
    const view = at === undefined ? this.#current() : this.#viewAt(at);
    const state = view?.catalog.table({ database, name });
    return view === undefined || state === undefined
      ? undefined
      : { version: view.version, table: tableOfState(state), text: state.text };
  }

  statements(after: number): readonly DdlRecord[] {
    const from = Math.max(after, this.#timeline.snapshots.at(-1)?.version ?? 0);
    return this.#timeline.statements.filter(({ version }) => version > from);
  }

  async #read(signal: AbortSignal | undefined): Promise<void> {
    for await (const records of this.#kafka.reader.read({
      topic: this.#topic,
      partition: 0,
      from: this.#next,
      signal,
    })) {
      for (const { value, offset } of records) {
        try {
          this.#timeline.add(decodeHistoryRecord(value, { topic: this.#topic, offset }));
        } catch (error) {
          this.#timeline.addDamage(error as TaplineError);
        }
        this.#next = offset + 1n;
        this.#view = undefined;
      }
    }
  }

  /** A history whose first snapshot is being written has no tables yet. */
  #current(): HistoryView | undefined {
    const snapshot = this.#timeline.snapshots.at(-1);
    if (snapshot === undefined) return undefined;
    const newest = this.#timeline.statements.findLast(({ version }) => version > snapshot.version)?.version;
    this.#view ??= this.#viewAt(newest ?? snapshot.version);
    return this.#view;
  }

  #viewAt(version: number): HistoryView {
    const lowerCaseTableNames = this.#timeline.snapshots.at(-1)?.lowerCaseTableNames ?? 0;
    return this.#timeline.at(version, { ...NOTHING_READ, lowerCaseTableNames });
  }
}
