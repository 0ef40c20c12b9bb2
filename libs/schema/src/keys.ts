import { TaplineError } from '@tapline/kernel';
import { compileTablePattern, type LowerCaseTableNames, patternOf, type TablePattern } from './pattern.ts';
import type { Column, Table } from './table.ts';

/** The config's choice for one table: the columns that make its message key, or `append`: no key, every change is kept as it comes. */
export type KeyChoice = 'append' | readonly string[];

/** `keys` of the reader's configuration: table pattern → choice. */
export type KeysConfig = Readonly<Record<string, KeyChoice>>;

export interface KeysOptions {
  readonly lowerCaseTableNames: LowerCaseTableNames;
  /** Config key of the choices, for errors. Default: `keys`. */
  readonly path?: string;
}

/** Decides every table's message key. */
export interface TableKeys {
  /**
   * The columns of the table's message key in key order; undefined for an `append` table. A choice in the configuration goes before the
   * primary key, and one that names the table exactly goes before one with a star.
   *
   * @throws TaplineError SCHEMA_NO_KEY when the table has no primary key and no choice; CONFIG_INVALID when the choice does not fit it.
   */
  columnsOf(table: Table): readonly string[] | undefined;
  /** Entries of the configuration that fit none of these tables: likely misspelt. */
  unmatched(tables: Iterable<{ readonly database: string; readonly name: string }>): readonly string[];
}

interface KeyEntry {
  readonly pattern: TablePattern;
  readonly choice: KeyChoice;
}

/** @throws TaplineError CONFIG_INVALID for a pattern that no table can match or a choice that is neither `append` nor column names. */
export function compileKeys(config: KeysConfig, options: KeysOptions): TableKeys {
  const path = options.path ?? 'keys';
  const entries = Object.entries(config).map(([text, choice]): KeyEntry => {
    checkChoice(choice, `${path}["${text}"]`);
    return { pattern: compileTablePattern(text, options.lowerCaseTableNames, path), choice };
  });
  entries.sort((left, right) => Number(right.pattern.exact) - Number(left.pattern.exact));
  return {
    columnsOf: (table) => {
      const entry = entries.find(({ pattern }) => pattern.matches(table.database, table.name));
      if (entry !== undefined) return chosenColumns(table, entry, path);
      if (table.primaryKey === undefined) throw noKey(table, path);
      return table.primaryKey;
    },
    unmatched: (tables) => {
      const all = [...tables];
      return entries
        .filter(({ pattern }) => !all.some((table) => pattern.matches(table.database, table.name)))
        .map(({ pattern }) => pattern.text);
    },
  };
}

/** `compileKeys(...).columnsOf(table)` for a single table. */
export function keyColumnsOf(
  table: Table,
  config: KeysConfig,
  options: KeysOptions = { lowerCaseTableNames: 0 },
): readonly string[] | undefined {
  return compileKeys(config, options).columnsOf(table);
}

function checkChoice(choice: KeyChoice, path: string): void {
  if (choice === 'append') return;
  const isList: boolean = Array.isArray(choice);
  if (isList && choice.length > 0 && new Set(choice).size === choice.length) return;
  throw new TaplineError('CONFIG_INVALID', {
    message: `A table's key must be "append" or a list of different column names, not ${JSON.stringify(choice)}.`,
    place: { path },
    remedy: 'Write a list of columns that together identify a row, such as [order_id, line], or append.',
  });
}

function chosenColumns(table: Table, entry: KeyEntry, path: string): readonly string[] | undefined {
  if (entry.choice === 'append') return undefined;
  return entry.choice.map((name) => {
    const column = table.columns.find((candidate) => candidate.name.toLowerCase() === name.toLowerCase());
    if (column === undefined) {
      throw new TaplineError('CONFIG_INVALID', {
        message: `The key chosen for ${nameOf(table)} has the column "${name}", which the table does not have.`,
        place: { path: `${path}["${entry.pattern.text}"]`, table: nameOf(table) },
        remedy: `Choose among the table's columns: ${table.columns.map((candidate) => candidate.name).join(', ')}.`,
      });
    }
    // NULLs are never equal to each other in MySQL, but they are in a compacted topic: rows would vanish there.
    if (column.nullable) {
      throw new TaplineError('CONFIG_INVALID', {
        message: `The key chosen for ${nameOf(table)} has the column "${name}", which may be NULL: it does not identify a row.`,
        place: { path: `${path}["${entry.pattern.text}"]`, table: nameOf(table) },
        remedy: `Choose columns that are NOT NULL, or write "${entry.pattern.text}": append.`,
      });
    }
    return column.name;
  });
}

function noKey(table: Table, path: string): TaplineError {
  const name = nameOf(table);
  const line = (choice: string): string => `  ${JSON.stringify(patternOf(table.database, table.name))}: ${choice}`;
  const unique = notNullUniqueKey(table);
  const columns = unique === undefined ? '[column, …]' : `[${unique.join(', ')}]`;
  const why =
    unique === undefined
      ? 'columns that together identify a row'
      : 'the columns of a unique key of the table, all of them NOT NULL';
  return new TaplineError('SCHEMA_NO_KEY', {
    message: `${name} has no primary key, so its changes have no message key.`,
    place: { table: name, path },
    remedy: `Add one of these lines under "${path}:" in the reader's configuration:\n${line(columns)}   # ${why}\n${line('append')}   # no key: every change is kept as it comes, nothing is compacted`,
  });
}

function nameOf(table: Table): string {
  return `${table.database}.${table.name}`;
}

/**
 * Columns along which the table can be read in key ranges without losing or doubling a row: the primary key, else a unique key whose columns
 * can hold no NULL; undefined when there is neither.
 */
export function uniqueColumnsOf(table: Table): readonly string[] | undefined {
  return table.primaryKey ?? notNullUniqueKey(table);
}

function notNullUniqueKey(table: Table): readonly string[] | undefined {
  const nullable = new Set(table.columns.filter((column: Column) => column.nullable).map((column) => column.name));
  return table.uniqueKeys.find((key) => key.columns.every((name) => !nullable.has(name)))?.columns;
}
