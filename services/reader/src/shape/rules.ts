import type { ColumnShape, ColumnShapes } from '@tapline/envelope';
import { TaplineError } from '@tapline/kernel';
import {
  type Column,
  compileTablePattern,
  type LowerCaseTableNames,
  type Table,
  type TablePattern,
} from '@tapline/schema';
import type { OutboxConfig, ShapeConfig, ShapeRule } from './config.ts';
import { parseExpression } from './expression/parse.ts';

export type Operation = 'create' | 'update' | 'delete';
export type SharedTopic = ShapeRule['sharedTopic'];

/** Where the rules send a table's changes. */
export interface Destination {
  /** The topic's name as it is written in the rule. */
  readonly topic: string | undefined;
  readonly sharedTopic: SharedTopic;
  readonly partitions: number | undefined;
  readonly config: Readonly<Record<string, string>>;
  readonly outbox: OutboxConfig | undefined;
}

/** What the rules say of one table, put together. */
export interface TableShape extends Destination {
  readonly columns: ColumnShapes;
  /** undefined: all of them. */
  readonly operations: ReadonlySet<Operation> | undefined;
  readonly where: string | undefined;
}

/** A table that no rule is for. */
const PLAIN: TableShape = {
  columns: new Map(),
  operations: undefined,
  where: undefined,
  topic: undefined,
  sharedTopic: 'refuse',
  partitions: undefined,
  config: {},
  outbox: undefined,
};

interface CompiledRule {
  readonly rule: ShapeRule;
  readonly patterns: readonly TablePattern[];
  readonly path: string;
  readonly shapes: readonly (readonly [string, ColumnShape])[];
}

/** The rules under `shape`: what of each table is published, and how. */
export class Shape {
  readonly #rules: readonly CompiledRule[];

  private constructor(rules: readonly CompiledRule[]) {
    this.#rules = rules;
  }

  /** @throws TaplineError CONFIG_INVALID for what is wrong whatever the tables are; SHAPE_MISMATCH for a condition that cannot be read. */
  static compile(config: ShapeConfig, lowerCaseTableNames: LowerCaseTableNames): Shape {
    return new Shape(
      config.rules.map((rule, i) => {
        const path = `shape.rules[${i}]`;
        const patterns = rule.tables.map((text, n) =>
          compileTablePattern(text, lowerCaseTableNames, `${path}.tables[${n}]`),
        );
        if (rule.where !== undefined) parseExpression(rule.where);
        return { rule, patterns, path, shapes: columnShapes(rule, path, config.salt) };
      }),
    );
  }

  /** Whether any rule is for this table. */
  isFor(table: Pick<Table, 'database' | 'name'>): boolean {
    return this.#for(table).length > 0;
  }

  /** Whatever columns the table has. */
  destinationOf(table: Pick<Table, 'database' | 'name'>): Destination {
    return this.#for(table).reduce<Destination>((destination, { rule }) => withRule(destination, rule), PLAIN);
  }

  /** @throws TaplineError SHAPE_MISMATCH when a rule names a column that the table lacks. */
  of(table: Table): TableShape {
    const rules = this.#for(table);
    if (rules.length === 0) return PLAIN;
    const columns = new Map<string, ColumnShape>();
    let shape = PLAIN;
    for (const compiled of rules) {
      const { rule } = compiled;
      for (const [name, column] of compiled.shapes) {
        const found = columnOf(table, name, compiled);
        if (found !== undefined) columns.set(found.name, column);
      }
      for (const name of outboxColumns(rule.outbox)) requireColumn(table, name, compiled);
      shape = {
        ...withRule(shape, rule),
        columns,
        operations: rule.operations === undefined ? shape.operations : new Set(rule.operations),
        where: rule.where ?? shape.where,
      };
    }
    return shape;
  }

  #for(table: Pick<Table, 'database' | 'name'>): readonly CompiledRule[] {
    return this.#rules.filter(({ patterns }) => matches(patterns, table));
  }

  /** Patterns that match none of these tables: likely misspelt. */
  unmatched(tables: Iterable<Pick<Table, 'database' | 'name'>>): readonly string[] {
    const all = [...tables];
    return this.#rules
      .flatMap(({ patterns }) => patterns)
      .filter((pattern) => !all.some(({ database, name }) => pattern.matches(database, name)))
      .map(({ text }) => text);
  }
}

function withRule(before: Destination, rule: ShapeRule): Destination {
  return {
    topic: rule.topic ?? before.topic,
    sharedTopic: rule.topic === undefined ? before.sharedTopic : rule.sharedTopic,
    partitions: rule.partitions ?? before.partitions,
    config: { ...before.config, ...rule.config },
    outbox: rule.outbox ?? before.outbox,
  };
}

function matches(patterns: readonly TablePattern[], { database, name }: Pick<Table, 'database' | 'name'>): boolean {
  return patterns.some((pattern) => pattern.matches(database, name));
}

function columnShapes(rule: ShapeRule, path: string, salt: string | undefined): (readonly [string, ColumnShape])[] {
  if (rule.hash.length > 0 && salt === undefined) {
    throw new TaplineError('CONFIG_INVALID', {
      message: `${path}.hash needs shape.salt.`,
      place: { path: 'shape.salt' },
      remedy: 'Give a secret of 16 characters or more, best as ${env:NAME} or ${file:/path}.',
    });
  }
  const shapes: (readonly [string, ColumnShape])[] = [
    ...rule.exclude.map((name) => [name, { kind: 'exclude' }] as const),
    ...Object.entries(rule.mask).map(([name, text]) => [name, { kind: 'mask', text }] as const),
    ...rule.hash.map((name) => [name, { kind: 'hash', salt: salt ?? '' }] as const),
    ...Object.entries(rule.truncate).map(([name, characters]) => [name, { kind: 'truncate', characters }] as const),
  ];
  const seen = new Set<string>();
  for (const [name] of shapes) {
    const folded = name.toLowerCase();
    if (seen.has(folded)) {
      throw new TaplineError('CONFIG_INVALID', {
        message: `${path} says two things of the column ${name}.`,
        place: { path },
        remedy: 'Name a column once: under exclude, mask, hash or truncate.',
      });
    }
    seen.add(folded);
  }
  return shapes;
}

function outboxColumns(outbox: OutboxConfig | undefined): readonly string[] {
  if (outbox === undefined) return [];
  const { type, key, payload, id, headers } = outbox;
  return [type, key, payload, id, ...Object.values(headers)];
}

function columnOf(table: Table, name: string, rule: CompiledRule): Column | undefined {
  return rule.rule.optional ? findColumn(table, name) : requireColumn(table, name, rule);
}

function requireColumn(table: Table, name: string, { path, rule }: CompiledRule): Column {
  const found = findColumn(table, name);
  if (found !== undefined) return found;
  throw new TaplineError('SHAPE_MISMATCH', {
    message: `${path} (${rule.tables.join(', ')}) names the column ${name}, which ${table.database}.${table.name} does not have.`,
    place: { table: `${table.database}.${table.name}`, path },
    remedy: `Correct the name, or write optional: true when only some of the tables have it. The table has: ${table.columns.map((column) => column.name).join(', ')}.`,
  });
}

/** Column names are the same in any case. */
export function findColumn(table: Table, name: string): Column | undefined {
  return table.columns.find((column) => column.name.toLowerCase() === name.toLowerCase());
}
