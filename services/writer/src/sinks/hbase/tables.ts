import { TaplineError } from '@tapline/kernel';
import type { HBaseConfig } from './config.ts';
import { evenSplits } from './row-key.ts';
import { createTable, describeTable, type FamilySchema, type TableSchema } from './rpc/admin.ts';
import type { Cluster } from './rpc/cluster.ts';

const ARCHIVE_VERSIONS = 1000;
/** Regions follow a table that was altered one after the other: for so long some may still be as it was. */
const REOPEN_MS = 60_000;

export interface TablesParts {
  readonly cluster: Cluster;
  readonly config: HBaseConfig;
  /** Of columns, without that of versions. */
  readonly families: readonly string[];
  /** Ends what is under way: a table is looked for on behalf of all calls, and by none of them ended. */
  readonly signal: AbortSignal;
}

/** Finds each table that rows go to, once: makes it, or looks whether it is one that can hold them. */
export class Tables {
  readonly #cluster: Cluster;
  readonly #config: HBaseConfig;
  readonly #families: readonly string[];
  readonly #signal: AbortSignal;
  readonly #ready = new Map<string, Promise<void>>();
  /** When a table was last seen to be read-only. */
  readonly #readOnlyMs = new Map<string, number>();

  constructor(parts: TablesParts) {
    this.#cluster = parts.cluster;
    this.#config = parts.config;
    this.#families = parts.families;
    this.#signal = parts.signal;
  }

  /** @throws TaplineError SINK_HBASE_… */
  ready(table: string): Promise<void> {
    let ready = this.#ready.get(table);
    if (ready === undefined) {
      ready = this.#open(table);
      this.#ready.set(table, ready);
      ready.catch(() => this.forget(table));
    }
    return ready;
  }

  /** The table is looked at again the next time. */
  forget(table: string): void {
    this.#ready.delete(table);
    this.#cluster.forget(table);
  }

  /** Looks at the table once more, where a failure may be the table's. @throws TaplineError what is wrong with it, or a moment ago was */
  async again(table: string): Promise<void> {
    this.forget(table);
    await this.ready(table);
    if (performance.now() - (this.#readOnlyMs.get(table) ?? Number.NEGATIVE_INFINITY) < REOPEN_MS)
      throw readOnly(table);
  }

  async #open(table: string): Promise<void> {
    const found = await describeTable(this.#cluster, table);
    if (found !== undefined) {
      this.#examine(table, found);
      return;
    }
    if (!this.#config.create) {
      throw new TaplineError('SINK_HBASE_TABLE_MISSING', { message: `HBase has no table ${table}.`, place: { table } });
    }
    await createTable(
      this.#cluster,
      { name: table, families: this.#newFamilies(), splitKeys: this.#splits() },
      this.#signal,
    );
    const made = await describeTable(this.#cluster, table);
    if (made !== undefined) this.#examine(table, made);
  }

  #splits(): readonly Buffer[] {
    const { splitKeys, rowKey, regions } = this.#config;
    if (splitKeys.length === 0) return evenSplits(rowKey, regions);
    return splitKeys.map((key) => Buffer.from(key)).toSorted(Buffer.compare);
  }

  /** Deleted cells of an archive are kept as long as their versions are, so that the past can be read with a time range. */
  #newFamilies(): FamilySchema[] {
    const { mode, versions, compression, versionFamily } = this.#config;
    const archive = mode === 'archive';
    const shared: readonly (readonly [string, string])[] = [['COMPRESSION', compression]];
    const data: readonly (readonly [string, string])[] = [
      ['VERSIONS', String(versions ?? (archive ? ARCHIVE_VERSIONS : 1))],
      ...(archive ? ([['KEEP_DELETED_CELLS', 'TRUE']] as const) : []),
      ...shared,
    ];
    return [
      ...this.#families.map((name) => ({ name, attributes: new Map(data) })),
      { name: versionFamily, attributes: new Map([['VERSIONS', '1'], ...shared]) },
    ];
  }

  /** @throws TaplineError when rows would not be there, or would come back, in a table like this */
  #examine(table: string, { attributes, families }: TableSchema): void {
    const wrong = (problem: string): TaplineError =>
      new TaplineError('SINK_HBASE_TABLE', { message: `Table ${table} in HBase ${problem}.`, place: { table } });
    for (const name of [...this.#families, this.#config.versionFamily]) {
      const family = families.find((one) => one.name === name);
      if (family === undefined)
        throw wrong(`has no column family ${name}, only ${families.map((one) => one.name).join(', ')}`);
      // Under it a marker hides only what was written before it, and not what is older than its timestamp.
      if (family.attributes.get('NEW_VERSION_BEHAVIOR')?.toUpperCase() === 'TRUE')
        throw wrong(
          `has NEW_VERSION_BEHAVIOR in family ${name}, under which the order of writes counts instead of versions`,
        );
    }
    if (attributes.get('READONLY')?.toUpperCase() === 'TRUE') {
      this.#readOnlyMs.set(table, performance.now());
      throw readOnly(table);
    }
  }
}

function readOnly(table: string): TaplineError {
  return new TaplineError('SINK_HBASE_READ_ONLY', { message: `Table ${table} is read-only.`, place: { table } });
}
