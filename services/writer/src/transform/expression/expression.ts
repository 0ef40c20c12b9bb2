import { type ASTNode, Environment, EvaluationError } from '@marcbachmann/cel-js';
import { TaplineError } from '@tapline/kernel';
import type { Change, Row, Value } from '@tapline/sink';
import { Decimal } from './decimal.ts';
import { CHANGE_VARIABLES, environment, ROW_VARIABLES, TEXT_VARIABLES } from './environment.ts';

/** What an expression sees. */
interface Scope {
  readonly op: string;
  readonly source: string | null;
  readonly db: string | null;
  readonly table: string | null;
  readonly topic: string;
  readonly key: Row;
  readonly row: Row;
  readonly before: Row;
  readonly after: Row;
}

/** A compiled expression of one place in the configuration. */
export interface Expression {
  /** Whether it looks at columns of `row`, `before` or `after`, which a tombstone lacks. */
  readonly usesRows: boolean;
  /** Columns that it names, by variable. */
  readonly columns: ReadonlyMap<string, ReadonlySet<string>>;
  /** @throws TaplineError ROW_PARTIAL, TRANSFORM_COLUMN, TRANSFORM_FAILED. */
  evaluate(change: Change, row: Row | null, image: 'before' | 'after'): unknown;
}

/** Compiles expressions of one writer. */
export class Expressions {
  readonly #change: Environment;
  readonly #row: Environment;

  /** @param secret what `hash()` is keyed with. */
  constructor(secret: string) {
    this.#change = environment(CHANGE_VARIABLES, secret);
    this.#row = environment(ROW_VARIABLES, secret);
  }

