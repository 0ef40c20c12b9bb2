import { Random } from './random.ts';

/** Random ALTER TABLE statements over a few names, so that they meet: many are refused by the server, which is as good. */
export class RandomAlters {
  readonly #random: Random;

  constructor(seed: number) {
    this.#random = new Random(seed);
  }

  /** 1 to 4 actions on the table `t`, with one choice of a character set: two in one statement add up differently in each server. */
  alter(): string {
    const actions = Array.from({ length: 1 + this.#random.below(4) }, () => this.#random.pick(ACTIONS)(this));
    const choices = actions.filter((action) => /^(?:DEFAULT|CONVERT TO) CHARACTER SET/.test(action));
    return choices.length > 1 ? this.alter() : `ALTER TABLE t ${actions.join(', ')}`;
  }

  column(): string {
    return this.#random.pick(COLUMNS);
  }

  key(): string {
    return this.#random.pick(KEYS);
  }

  definition(): string {
    return `${this.#random.pick(TYPES)}${this.#random.pick(ATTRIBUTES)}`;
  }

  place(): string {
    const number = this.#random.below(4);
    return number === 0 ? ' FIRST' : number === 1 ? ` AFTER ${this.column()}` : '';
  }

  charset(): string {
    return this.#random.pick(CHARSETS);
  }
}

const COLUMNS = ['a', 'b', 'c', 'D', 'e', 'f'];
const KEYS = ['k1', 'a', 'b_2', 'PRIMARY'];
const CHARSETS = ['latin1', 'utf8mb4', 'utf8mb3 COLLATE utf8mb3_bin', 'utf8mb4 COLLATE utf8mb4_bin'];
const TYPES = [
  'INT',
  'INT UNSIGNED',
  'BIGINT(5)',
  'TINYINT(1)',
  'DECIMAL(12,3)',
  'FLOAT(30)',
  'VARCHAR(20)',
  'VARCHAR(3000) CHARACTER SET latin1',
  'CHAR(5) COLLATE utf8mb4_bin',
  'TEXT',
  'TINYTEXT CHARACTER SET ucs2',
  'MEDIUMBLOB',
  "ENUM('x','y''z','w ')",
  "SET('p','q') CHARACTER SET latin1",
  'DATETIME(3)',
  'TIMESTAMP NULL',
  'BIT(9)',
  'VARBINARY(30)',
  'YEAR',
];
const ATTRIBUTES = ['', '', ' NOT NULL', ' NULL', " COMMENT 'x, FIRST'", ' UNIQUE', ' DEFAULT NULL', ' PRIMARY KEY'];

const ACTIONS: readonly ((random: RandomAlters) => string)[] = [
  (r) => `ADD ${r.column()} ${r.definition()}${r.place()}`,
  (r) => `ADD COLUMN ${r.column()} ${r.definition()}${r.place()}`,
  (r) => `ADD (${r.column()} ${r.definition()}, ${r.column()} ${r.definition()})`,
  (r) => `DROP ${r.column()}`,
  (r) => `MODIFY ${r.column()} ${r.definition()}${r.place()}`,
  (r) => `CHANGE ${r.column()} ${r.column()} ${r.definition()}${r.place()}`,
  (r) => `RENAME COLUMN ${r.column()} TO ${r.column()}`,
  (r) => `ADD UNIQUE (${r.column()}, ${r.column()})`,
  (r) => `ADD UNIQUE ${r.key()} (${r.column()})`,
  (r) => `ADD UNIQUE ${r.key()} (${r.column()}(20))`,
  (r) => `ADD INDEX (${r.column()})`,
  (r) => `ADD PRIMARY KEY (${r.column()})`,
  () => 'DROP PRIMARY KEY',
  (r) => `DROP INDEX ${r.key()}`,
  (r) => `RENAME INDEX ${r.key()} TO ${r.key()}`,
  (r) => `DEFAULT CHARACTER SET ${r.charset()}`,
  (r) => `CONVERT TO CHARACTER SET ${r.charset()}`,
  (r) => `ALTER ${r.column()} DROP DEFAULT`,
];
