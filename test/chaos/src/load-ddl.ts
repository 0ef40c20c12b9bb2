import { setTimeout as sleep } from 'node:timers/promises';
import type { Connection } from 'mysql2/promise';
import { someWord } from './load-tables.ts';
import type { Random } from './random.ts';

/** Tables that the load makes while it runs are `born_…`; the ones through which it alters a table without locking it are `_born_…`, and nobody captures them. */
export const BORN = /^born_/;
export const NOT_CAPTURED = '_born_*';

interface Column {
  readonly name: string;
  readonly type: string;
}

/** Types with what they may become without a value that no longer fits. */
const WIDER: Readonly<Record<string, readonly string[]>> = {
  SMALLINT: ['INT', 'BIGINT'],
  INT: ['BIGINT'],
  BIGINT: [],
  'BIGINT UNSIGNED': [],
  'DECIMAL(8,2)': ['DECIMAL(14,2)'],
  'DECIMAL(14,2)': [],
  'VARCHAR(30)': ['VARCHAR(90)', 'TEXT'],
  'VARCHAR(90)': ['TEXT'],
  TEXT: [],
  'VARBINARY(16)': ['VARBINARY(300)'],
  'VARBINARY(300)': [],
  'DATETIME(3)': ['DATETIME(6)'],
  'DATETIME(6)': [],
};
const TYPES = Object.keys(WIDER);
const NAMES = ['a', 'b', 'c', 'd', 'type', 'order', 'Key'];
const LONGEST_PAUSE_MS = 1500;

/** The life of one table: made, filled, altered in every way that moves, adds, removes, renames or widens columns, renamed, and sometimes dropped. */
export class BornTable {
  readonly #connection: Connection;
  readonly #random: Random;
  #name: string;
  #columns: readonly Column[];
  #renames = 0;

  constructor(connection: Connection, random: Random, name: string) {
    this.#connection = connection;
    this.#random = random;
    this.#name = name;
    this.#columns = random.chance(0.5) ? [this.#someColumn([])] : [];
  }

  /** `changed` is called for each change of the table's definition. */
  async live(stopped: AbortSignal, changed: () => void): Promise<void> {
    const random = this.#random;
    const columns = this.#columns.map(definition);
    await this.#run(`CREATE TABLE ${this.#name} (${['id INT NOT NULL PRIMARY KEY', ...columns].join(', ')})`);
    changed();
    for (let round = random.int(4, 9); round > 0 && !stopped.aborted; round--) {
      await this.#changeRows();
      if (random.chance(0.2)) await this.#run(random.pick(ELSEWHERE));
      await this.#change();
      changed();
      await sleep(random.int(50, LONGEST_PAUSE_MS));
    }
    await this.#changeRows();
    if (random.chance(0.3)) await this.#run(`DROP TABLE ${this.#name}`);
  }

  async #change(): Promise<void> {
    const random = this.#random;
    const column = this.#columns.length === 0 ? undefined : random.pick(this.#columns);
    const kind = random.int(0, 7);
    if (column === undefined || kind <= 2) return await this.#add();
    const quoted = `\`${column.name}\``;
    switch (kind) {
      case 3:
        this.#columns = this.#columns.filter((other) => other !== column);
        return await this.#alter(`DROP COLUMN ${quoted}`);
      case 4: {
        const renamed = { ...column, name: this.#freeName(this.#columns) };
        this.#columns = this.#columns.map((other) => (other === column ? renamed : other));
        return await this.#alter(`RENAME COLUMN ${quoted} TO \`${renamed.name}\``);
      }
      case 5: {
        const wider = { ...column, type: random.pick([column.type, ...(WIDER[column.type] ?? [])]) };
        this.#columns = this.#columns.map((other) => (other === column ? wider : other));
        return await this.#alter(`MODIFY COLUMN ${definition(wider)}`);
      }
      case 6: {
        const name = `${this.#name.replace(/_r\d+$/, '')}_r${++this.#renames}`;
        await this.#run(`RENAME TABLE ${this.#name} TO ${name}`);
        this.#name = name;
        return;
      }
      default:
        return await this.#swap();
    }
  }

