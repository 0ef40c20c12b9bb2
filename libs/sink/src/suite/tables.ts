import type { Column, Table } from '@tapline/schema';
import type { TableCatalog, TablePlace, TableShape } from '../tables.ts';

export const SUITE_SOURCE = 'suite';
const DATABASE = 'shop';
const NAME = 'item';
export const SUITE_TOPIC: string = `${SUITE_SOURCE}.${DATABASE}.${NAME}`;

/**
 * The suite's table with these columns, as CREATE TABLE has them: `{ id: 'int', name: 'varchar(100)' }`. Texts are in utf8mb4, compared by bytes.
 *
 * @param key its primary key: `id` unless something else is said.
 */
export function suiteTable(columns: Readonly<Record<string, string>>, key: readonly string[] = ['id']): Table {
  return {
    database: DATABASE,
    name: NAME,
    columns: Object.entries(columns).map(([name, columnType]) => column(name, columnType, !key.includes(name))),
    primaryKey: key,
    uniqueKeys: [],
  };
}

const TEXT_TYPE = /^(?:char|varchar|(?:tiny|medium|long)?text|enum|set)$/;

function column(name: string, columnType: string, nullable: boolean): Column {
  const [, type = '', inside] = /^([a-z]+)(?:\((.*)\))?/.exec(columnType) ?? [];
  const isList = type === 'enum' || type === 'set';
  const numbers = isList ? [] : (inside?.split(',').map(Number) ?? []);
  return {
    name,
    type,
    columnType,
    nullable,
    unsigned: columnType.endsWith(' unsigned'),
    ...(TEXT_TYPE.test(type) ? { charset: 'utf8mb4', collation: 'utf8mb4_bin' } : {}),
    ...(isList ? { members: inside?.split(',').map((member) => member.slice(1, -1)) ?? [] } : {}),
    ...(type === 'decimal' ? { precision: numbers[0] ?? 10, scale: numbers[1] ?? 0 } : {}),
    ...(/^(?:datetime|timestamp|time)$/.test(type) ? { fsp: numbers[0] ?? 0 } : {}),
    ...(/^(?:var)?(?:char|binary)$|^bit$/.test(type) ? { length: numbers[0] ?? 1 } : {}),
  };
}

/** The catalogue that a bench gives to its sinks: one table, which cases alter. */
export class SuiteTables implements TableCatalog {
  #table: Table;
  #version = 1;

  constructor(table: Table) {
    this.#table = table;
  }

  get table(): Table {
    return this.#table;
  }

  alter(table: Table): void {
    this.#table = table;
    this.#version++;
  }

  describe({ topic }: TablePlace): Promise<TableShape | undefined> {
    if (topic !== SUITE_TOPIC) return Promise.resolve(undefined);
    const messageKey = this.#table.primaryKey ?? [];
    const shape = { ...this.#table, source: SUITE_SOURCE, messageKey, shaped: new Set<string>() };
    return Promise.resolve({ ...shape, historyVersion: this.#version });
  }

  statements(): Promise<readonly never[]> {
    return Promise.resolve([]);
  }
}
