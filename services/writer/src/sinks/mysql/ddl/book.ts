import { quoteName, quoteTable } from '@tapline/mysql';
import type { MysqlConfig } from '../config.ts';
import { quoted } from '../literal.ts';
import type { Session } from '../session.ts';

const NAME = '__ddl';

/**
 * How far the statements of each topic's tables are carried out, in the target: the number that the statement has in the source's schema history, by writer and topic.
 * DDL is no part of a transaction, so it is noted behind the statement: who finds a statement that is not noted looks first whether the table is as it leaves it.
 */
export class DdlBook {
  readonly #database: string;
  readonly #writer: string;
  readonly #table: string;
  #isThere = false;

  constructor({ stateDatabase }: Pick<MysqlConfig, 'stateDatabase'>, writer: string) {
    this.#database = stateDatabase;
    this.#writer = writer;
    this.#table = quoteTable(stateDatabase, NAME);
  }

  /** By topic. */
  async read(session: Session, signal: AbortSignal): Promise<ReadonlyMap<string, number>> {
    await this.#make(session, signal);
    const rows = await session.query(
      `SELECT topic, version FROM ${this.#table} WHERE writer = ${quoted(this.#writer)}`,
      signal,
    );
    return new Map(rows.map(([topic, version]) => [topic ?? '', Number(version)]));
  }

  async note(session: Session, topics: readonly string[], version: number, signal: AbortSignal): Promise<void> {
    const rows = topics.map((topic) => `(${quoted(this.#writer)}, ${quoted(topic)}, ${version}, CURRENT_TIMESTAMP)`);
    await session.execute(
      `INSERT INTO ${this.#table} VALUES ${rows.join(', ')} ON DUPLICATE KEY UPDATE version = ${version}, at = CURRENT_TIMESTAMP`,
      signal,
    );
  }

  async #make(session: Session, signal: AbortSignal): Promise<void> {
    if (this.#isThere) return;
    const text = 'CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL';
    await session.execute(`CREATE DATABASE IF NOT EXISTS ${quoteName(this.#database)}`, signal);
    await session.execute(
      `CREATE TABLE IF NOT EXISTS ${this.#table} (writer VARCHAR(249) ${text}, topic VARCHAR(249) ${text}, version BIGINT UNSIGNED NOT NULL, at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP, PRIMARY KEY (writer, topic)) ENGINE=InnoDB`,
      signal,
    );
    this.#isThere = true;
  }
}