  async #add(): Promise<void> {
    const random = this.#random;
    const added = this.#someColumn(this.#columns);
    const place = random.int(0, this.#columns.length);
    const before = place === 0 ? 'id' : `\`${this.#columns[place - 1]?.name}\``;
    const where = place === this.#columns.length ? '' : ` AFTER ${before}`;
    this.#columns = this.#columns.toSpliced(place, 0, added);
    const index = random.chance(0.2) ? `, ADD INDEX some_${random.int(0, 1e9)} (id)` : '';
    await this.#alter(`ADD COLUMN ${definition(added)}${where}${index}`);
  }

  /** As online schema changes do it: a copy is altered and filled, then takes the table's name. */
  async #swap(): Promise<void> {
    const [ghost, old] = [`_${this.#name}_gho`, `_${this.#name}_del`];
    const columns = ['id', ...this.#columns.map(({ name }) => `\`${name}\``)].join(', ');
    const added = this.#someColumn(this.#columns);
    await this.#run(`CREATE TABLE ${ghost} LIKE ${this.#name}`);
    await this.#run(`ALTER TABLE ${ghost} ADD COLUMN ${definition(added)}`);
    await this.#run(`INSERT INTO ${ghost} (${columns}) SELECT ${columns} FROM ${this.#name}`);
    await this.#run(`RENAME TABLE ${this.#name} TO ${old}, ${ghost} TO ${this.#name}`);
    await this.#run(`DROP TABLE ${old}`);
    this.#columns = [...this.#columns, added];
  }

  async #changeRows(): Promise<void> {
    const random = this.#random;
    const names = ['id', ...this.#columns.map(({ name }) => `\`${name}\``)].join(', ');
    for (let n = random.int(1, 6); n > 0; n--) {
      const id = random.int(1, 30);
      const values = this.#columns.map(({ type }) => someValue(random, type));
      const kind = random.int(0, 9);
      if (kind < 2) await this.#run(`DELETE FROM ${this.#name} WHERE id = ${id}`);
      else if (kind < 4) await this.#run(`UPDATE IGNORE ${this.#name} SET id = id + 1 WHERE id = ${id}`);
      else {
        const marks = values.map(() => ', ?').join('');
        await this.#run(`REPLACE INTO ${this.#name} (${names}) VALUES (${id}${marks})`, values);
      }
    }
  }

  #someColumn(beside: readonly Column[]): Column {
    return { name: this.#freeName(beside), type: this.#random.pick(TYPES) };
  }

  #freeName(beside: readonly Column[]): string {
    const free = NAMES.filter((name) => beside.every((other) => other.name !== name));
    return free.length === 0 ? `more_${this.#random.int(0, 1e9)}` : this.#random.pick(free);
  }

  async #alter(change: string): Promise<void> {
    await this.#run(`ALTER TABLE ${this.#name} ${change}`);
  }

  async #run(sql: string, values: readonly (string | number | Buffer | null)[] = []): Promise<void> {
    await this.#connection.query(sql, [...values]);
  }
}

/** Statements that concern no captured table. */
const ELSEWHERE: readonly string[] = [
  'CREATE DATABASE IF NOT EXISTS elsewhere',
  'CREATE OR REPLACE VIEW seen AS SELECT id, owner FROM accounts',
  "CREATE USER IF NOT EXISTS 'somebody'@'%' IDENTIFIED BY 'secret'",
  'CREATE TEMPORARY TABLE IF NOT EXISTS noise_copy LIKE noise',
  'ANALYZE TABLE noise',
  "/* a comment; with 'quotes */ ALTER TABLE noise COMMENT = 'changed; `again`'",
];

function definition({ name, type }: Column): string {
  return `\`${name}\` ${type}${/^(VARCHAR|TEXT)/.test(type) ? ' CHARACTER SET utf8mb4' : ''}`;
}

function someValue(random: Random, type: string): string | number | Buffer | null {
  if (random.chance(0.2)) return null;
  if (type.startsWith('VARCHAR') || type === 'TEXT') return someWord(random);
  if (type.startsWith('VARBINARY')) return Buffer.from([random.int(0, 255), 0, random.int(0, 255)]);
  if (type.startsWith('DATETIME'))
    return `2026-0${random.int(1, 9)}-01 00:00:0${random.int(0, 9)}.${random.int(100, 999)}`;
  if (type === 'BIGINT UNSIGNED') return random.pick(['18446744073709551615', '0', '7']);
  if (type.startsWith('DECIMAL')) return random.int(-99_999, 99_999) / 100;
  return random.int(-32_768, 32_767);
}
