import { type Logger, TaplineError } from '@tapline/kernel';
import { quoteName, quoteTable } from '@tapline/mysql';
import type { Table, TableName } from '@tapline/schema';
import type { Change, PartitionOrder, WriterProgress } from '@tapline/sink';
import { createPositions, POSITIONS } from './append.ts';
import type { MysqlConfig } from './config.ts';
import { createVersions } from './create-table.ts';
import { quoted } from './literal.ts';
import { dialectOf, findState, findTable, stateName } from './lookup.ts';
import { claimOffsets, createOffsets, readApplied, readOffsets } from './offsets.ts';
import type { Session } from './session.ts';
import type { Guard } from './target.ts';

export interface TableStateOptions {
  readonly config: MysqlConfig;
  readonly log: Logger;
  /** Absent: rows get versions, whatever a table had so far. */
  readonly offsets?: OffsetsUse;
}

/** Who can do with a table that has offsets. */
export interface OffsetsUse {
  /** Absent: the changes come so that offsets do not say it of them. */
  readonly order: PartitionOrder | undefined;
  readonly progress: WriterProgress | undefined;
}

/** A request for how many partitions there are, or what is committed, is not made again within this time. */
const FRESH_MS = 5000;

/** Rows that the target tells apart are told apart by the records' keys too, and so by their partitions: these types have no two values that one may hold for the other. */
const EXACT_KEYS: Readonly<Record<string, (value: unknown) => boolean>> = {
  ...Object.fromEntries(['tinyint', 'smallint', 'mediumint', 'int', 'bigint'].map((type) => [type, isWhole])),
  varbinary: (value) => value instanceof Uint8Array,
  binary: (value) => value instanceof Uint8Array,
};

/** What is kept of the rows of tables, in tables beside them: it is found, made and given up here. */
export class TableState {
  readonly #options: TableStateOptions;
  readonly #counts = new Map<string, { readonly count: number; readonly atMs: number }>();
  #begun: { readonly topics: ReadonlySet<string>; readonly atMs: number } | undefined;

  constructor(options: TableStateOptions) {
    this.#options = options;
  }

  /**
   * What guards a table, which is made where it is not there.
   *
   * Offsets say enough where a row of the table is one key of one topic, and all changes of the topic were applied in the order of its partitions from the beginning on. Whatever
   * else comes up, versions are kept from then on: made before anything is applied that needs them.
   */
  async guardOf(session: Session, table: Table, change: Change, signal: AbortSignal): Promise<Guard> {
    const { stateDatabase } = this.#options.config;
    const keyNames = Object.keys(change.key ?? {});
    if (keyNames.length === 0) {
      await session.execute(`CREATE DATABASE IF NOT EXISTS ${quoteName(stateDatabase)}`, signal);
      await defineTable(session, createPositions(stateDatabase), signal);
      return { kind: 'versions' };
    }
    const order = this.#isOrdered(table, change) ? this.#options.offsets?.order : undefined;
    // Asked before it is looked what is there: what members have committed since has left its offsets.
    const isNew = order !== undefined && !(await this.#hasBegun(change.topic, signal));
    const there = await findState(session, stateDatabase, table, signal);
    if (there.has('offsets') || (isNew && there.size === 0)) {
      const guard = await this.#offsets(session, table, change, order, signal);
      if (guard !== undefined) return guard;
      await this.keepVersions(session, table, keyNames, signal);
    } else await this.#versions(session, table, keyNames, signal);
    const before = { database: stateDatabase, name: stateName('before', table) };
    if (!there.has('offsets') && !there.has('before')) return { kind: 'versions' };
    const sql = quoteTable(before.database, before.name);
    const offsets = await readOffsets(session, sql, signal);
    if (offsets === undefined) return { kind: 'versions' };
    return { kind: 'versions', before: { topic: offsets.topic, applied: await readApplied(session, sql, signal) } };
  }

  /** Whether the topic has as many partitions as it had when its first change was applied; with others, keys have moved. */
  async isAsItWas({ topic, partitions }: { topic: string; partitions: number }, signal: AbortSignal): Promise<boolean> {
    const order = this.#options.offsets?.order;
    return order === undefined || (await this.#countOf(order, topic, signal)) === partitions;
  }

  /** From now on each row's version is kept, by all who write to the table: a transaction that would store an offset finds none, and its writer looks again. */
  async keepVersions(session: Session, table: Table, keyNames: readonly string[], signal: AbortSignal): Promise<void> {
    const { config, log } = this.#options;
    const of = (kind: 'offsets' | 'before'): string => quoteTable(config.stateDatabase, stateName(kind, table));
    log.info('the versions of rows are kept from now on', { table: `${table.database}.${table.name}` });
    await this.#versions(session, table, keyNames, signal);
    await session.execute(`SET SESSION lock_wait_timeout = ${Math.ceil(config.timeoutMs / 1000)}`, signal);
    try {
      await session.define(`RENAME TABLE ${of('offsets')} TO ${of('before')}`, signal);
    } catch (error) {
      // Another member may have done it meanwhile.
      if (!session.usable || (await findState(session, config.stateDatabase, table, signal)).has('offsets'))
        throw error;
    } finally {
      if (session.usable) await session.execute('SET SESSION lock_wait_timeout = DEFAULT', signal);
    }
  }

  /** The statement that takes away what is noted of the table's rows; undefined when nothing is. */
  async forgettingOf(session: Session, table: TableName, signal: AbortSignal): Promise<string | undefined> {
    const { stateDatabase } = this.#options.config;
    const there = await findState(session, stateDatabase, table, signal);
    if (there.size > 0) {
      const names = [...there.values()].map(({ database, name }) => quoteTable(database, name));
      return `DROP TABLE ${names.join(', ')}`;
    }
    if ((await findTable(session, { database: stateDatabase, name: POSITIONS }, signal)) === undefined)
      return undefined;
    const rows = `FROM ${quoteTable(stateDatabase, POSITIONS)} WHERE \`table\` = ${quoted(`${table.database}.${table.name}`)}`;
    return (await session.query(`SELECT 1 ${rows} LIMIT 1`, signal)).length > 0 ? `DELETE ${rows}` : undefined;
  }

  /** Whether the order of its partitions is enough for the table's rows, as far as the table and the configuration go. */
  #isOrdered(table: Table, change: Change): boolean {
    const { guard, mode, suffix } = this.#options.config;
    if (guard !== 'offsets' || (mode !== 'upsert' && mode !== 'replace') || suffix !== undefined) return false;
    const key = Object.entries(change.key ?? {});
    const isKey = (columns: readonly string[] | undefined): boolean =>
      columns === undefined || (columns.length === key.length && key.every(([name]) => columns.includes(name)));
    if (!isKey(table.primaryKey) || !table.uniqueKeys.every(({ columns }) => isKey(columns))) return false;
    return key.every(([name, value]) => {
      const column = table.columns.find((own) => own.name === name);
      return column !== undefined && column.generated === undefined && EXACT_KEYS[column.type]?.(value) === true;
    });
  }

  /** Undefined: versions are to be kept. */
  async #offsets(
    session: Session,
    table: Table,
    { topic }: Change,
    order: PartitionOrder | undefined,
    signal: AbortSignal,
  ): Promise<Guard | undefined> {
    const { config, offsets: use } = this.#options;
    if (use === undefined) return undefined;
    const sql = quoteTable(config.stateDatabase, stateName('offsets', table));
    const partitions = order === undefined ? 0 : await this.#countOf(order, topic, signal);
    if (order !== undefined) {
      await session.execute(`CREATE DATABASE IF NOT EXISTS ${quoteName(config.stateDatabase)}`, signal);
      await session.define(createOffsets(sql), signal);
      await claimOffsets(session, { sql, topic, partitions }, signal);
    }
    const offsets = await readOffsets(session, sql, signal);
    if (offsets === undefined) return undefined;
    if (order === undefined) return { kind: 'offsets', offsets, own: false };
    if (offsets.topic !== topic || offsets.partitions !== partitions) return undefined;
    return { kind: 'offsets', offsets, own: true };
  }