  /** Over a change: `row` is the row after it, or before it when it was deleted. @throws TaplineError CONFIG_INVALID. */
  condition(text: string, path: string): (change: Change) => boolean {
    return condition(compile(this.#change, text, path, ['bool']), path);
  }

  /** Over the row after a change. @throws TaplineError CONFIG_INVALID. */
  rowCondition(text: string, path: string): (change: Change) => boolean {
    return condition(compile(this.#row, text, path, ['bool']), path);
  }

  /** Over one image of a row, `row`. @throws TaplineError CONFIG_INVALID. */
  value(text: string, path: string): Expression {
    return compile(this.#row, text, path, undefined);
  }
}

function condition(expression: Expression, path: string): (change: Change) => boolean {
  return (change) => {
    const { after, before } = change;
    // A tombstone has no row to be judged by: to delete what is not there does no harm, to leave a deleted row there does.
    if (change.tombstone && expression.usesRows) return true;
    const held = expression.evaluate(change, after ?? before, after === null ? 'before' : 'after');
    if (typeof held === 'boolean') return held;
    throw failed(path, 'The expression is neither true nor false.');
  };
}

/** What an expression gave, as a column's value. @throws TaplineError TRANSFORM_FAILED. */
export function columnValue(result: unknown, path: string): Value {
  if (result === null || typeof result === 'string' || typeof result === 'boolean') return result;
  if (typeof result === 'number' || typeof result === 'bigint' || result instanceof Uint8Array) return result;
  if (result instanceof Decimal) return result.toString();
  if (result instanceof Date) return result.toISOString();
  throw failed(path, 'The expression gives a list, a map or a type, which is no column’s value.');
}

function compile(env: Environment, text: string, path: string, types: readonly string[] | undefined): Expression {
  const program = parse(env, text, path);
  const columns = columnsOf(program.ast);
  const { valid, type = 'dyn', error } = program.check();
  if (!valid) throw refused(text, path, error);
  if (types !== undefined && type !== 'dyn' && !types.includes(type)) {
    throw new TaplineError('CONFIG_INVALID', {
      message: `${path} must be true or false, but gives ${type}.`,
      place: { path },
    });
  }
  const empty = new Map([...columns].map(([name, used]) => [name, nullRow(used)]));
  const none: Row = {};
  const image = (row: Row | null, name: string): Row => row ?? empty.get(name) ?? none;
  return {
    columns,
    usesRows: ['row', 'before', 'after'].some((name) => columns.has(name)),
    evaluate(change, row, rowImage) {
      const { op, topic, key, before, after, source } = change;
      const scope: Scope = {
        op,
        topic,
        source: source?.name ?? null,
        db: source?.db ?? null,
        table: source?.table ?? null,
        key: image(key, 'key'),
        row: image(row, 'row'),
        before: image(before, 'before'),
        after: image(after, 'after'),
      };
      try {
        return program(scope);
      } catch (error) {
        throw explained(error, path, change, rowImage);
      }
    },
  };
}

function parse(env: Environment, text: string, path: string): ReturnType<Environment['parse']> {
  try {
    return env.parse(text);
  } catch (error) {
    throw refused(text, path, error);
  }
}

/** The library's errors have a summary and the range of the text that they are about. */
interface CelProblem {
  readonly summary?: string;
  readonly message: string;
  readonly code?: string;
  readonly range?: { readonly start: number };
  readonly node?: ASTNode;
}

function refused(text: string, path: string, error: unknown): TaplineError {
  const { summary, message, range, code } = error as CelProblem;
  const what = text.trim() === '' ? 'the expression is empty' : (summary ?? message);
  const known =
    code === 'unknown_variable' ? `; there are ${[...TEXT_VARIABLES, 'row.COLUMN, key.COLUMN'].join(', ')}` : '';
  return new TaplineError('CONFIG_INVALID', {
    message: `${path}, column ${(range?.start ?? 0) + 1}: ${what}${known}.`,
    remedy:
      'Expressions are CEL: == and !=, && for and, || for or, ! for not, x in [1, 2], row.COLUMN or row["odd column"]. docs/transforms.md has examples.',
    place: { path },
    cause: error,
  });
}

/** What went wrong with a row: a column that it does not carry, one that it does not have, or values that do not go together. */
function explained(error: unknown, path: string, change: Change, rowImage: 'before' | 'after'): TaplineError {
  const { code, node, summary, message } = error as CelProblem;
  const use = code === 'no_such_key' && node !== undefined ? columnUse(node) : undefined;
  if (use === undefined) {
    const what = error instanceof EvaluationError ? (summary ?? message) : message;
    return failed(path, `The expression cannot be evaluated: ${what}.`, error);
  }
  const image = use.image === 'row' ? rowImage : use.image;
  const isAbsent = image !== 'key' && change.absent?.[image as 'before' | 'after'].includes(use.column) === true;
  if (isAbsent) {
    return new TaplineError('ROW_PARTIAL', {
      message: `${path} asks for the column ${use.column}, which the row does not carry.`,
      place: { path },
    });
  }
  return new TaplineError('TRANSFORM_COLUMN', {
    message: `${path} asks for ${use.image}.${use.column}, which rows of ${change.topic} do not have.`,
    place: { path },
  });
}

export function failed(path: string, message: string, cause?: unknown): TaplineError {
  return new TaplineError('TRANSFORM_FAILED', { message: `${path}: ${message}`, place: { path }, cause });
}

function nullRow(columns: ReadonlySet<string>): Row {
  return Object.fromEntries([...columns].map((column) => [column, null]));
}

/** `row.a`, `row["a"]` */
function columnUse(node: ASTNode): { readonly image: string; readonly column: string } | undefined {
  if (node.op !== '.' && node.op !== '[]') return undefined;
  const [from, name] = node.args;
  if (from.op !== 'id') return undefined;
  const column = typeof name === 'string' ? name : name.op === 'value' ? name.args : undefined;
  return typeof column === 'string' ? { image: from.args, column } : undefined;
}

/** Columns of rows that an expression cannot do without, for who only wants to know; none of one that cannot be parsed. */
export function columnsNamed(text: string): string[] {
  try {
    const { ast } = new Environment().parse(text);
    const tested = new Set<string>();
    const all = columnsOf(ast, tested);
    return ['row', 'before', 'after']
      .flatMap((name) => [...(all.get(name) ?? [])])
      .filter((column) => !tested.has(column));
  } catch {
    return [];
  }
}

/** `tested`: gets the columns that `has()` asks for. */
function columnsOf(ast: ASTNode, tested: Set<string> = new Set()): Map<string, Set<string>> {
  const columns = new Map<string, Set<string>>();
  const visit = (node: unknown): void => {
    if (Array.isArray(node)) for (const item of node) visit(item);
    if (typeof node !== 'object' || node === null || !('op' in node)) return;
    const use = columnUse(node as ASTNode);
    if (use !== undefined) columns.set(use.image, (columns.get(use.image) ?? new Set()).add(use.column));
    const name = (node as ASTNode).op === 'id' ? (node as ASTNode).args : undefined;
    if (typeof name === 'string' && !columns.has(name)) columns.set(name, new Set());
    const call = node as ASTNode;
    if (call.op === 'call' && call.args[0] === 'has') {
      for (const arg of call.args[1]) tested.add(columnUse(arg)?.column ?? '');
    }
    visit(call.args);
  };
  visit(ast);
  return columns;
}
