import type { TableState } from '@tapline/schema';
import {
  columnDefinition,
  type Dialect,
  generatedColumn,
  numberWithDefault,
  timeWithDefault,
} from './column-grammar.ts';
import { Random } from './random.ts';

const TABLES = [
  'orders',
  'order_items',
  'customers',
  'Invoices',
  'user',
  'log$entries',
  'größe',
  'weird name',
  'select',
  'products',
];
const COLUMNS = [
  ...['name', 'status', 'created_at', 'amount', 'Total', 'type', 'key', 'from', 'data', 'comment', 'date', 'position'],
  ...['first', 'after', 'text', 'E-Mail', 'straße', 'check', 'primary', 'unique', 'index', 'value', 'action', 'column'],
];

/**
 * A life of a schema: statements that follow from what is there, as the catalogue knows it, so that the server accepts most of them. The grammar of
 * CREATE and ALTER TABLE is gone through at random; the same seed tells the same story.
 */
export class DdlStory {
  readonly #random: Random;
  readonly #dialect: Dialect;
  #made = 0;

  constructor(seed: number, dialect: Dialect) {
    this.#random = new Random(seed);
    this.#dialect = dialect;
  }

  /** @param tables those of the database. */
  next(tables: readonly TableState[]): string {
    const random = this.#random;
    if (tables.length < 3 || (tables.length < 12 && random.chance(6))) return this.#create(tables);
    const table = random.pick(tables);
    const choice = random.below(100);
    if (choice < 62) return this.#alter(table, tables);
    if (choice < 72) return this.#index(table);
    if (choice < 78) return this.#rename(table, tables);
    if (choice < 82) return `DROP TABLE ${random.pick(['', 'IF EXISTS '])}${this.#name(table.name)}`;
    if (choice < 84) return `TRUNCATE ${random.pick(['', 'TABLE '])}${this.#name(table.name)}`;
    if (choice < 87)
      return `ALTER DATABASE ${random.pick(['CHARACTER SET latin1', 'COLLATE utf8mb4_unicode_ci', 'DEFAULT CHARACTER SET = utf8mb4', 'CHARSET utf8'])}`;
    return this.#noise(table);
  }

