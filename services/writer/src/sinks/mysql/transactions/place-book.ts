import { TaplineError } from '@tapline/kernel';
import { quoteName, quoteTable } from '@tapline/mysql';
import type { AppliedPlace } from '@tapline/sink';
import type { MysqlConfig } from '../config.ts';
import { quoted } from '../literal.ts';
import type { Session } from '../session.ts';

/** Rows of places in one statement. */
const ROWS = 500;

/**
 * How far a writer of whole transactions is, in the target, written in the transactions that apply what is before. `__transactions` has a line a writer: its holder, which is a number
 * that grows with each one, and the version up to which everything is applied; `__places` a line a partition. Names without a dot, as tables of versions have one.
 */
export class PlaceBook {
  readonly #database: string;
  readonly #writers: string;
  readonly #places: string;
  readonly #writer: string;
  #holder = '';

  constructor({ stateDatabase }: Pick<MysqlConfig, 'stateDatabase'>, writer: string) {
    this.#database = stateDatabase;
    this.#writers = quoteTable(stateDatabase, '__transactions');
    this.#places = quoteTable(stateDatabase, '__places');
    this.#writer = quoted(writer);
  }

  /** Makes this holder the only one that may commit. undefined: nothing was ever applied. */
  async takeOver(session: Session, signal: AbortSignal): Promise<AppliedPlace | undefined> {
    await this.#make(session, signal);
    await session.begin(signal);
    await session.execute(
      `INSERT INTO ${this.#writers} VALUES (${this.#writer}, 1, 0) ON DUPLICATE KEY UPDATE holder = holder + 1`,
      signal,
    );
    const [row] = await session.query(
      `SELECT holder, version FROM ${this.#writers} WHERE writer = ${this.#writer}`,
      signal,
    );
    const rows = await session.query(
      `SELECT topic, \`partition\`, next FROM ${this.#places} WHERE writer = ${this.#writer}`,
      signal,
    );
    await session.execute('COMMIT', signal);
    this.#holder = row?.[0] ?? '';
    if (rows.length === 0) return undefined;
    const places = new Map(rows.map(([topic, partition, next]) => [`${topic}/${partition}`, Number(next)]));
    return { version: BigInt(row?.[1] ?? '0'), places };
  }

  /** Locks the writer's line for the open transaction. @throws TaplineError SINK_MYSQL_TAKEN_OVER. */
  async lock(session: Session, signal: AbortSignal): Promise<void> {
    const [row] = await session.query(
      `SELECT holder FROM ${this.#writers} WHERE writer = ${this.#writer} FOR UPDATE`,
      signal,
    );
    if (row?.[0] === this.#holder) return;
    throw new TaplineError('SINK_MYSQL_TAKEN_OVER', { message: 'Another member of the writer has the target now.' });
  }

  /** Within the open transaction. */
  async note(session: Session, { version, places }: AppliedPlace, signal: AbortSignal): Promise<void> {
    const rows = [...places].map(([name, next]) => {
      const slash = name.lastIndexOf('/');
      return `(${this.#writer}, ${quoted(name.slice(0, slash))}, ${name.slice(slash + 1)}, ${next})`;
    });
    for (let at = 0; at < rows.length; at += ROWS) {
      const some = rows.slice(at, at + ROWS).join(', ');
      await session.execute(`REPLACE INTO ${this.#places} VALUES ${some}`, signal);
    }
    await session.execute(`UPDATE ${this.#writers} SET version = ${version} WHERE writer = ${this.#writer}`, signal);
  }

  async #make(session: Session, signal: AbortSignal): Promise<void> {
    const text = 'CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL';
    await session.execute(`CREATE DATABASE IF NOT EXISTS ${quoteName(this.#database)}`, signal);
    await session.define(
      `CREATE TABLE IF NOT EXISTS ${this.#writers} (writer VARCHAR(249) ${text} PRIMARY KEY, holder BIGINT NOT NULL, version BIGINT UNSIGNED NOT NULL) ENGINE=InnoDB`,
      signal,
    );
    await session.define(
      `CREATE TABLE IF NOT EXISTS ${this.#places} (writer VARCHAR(249) ${text}, topic VARCHAR(249) ${text}, \`partition\` INT NOT NULL, next BIGINT NOT NULL, PRIMARY KEY (writer, topic, \`partition\`)) ENGINE=InnoDB`,
      signal,
    );
  }
}
