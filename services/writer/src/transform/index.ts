import { TaplineError } from '@tapline/kernel';
import type { Change } from '@tapline/sink';
import { excluding, including, keepingRows, renaming, renamingKey } from './columns.ts';
import { Expressions } from './expression/expression.ts';
import { matcherOf } from './matcher.ts';
import { calling, type Modules } from './module.ts';
import type { Transform } from './rows.ts';
import type { PlainStep, TransformStep } from './steps.ts';
import { casting, computing, constants, flattening, masking, templates } from './values.ts';

export interface TransformParts {
  /** What `hash` is keyed with: without it, whoever knows a value finds it again. */
  readonly secret: string;
  /** Modules that are loaded, by path as the steps have it. Absent: the steps are only checked. */
  readonly modules?: Modules | undefined;
}

/**
 * Compiles the steps, in their order. Steps change rows (`before`, `after`); the key stays the table's but for `renameKey`, `mask` by hash, and a
 * module that says so, none of which brings two rows under one key. A tombstone has no rows: it passes, but for filters on `op`, `key` and names.
 *
 * @throws TaplineError CONFIG_INVALID with the path of the step. The transform throws TRANSFORM_FAILED (poison), TRANSFORM_COLUMN and ROW_PARTIAL.
 */
export function compileTransforms(steps: readonly TransformStep[], parts: TransformParts): Transform {
  const compiler = new Compiler(parts);
  return chain(steps.map((step, index) => compiler.step(step, `transform[${index}]`)));
}

const same: Transform = (change) => change;

function chain(steps: readonly Transform[]): Transform {
  const [only = same] = steps;
  if (steps.length <= 1) return only;
  return (change) => {
    let current: Change | undefined = change;
    for (const step of steps) {
      current = step(current);
      if (current === undefined) return undefined;
    }
    return current;
  };
}

class Compiler {
  readonly #parts: TransformParts;
  readonly #expressions: Expressions;

  constructor(parts: TransformParts) {
    this.#parts = parts;
    this.#expressions = new Expressions(parts.secret);
  }

  step(step: TransformStep, path: string): Transform {
    if (!('for' in step)) return this.#plain(step, path);
    const { tables = [], topics = [], steps } = step.for;
    if (tables.length + topics.length === 0) {
      throw new TaplineError('CONFIG_INVALID', {
        message: `${path}.for names neither tables nor topics.`,
        place: { path: `${path}.for` },
      });
    }
    const inner = chain(steps.map((one, index) => this.#plain(one, `${path}.for.steps[${index}]`)));
    return onlyFor(matcherOf(step.for), inner);
  }

  #plain(step: PlainStep, path: string): Transform {
    if ('include' in step) return including(step.include);
    if ('exclude' in step) return excluding(step.exclude);
    if ('rename' in step) return renaming(step.rename, `${path}.rename`);
    if ('renameKey' in step) return renamingKey(step.renameKey, `${path}.renameKey`);
    if ('mask' in step) return masking(step.mask, `${path}.mask`, this.#parts.secret);
    if ('cast' in step) return casting(step.cast, `${path}.cast`);
    if ('flatten' in step) return flattening(step.flatten, `${path}.flatten`);
    if ('template' in step) return templates(step.template, `${path}.template`);
    if ('constant' in step) return constants(step.constant);
    if ('compute' in step) return this.#compute(step.compute, `${path}.compute`);
    if ('module' in step) return this.#module(step.module, `${path}.module`);
    if ('where' in step) return keepingRows(this.#expressions.rowCondition(step.where, `${path}.where`));
    const keep = this.#expressions.condition(step.filter, `${path}.filter`);
    return (change) => (keep(change) ? change : undefined);
  }

  #compute(texts: Readonly<Record<string, string>>, path: string): Transform {
    const expressions = Object.entries(texts).map(
      ([column, text]) => [column, this.#expressions.value(text, `${path}.${column}`)] as const,
    );
    return computing(new Map(expressions), path);
  }

  #module(name: string, path: string): Transform {
    const { modules } = this.#parts;
    if (modules === undefined) return same;
    const module = modules.get(name);
    if (module === undefined) throw new TaplineError('INTERNAL', { message: `The module of ${path} was not loaded.` });
    return calling(module, path);
  }
}

/** Which table a change is of is asked once a topic and table. */
function onlyFor(isChosen: ReturnType<typeof matcherOf>, inner: Transform): Transform {
  const known = new Map<string, boolean>();
  return (change) => {
    const { topic } = change;
    const table = tableOf(change);
    const name = `${topic} ${table}`;
    let chosen = known.get(name);
    if (chosen === undefined) {
      chosen = isChosen({ topic, table });
      known.set(name, chosen);
    }
    return chosen ? inner(change) : change;
  };
}

/** A tombstone does not say its table: its topic is `<source>.<database>.<table>`. */
function tableOf({ source, topic }: Change): string {
  return source === null ? topic.slice(topic.indexOf('.') + 1) : `${source.db}.${source.table}`;
}