  /** In backquotes where it must be, and now and then where it need not. */
  #name(name: string): string {
    const plain = /^[A-Za-z_][A-Za-z0-9_$]*$/.test(name) && !KEYWORDS.has(name.toUpperCase());
    return plain && !this.#random.chance(3) ? name : `\`${name.replaceAll('`', '``')}\``;
  }

  #newTable(tables: readonly TableState[]): string {
    const free = TABLES.filter((name) => !tables.some((table) => table.name.toLowerCase() === name.toLowerCase()));
    return free.length === 0 ? `t${++this.#made}` : this.#random.pick(free);
  }

  #newColumn(taken: readonly string[]): string {
    const free = COLUMNS.filter((name) => !taken.some((other) => other.toLowerCase() === name.toLowerCase()));
    return free.length === 0 || this.#random.chance(4) ? `c${++this.#made}` : this.#random.pick(free);
  }

  #definition(from: string | undefined): string {
    const choice = this.#random.below(12);
    if (choice === 0 && from !== undefined) return generatedColumn(this.#random, this.#dialect, this.#name(from));
    if (choice === 1) return numberWithDefault(this.#random);
    if (choice === 2) return timeWithDefault(this.#random);
    return columnDefinition(this.#random, this.#dialect);
  }

  #create(tables: readonly TableState[]): string {
    const random = this.#random;
    const name = this.#name(this.#newTable(tables));
    const start = `CREATE TABLE ${random.pick(['', '', 'IF NOT EXISTS '])}${name}`;
    const model = tables.length > 0 ? random.pick(tables) : undefined;
    if (model !== undefined && random.chance(8)) {
      const like = this.#name(model.name);
      return `${start} ${random.pick([`LIKE ${like}`, `(LIKE ${like})`])}`;
    }
    if (model !== undefined && random.chance(8))
      return `${start} ${random.pick(['AS ', ''])}SELECT * FROM ${this.#name(model.name)}`;
    const columns: string[] = [];
    const items: string[] = [];
    for (let i = 0; i < 2 + random.below(8); i++) {
      const column = this.#newColumn([...columns, 'id']);
      items.push(`${this.#name(column)} ${this.#definition(columns.at(-1))}`);
      columns.push(column);
    }
    const id = random.pick(['INT', 'BIGINT UNSIGNED', 'INT UNSIGNED', 'bigint(20)']);
    const keyed = random.below(5);
    if (keyed === 0) items.unshift(`id ${id} NOT NULL AUTO_INCREMENT PRIMARY KEY`);
    else if (keyed === 1) items.unshift('`id` SERIAL');
    else if (keyed < 4) {
      items.unshift(`\`id\` ${id} NOT NULL${keyed === 2 ? ' AUTO_INCREMENT' : ''}`);
      items.push(`${random.pick(['', 'CONSTRAINT pk_x '])}PRIMARY KEY (\`id\`)${random.pick(['', ' USING BTREE'])}`);
    }
    if (random.chance(3)) items.push(this.#key(columns));
    if (random.chance(5)) items.push(`CONSTRAINT ck_${++this.#made} CHECK (1 = 1)`);
    const separator = random.pick([', ', ',\n  ', ' ,']);
    return `${start} (\n  ${items.join(separator)}\n)${this.#options(keyed < 4)}`;
  }

  #key(columns: readonly string[]): string {
    const random = this.#random;
    const parts = random.some(columns, 1 + random.below(3)).map((column) => this.#part(column));
    const kind = random.pick(['KEY', 'INDEX', 'UNIQUE', 'UNIQUE KEY', 'UNIQUE INDEX']);
    const name = random.chance(3) ? '' : ` ${this.#name(`${random.pick(['by', 'idx', 'uq'])}_${++this.#made}`)}`;
    return `${kind}${name} (${parts.join(', ')})${random.pick(['', '', ' USING BTREE', " COMMENT 'x, y'"])}`;
  }

  #part(column: string): string {
    return `${this.#name(column)}${this.#random.pick(['', '', '', ' DESC', '(10)'])}`;
  }

  #options(hasId: boolean): string {
    const random = this.#random;
    const options = random.some(
      [
        'ENGINE=InnoDB',
        random.pick([
          'DEFAULT CHARSET=utf8mb4',
          'CHARACTER SET latin1',
          'DEFAULT CHARACTER SET = utf8',
          'CHARSET utf8mb4 COLLATE utf8mb4_bin',
        ]),
        "COMMENT='a table, (with) it''s comment'",
        'ROW_FORMAT=DYNAMIC',
        'AUTO_INCREMENT=17',
        'STATS_PERSISTENT=0',
      ],
      random.below(4),
    );
    const partitions = random.pick([
      'PARTITION BY HASH (id) PARTITIONS 3',
      "PARTITION BY RANGE (id) (PARTITION p0 VALUES LESS THAN (1000000) COMMENT = 'x', PARTITION p1 VALUES LESS THAN MAXVALUE)",
      'PARTITION BY KEY (id)',
    ]);
    return ` ${options.join(random.pick([' ', ', ']))}${hasId && random.chance(8) ? ` ${partitions}` : ''}`;
  }

  #alter(table: TableState, tables: readonly TableState[]): string {
    const random = this.#random;
    const taken = table.columns.map(({ name }) => name);
    const actions: string[] = [];
    for (let i = 0; i < random.pick([1, 1, 1, 2, 3]); i++) {
      const action = this.#action(table, taken, tables);
      if (actions.length === 0 || !isBestAlone(action, table)) actions.push(action);
      if (isBestAlone(action, table)) break;
    }
    const hint = random.pick(['', '', '', '/* gh-ost */ ', '/*!50100 */ ']);
    return `${random.pick(['ALTER TABLE', 'alter table', 'ALTER  TABLE'])} ${hint}${this.#name(table.name)} ${actions.join(', ')}`;
  }

  /** `taken` gets the names that the action brings, so that two actions do not bring the same. */
  #action(table: TableState, taken: string[], tables: readonly TableState[]): string {
    const random = this.#random;
    const columns = table.columns.map(({ name }) => name);
    const column = this.#name(random.pick(columns));
    const fresh = (): string => {
      const name = this.#newColumn(taken);
      taken.push(name);
      return this.#name(name);
    };
    const place = random.pick(['', '', '', ' FIRST', ` AFTER ${this.#name(random.pick(columns))}`]);
    const key = this.#name(random.pick(table.keys.filter(({ name }) => name !== 'PRIMARY'))?.name ?? 'nothing');
    const canRename =
      this.#dialect.flavor === 'mysql' ? this.#dialect.version >= 80_000 : this.#dialect.version >= 100_502;
    const actions: (() => string)[] = [
      () => `ADD ${random.pick(['', 'COLUMN '])}${fresh()} ${this.#definition(random.pick(columns))}${place}`,
      () => `ADD COLUMN (${fresh()} ${this.#definition(undefined)}, ${fresh()} ${this.#definition(undefined)})`,
      () => `DROP ${random.pick(['', 'COLUMN '])}${column}`,
      () => `MODIFY ${random.pick(['', 'COLUMN '])}${column} ${this.#definition(undefined)}${place}`,
      () => `CHANGE ${random.pick(['', 'COLUMN '])}${column} ${fresh()} ${this.#definition(undefined)}${place}`,
      () => `CHANGE ${column} ${column} ${this.#definition(undefined)}`,
      () => (canRename ? `RENAME COLUMN ${column} TO ${fresh()}` : `ADD ${fresh()} INT`),
      () => `ADD ${this.#key(columns)}`,
      () => `DROP ${random.pick(['INDEX', 'KEY'])} ${key}`,
      () => `ALTER ${random.pick(['', 'COLUMN '])}${column} DROP DEFAULT`,
      () => random.pick(['DROP PRIMARY KEY', `ADD PRIMARY KEY (${column})`]),
      () =>
        `CONVERT TO CHARACTER SET ${random.pick(['utf8mb4', 'latin1', 'utf8mb4 COLLATE utf8mb4_unicode_ci', 'utf8'])}`,
      () =>
        random.pick([
          'DEFAULT CHARSET = latin1',
          'CHARACTER SET utf8mb4',
          'COLLATE utf8mb4_bin',
          "COMMENT = 'x'",
          'ENGINE=InnoDB',
          'FORCE',
        ]),
      () => `RENAME ${random.pick(['', 'TO ', 'AS '])}${this.#name(this.#newTable(tables))}`,
      () => `ORDER BY ${column}`,
    ];
    const weights = [0, 0, 0, 0, 0, 0, 1, 2, 2, 3, 3, 3, 3, 4, 4, 5, 6, 7, 7, 8, 9, 10, 11, 12, 12, 13, 14];
    return (actions[random.pick(weights)] as () => string)();
  }

  #index(table: TableState): string {
    const random = this.#random;
    const key = random.pick(table.keys.filter(({ name }) => name !== 'PRIMARY'));
    if (key !== undefined && random.chance(3)) return `DROP INDEX ${this.#name(key.name)} ON ${this.#name(table.name)}`;
    const columns = random.some(table.columns, 1 + random.below(2)).map(({ name }) => this.#part(name));
    return `CREATE ${random.pick(['', 'UNIQUE '])}INDEX ix_${++this.#made} ON ${this.#name(table.name)} (${columns.join(',')})`;
  }

  /** One table, or two that change places by a third name, as tools for online DDL do it. */
  #rename(table: TableState, tables: readonly TableState[]): string {
    const other = this.#random.pick(tables);
    const [first, second] = [this.#name(table.name), this.#name(other.name)];
    if (other === table) return `RENAME TABLE ${first} TO ${this.#name(this.#newTable(tables))}`;
    return `RENAME TABLE ${first} TO _swap_del, ${second} TO ${first}, _swap_del TO ${second}`;
  }

  /** What changes no table, though its text may look like it. */
  #noise(table: TableState): string {
    const name = this.#name(table.name);
    const made = ++this.#made;
    return this.#random.pick([
      `CREATE OR REPLACE VIEW v_${made} AS SELECT * FROM ${name}`,
      `CREATE TRIGGER tr_${made} BEFORE DELETE ON ${name} FOR EACH ROW SET @x = 'ALTER TABLE ${table.name.replaceAll("'", '')} DROP COLUMN x'`,
      `CREATE PROCEDURE pr_${made}() BEGIN CREATE TEMPORARY TABLE tt (x INT); ALTER TABLE tt ADD y INT; DROP TABLE tt; END`,
      `CREATE TEMPORARY TABLE tmp_${made} (x INT)`,
      'CREATE VIEW IF_NOT AS SELECT 1',
      `ANALYZE TABLE ${name}`,
      `CREATE EVENT ev_${made} ON SCHEDULE EVERY 1 DAY DISABLE DO ALTER TABLE nowhere ADD x INT`,
      'DROP TABLE IF EXISTS nothing_there',
      `CREATE FUNCTION fu_${made}() RETURNS INT DETERMINISTIC RETURN 1`,
    ]);
  }
}

/**
 * What servers do beside other actions is not to be learned from: MySQL miscounts a TEXT that is redefined and converted at once, and MariaDB leaves the old
 * name of a table behind when it has special characters.
 */
function isBestAlone(action: string, table: TableState): boolean {
  return (
    /^(?:CONVERT|DEFAULT CHARSET|CHARACTER SET|COLLATE)/.test(action) ||
    (/^RENAME (?!COLUMN)/.test(action) && /\W/.test(table.name))
  );
}

const KEYWORDS: ReadonlySet<string> = new Set('SELECT KEY FROM CHECK PRIMARY UNIQUE INDEX COLUMN'.split(' '));
