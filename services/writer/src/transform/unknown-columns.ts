import { nearest } from '@tapline/kernel';
import { columnsNamed } from './expression/expression.ts';
import { matcherOf } from './matcher.ts';
import type { PlainStep, TransformStep } from './steps.ts';

/** A table behind a topic, with the columns that its rows have. */
export interface KnownTable {
  readonly topic: string;
  /** `<database>.<table>` */
  readonly table: string;
  readonly columns: readonly string[];
}

/** A column that a step names and none of the tables has. */
export interface UnknownColumn {
  readonly path: string;
  readonly column: string;
  readonly meant: string | undefined;
}

/**
 * Columns that steps name and that no table which comes to the step has, most often misspelt: a mask that hides nothing would go unnoticed. Behind a step
 * whose columns cannot be known (a module, `flatten`) nothing is said. A table may have lost a column that older records still have, so it is told, not refused.
 */
export function unknownColumns(steps: readonly TransformStep[], tables: readonly KnownTable[]): UnknownColumn[] {
  const uses = new Map<string, Use>();
  for (const known of tables) {
    const names = new Names(known.columns);
    for (const [index, step] of steps.entries()) {
      const path = `transform[${index}]`;
      if (!('for' in step)) names.pass(step, path, uses);
      else if (matcherOf(step.for)(known)) {
        for (const [inner, one] of step.for.steps.entries()) names.pass(one, `${path}.for.steps[${inner}]`, uses);
      }
    }
  }
  return [...uses.values()]
    .filter(({ found }) => !found)
    .map(({ path, column, others }) => ({ path, column, meant: nearest(column, [...others]) }));
}

interface Use {
  readonly path: string;
  readonly column: string;
  found: boolean;
  readonly others: Set<string>;
}

/** The columns of one table's rows on their way through the steps. */
class Names {
  #names: Set<string>;
  #isOpen = false;

  constructor(columns: readonly string[]) {
    this.#names = new Set(columns);
  }

  pass(step: PlainStep, path: string, uses: Map<string, Use>): void {
    for (const [key, columns] of named(step)) for (const column of columns) this.#use(`${path}.${key}`, column, uses);
    if ('include' in step) this.#names = new Set(step.include.filter((name) => this.#names.has(name)));
    if ('exclude' in step) for (const name of step.exclude) this.#names.delete(name);
    if ('rename' in step) this.#names = new Set([...this.#names].map((name) => step.rename[name] ?? name));
    for (const name of made(step)) this.#names.add(name);
    if ('module' in step || 'flatten' in step) this.#isOpen = true;
  }

  #use(path: string, column: string, uses: Map<string, Use>): void {
    const name = `${path} ${column}`;
    const use: Use = uses.get(name) ?? { path, column, found: false, others: new Set() };
    uses.set(name, use);
    if (this.#isOpen || this.#names.has(column)) use.found = true;
    for (const other of this.#names) use.others.add(other);
  }
}

/** The columns that a step asks for, by its key. */
function named(step: PlainStep): readonly (readonly [key: string, columns: readonly string[]])[] {
  if ('include' in step) return [['include', step.include]];
  if ('exclude' in step) return [['exclude', step.exclude]];
  if ('rename' in step) return [['rename', Object.keys(step.rename)]];
  if ('mask' in step) return [['mask', Object.keys(step.mask)]];
  if ('cast' in step) return [['cast', Object.keys(step.cast)]];
  if ('flatten' in step) return [['flatten', Object.keys(step.flatten)]];
  if ('template' in step) {
    return [
      [
        'template',
        Object.values(step.template).flatMap((text) =>
          [...text.matchAll(/\$\{([^}]+)\}/g)].map(([, name = '']) => name),
        ),
      ],
    ];
  }
  if ('compute' in step) return [['compute', Object.values(step.compute).flatMap(columnsNamed)]];
  if ('filter' in step) return [['filter', columnsNamed(step.filter)]];
  if ('where' in step) return [['where', columnsNamed(step.where)]];
  return [];
}

function made(step: PlainStep): readonly string[] {
  if ('template' in step) return Object.keys(step.template);
  if ('constant' in step) return Object.keys(step.constant);
  return 'compute' in step ? Object.keys(step.compute) : [];
}
