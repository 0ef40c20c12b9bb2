import { TaplineError } from '@tapline/kernel';
import type { Change, Value } from '@tapline/sink';
import { type Token, tokenize } from './tokens.ts';

/*
 * The filter language, a small one on purpose: it can look at a change and nothing else, and every program in it ends.
 *
 *     expression = and { ("or" | "||") and }
 *     and        = not { ("and" | "&&") not }
 *     not        = [ "not" | "!" ] not | comparison
 *     comparison = operand [ ("==" | "!=" | "<" | "<=" | ">" | ">=") operand | ["not"] "in" list ]
 *     operand    = "(" expression ")" | literal | field
 *     list       = "[" literal { "," literal } "]"
 *     literal    = 'text' | "text" | number | "true" | "false" | "null"
 *     field      = "op" | "source" | "db" | "table" | "topic" | row "." name | row "[" 'name' "]"
 *     row        = "row" | "key" | "before" | "after"
 *
 * `row` is the row after the change, or before it when it was deleted. A comparison with NULL is false, except == null and != null. A number
 * is compared with a decimal's text by value.
 */

type Operand = Value | undefined;
type Node = (change: Change) => Operand;

export type Predicate = (change: Change) => boolean;

/** @throws TaplineError CONFIG_INVALID with the column of the mistake. */
export function compileExpression(text: string, path: string): Predicate {
  const parser = new Parser(text, path);
  const node = parser.whole();
  return (change) => truth(node(change));
}

class Parser {
  readonly #tokens: readonly Token[];
  readonly #path: string;
  #at = 0;

  constructor(text: string, path: string) {
    this.#path = path;
    this.#tokens = tokenize(text, (message, column) => this.#error(message, column));
  }

  whole(): Node {
    const node = this.#or();
    const rest = this.#peek();
    if (rest.kind !== 'end') throw this.#error(`expected and, or, or the end, got ${rest.text}`, rest.column);
    return node;
  }

  #or(): Node {
    const terms = [this.#and()];
    while (this.#take('or', '||')) terms.push(this.#and());
    return terms.length === 1 ? (terms[0] as Node) : (change) => terms.some((term) => truth(term(change)));
  }

  #and(): Node {
    const terms = [this.#not()];
    while (this.#take('and', '&&')) terms.push(this.#not());
    return terms.length === 1 ? (terms[0] as Node) : (change) => terms.every((term) => truth(term(change)));
  }

  #not(): Node {
    if (!this.#take('not', '!')) return this.#comparison();
    const inner = this.#not();
    return (change) => !truth(inner(change));
  }

  #comparison(): Node {
    const left = this.#operand();
    const negated = this.#peek().text === 'not' && this.#peek(1).text === 'in' && this.#take('not');
    if (this.#take('in')) {
      const values = this.#list();
      return (change) => {
        const value = left(change);
        return values.some((one) => compare(value, one) === 0) !== negated;
      };
    }
    const operator = this.#peek();
    const test = operator.kind === 'symbol' ? COMPARISONS[operator.text] : undefined;
    if (test === undefined) return left;
    this.#at++;
    const right = this.#operand();
    return (change) => test(left(change), right(change));
  }

  #operand(): Node {
    const token = this.#next();
    if (token.kind === 'symbol' && token.text === '(') {
      const inner = this.#or();
      this.#expect(')');
      return inner;
    }
    if (token.kind === 'word' && !(token.text in LITERALS)) return this.#field(token);
    const value = this.#literal(token, 'a field, a value or (');
    return () => value;
  }

  #list(): Value[] {
    this.#expect('[');
    const values: Value[] = [];
    if (this.#take(']')) return values;
    do values.push(this.#literal(this.#next(), 'a value'));
    while (this.#take(','));
    this.#expect(']');
    return values;
  }

  #literal(token: Token, expected: string): Value {
    if (token.kind === 'text') return token.value;
    if (token.kind === 'number') return numberOf(token.text);
    const literal = token.kind === 'word' ? LITERALS[token.text] : undefined;
    if (literal === undefined) throw this.#error(`expected ${expected}, got ${token.text}`, token.column);
    return literal;
  }

  #field(token: Token): Node {
    const plain = FIELDS[token.text];
    if (plain !== undefined) return plain;
    const row = ROWS[token.text];
    if (row === undefined) {
      const known = [...Object.keys(FIELDS), ...Object.keys(ROWS).map((name) => `${name}.COLUMN`)].join(', ');
      throw this.#error(`${token.text} is not known; there are ${known}`, token.column);
    }
    const name = this.#column();
    const path = this.#path;
    return (change) => {
      const value = row(change)?.[name];
      if (value === undefined && change.absent !== null && isAbsent(change, token.text, name)) throw absent(name, path);
      return value;
    };
  }