  /** Makes the table of versions where it is not there. @throws TaplineError SINK_MYSQL_KEY: it is of another key. */
  async #versions(session: Session, table: Table, keyNames: readonly string[], signal: AbortSignal): Promise<void> {
    const { stateDatabase } = this.#options.config;
    const name = stateName('versions', table);
    const sql = quoteTable(stateDatabase, name);
    const there = await findTable(session, { database: stateDatabase, name }, signal);
    if (there === undefined) {
      // Refused later with a better reason when the table has no such key.
      if (!keyNames.every((key) => table.columns.some((column) => column.name === key))) return;
      await session.execute(`CREATE DATABASE IF NOT EXISTS ${quoteName(stateDatabase)}`, signal);
      await defineTable(session, createVersions(sql, table, keyNames, dialectOf(session)), signal);
    } else if ([...(there.primaryKey ?? [])].sort().join() !== [...keyNames].sort().join()) {
      throw new TaplineError('SINK_MYSQL_KEY', {
        message: `The rows of ${table.database}.${table.name} were written by the key (${there.primaryKey?.join(', ')}), and the records’ key is (${keyNames.join(', ')}).`,
        place: { table: `${table.database}.${table.name}` },
        remedy: `Write to another \`sink.table\`; or empty this one, DROP TABLE ${sql}, and let the writer begin at the start of its topics.`,
      });
    }
  }

  async #countOf(order: PartitionOrder, topic: string, signal: AbortSignal): Promise<number> {
    const known = this.#counts.get(topic);
    if (known !== undefined && Date.now() - known.atMs < FRESH_MS) return known.count;
    const count = await order.partitionsOf(topic, signal);
    this.#counts.set(topic, { count, atMs: Date.now() });
    return count;
  }

  /** Whether the writer is somewhere within the topic: of what lies behind it a table that is new knows nothing. */
  async #hasBegun(topic: string, signal: AbortSignal): Promise<boolean> {
    const progress = this.#options.offsets?.progress;
    if (progress === undefined) return true;
    if (this.#begun === undefined || Date.now() - this.#begun.atMs > FRESH_MS) {
      const atMs = Date.now();
      const settled = [...(await progress.settledBelow(signal))].filter(([, below]) =>
        below.some((offset) => offset > 0),
      );
      this.#begun = { topics: new Set(settled.map(([name]) => name)), atMs };
    }
    return this.#begun.topics.has(topic);
  }
}

function isWhole(value: unknown): boolean {
  return typeof value === 'number' || typeof value === 'bigint';
}

/** What the server has against a table, in its own words, is for a person to settle, and no row's fault. */
export async function defineTable(session: Session, sql: string, signal: AbortSignal): Promise<void> {
  try {
    await session.lenient(sql, signal);
  } catch (error) {
    if (!(error instanceof TaplineError) || !(error.disposition === 'poison' || error.code === 'SINK_MYSQL_FAILED'))
      throw error;
    throw new TaplineError('SINK_MYSQL_TABLE', {
      message: `${error.message} The statement was: ${sql}`,
      place: error.place,
      remedy:
        'Make or alter the table by hand, as near to the source’s as the server allows, and start the writer again.',
      cause: error,
    });
  }
}