  #column(): string {
    const dot = this.#next();
    const name = this.#next();
    if (dot.text === '.' && name.kind === 'word') return name.text;
    if (dot.text !== '[' || name.kind !== 'text') throw this.#error("expected .COLUMN or ['COLUMN']", dot.column);
    this.#expect(']');
    return name.value;
  }

  #peek(ahead = 0): Token {
    return this.#tokens[Math.min(this.#at + ahead, this.#tokens.length - 1)] as Token;
  }

  #next(): Token {
    const token = this.#peek();
    this.#at++;
    return token;
  }

  #take(...texts: readonly string[]): boolean {
    const token = this.#peek();
    const found = token.kind !== 'text' && texts.includes(token.text);
    if (found) this.#at++;
    return found;
  }

  #expect(text: string): void {
    const token = this.#peek();
    if (!this.#take(text)) throw this.#error(`expected ${text}, got ${token.text}`, token.column);
  }

  #error(message: string, column: number): TaplineError {
    return new TaplineError('CONFIG_INVALID', {
      message: `${this.#path}, column ${column}: ${message}.`,
      place: { path: this.#path },
    });
  }
}

/** A column that the event did not carry: to take it for NULL would let rows through, or leave them out, by chance. */
function isAbsent({ absent, after }: Change, row: string, column: string): boolean {
  const isAfter = row === 'after' || (row === 'row' && after !== null);
  return row !== 'key' && (absent?.[isAfter ? 'after' : 'before'].includes(column) ?? false);
}

function absent(column: string, path: string): TaplineError {
  return new TaplineError('ROW_PARTIAL', {
    message: `${path} asks for the column ${column}, which the row does not carry.`,
    place: { path },
  });
}

/** Integers that a double does not hold are exact too. */
function numberOf(text: string): number | bigint {
  const number = Number(text);
  return /^-?\d+$/.test(text) && !Number.isSafeInteger(number) ? BigInt(text) : number;
}

const LITERALS: Readonly<Record<string, Value>> = { __proto__: null, true: true, false: false, null: null } as never;

const FIELDS: Readonly<Record<string, Node>> = {
  __proto__: null as never,
  op: (change) => change.op,
  source: (change) => change.source?.name,
  db: (change) => change.source?.db,
  table: (change) => change.source?.table,
  topic: (change) => change.topic,
};

const ROWS: Readonly<Record<string, (change: Change) => Change['after']>> = {
  __proto__: null as never,
  row: (change) => change.after ?? change.before,
  key: (change) => change.key,
  before: (change) => change.before,
  after: (change) => change.after,
};

const COMPARISONS: Readonly<Record<string, (left: Operand, right: Operand) => boolean>> = {
  __proto__: null as never,
  '==': (left, right) => compare(left, right) === 0,
  '!=': (left, right) => {
    const order = compare(left, right);
    return order !== undefined ? order !== 0 : isNull(left) !== isNull(right) || !(isNull(left) || isNull(right));
  },
  '<': (left, right) => (compare(left, right) ?? 0) < 0,
  '<=': (left, right) => (compare(left, right) ?? 1) <= 0,
  '>': (left, right) => (compare(left, right) ?? 0) > 0,
  '>=': (left, right) => (compare(left, right) ?? -1) >= 0,
};

/** Below, at or above 0; undefined when the two cannot be compared (NULL with anything but NULL, bytes, text with a number that it is not). */
function compare(left: Operand, right: Operand): number | undefined {
  if (isNull(left) || isNull(right)) return isNull(left) && isNull(right) ? 0 : undefined;
  if (typeof left === 'string' && typeof right === 'string') return left < right ? -1 : left > right ? 1 : 0;
  const a = numeric(left);
  const b = numeric(right);
  if (a === undefined || b === undefined) return undefined;
  return a < b ? -1 : a > b ? 1 : 0;
}

function numeric(value: Operand): number | bigint | undefined {
  if (typeof value === 'number' || typeof value === 'bigint') return value;
  if (typeof value === 'boolean') return value ? 1 : 0;
  if (typeof value !== 'string' || value.trim() === '') return undefined;
  const number = Number(value);
  return Number.isNaN(number) ? undefined : number;
}

function isNull(value: Operand): value is null | undefined {
  return value === null || value === undefined;
}

function truth(value: Operand): boolean {
  return value === true || (typeof value === 'number' && value !== 0) || (typeof value === 'bigint' && value !== 0n);
}
