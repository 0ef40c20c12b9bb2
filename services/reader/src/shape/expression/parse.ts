import { type Token, tokensOf, wrongAt } from './tokens.ts';

/** An expression as it is written, before anything is known of the table. `at`: where it stands in the text. */
export type Syntax =
  | { readonly is: 'column'; readonly name: string; readonly at: number }
  | { readonly is: 'text' | 'number' | 'bytes'; readonly text: string; readonly at: number }
  | { readonly is: 'null'; readonly at: number }
  | { readonly is: 'truth'; readonly value: boolean; readonly at: number }
  | { readonly is: 'call'; readonly name: string; readonly args: readonly Syntax[]; readonly at: number }
  | { readonly is: 'binary'; readonly sign: string; readonly left: Syntax; readonly right: Syntax; readonly at: number }
  | { readonly is: 'not' | 'minus' | 'isNull'; readonly of: Syntax; readonly at: number }
  | { readonly is: 'in'; readonly of: Syntax; readonly among: readonly Syntax[]; readonly at: number }
  | { readonly is: 'like'; readonly of: Syntax; readonly pattern: string; readonly at: number };

/**
 *     or         := and ('OR' and)*
 *     and        := not ('AND' not)*
 *     not        := 'NOT' not | predicate
 *     predicate  := sum [ ('=' | '<>' | '!=' | '<' | '<=' | '>' | '>=') sum | 'IS' ['NOT'] 'NULL'
 *                   | ['NOT'] ( 'IN' '(' sum (',' sum)* ')' | 'LIKE' text | 'BETWEEN' sum 'AND' sum ) ]
 *     sum        := product (('+' | '-') product)*
 *     product    := factor (('*' | '/' | '%') factor)*
 *     factor     := '-' factor | '(' or ')' | column | text | bytes | number | 'NULL' | 'TRUE' | 'FALSE' | name '(' [or (',' or)*] ')'
 *
 * @throws TaplineError SHAPE_MISMATCH with the place.
 */
export function parseExpression(expression: string): Syntax {
  return new Parser(expression).whole();
}

const COMPARISONS: ReadonlySet<string> = new Set(['=', '<>', '!=', '<', '<=', '>', '>=']);
/** Parentheses and NOTs inside each other: more of them would overflow the stack. */
const MAX_DEPTH = 200;

class Parser {
  readonly #expression: string;
  readonly #tokens: readonly Token[];
  #next = 0;
  #depth = 0;

  constructor(expression: string) {
    this.#expression = expression;
    this.#tokens = tokensOf(expression);
  }

  whole(): Syntax {
    const syntax = this.#or();
    if (this.#token.kind !== 'end') throw this.#wrong('an operator, AND or OR is missing.');
    return syntax;
  }

  get #token(): Token {
    return this.#tokens[this.#next] as Token;
  }

  #wrong(message: string): Error {
    return wrongAt(this.#expression, this.#token.at, message);
  }

  /** Takes the next token when it is this word or sign. */
  #take(text: string): boolean {
    const { kind, text: found } = this.#token;
    if ((kind !== 'word' && kind !== 'sign') || found !== text) return false;
    this.#next++;
    return true;
  }

  #need(text: string): void {
    if (!this.#take(text)) throw this.#wrong(`${text} is missing.`);
  }

  #deeper<T>(parse: () => T): T {
    if (++this.#depth > MAX_DEPTH) throw this.#wrong('it is nested too deeply.');
    const result = parse();
    this.#depth--;
    return result;
  }

  #chain(operand: () => Syntax, signs: readonly string[]): Syntax {
    let left = operand();
    for (;;) {
      const { at } = this.#token;
      const sign = signs.find((candidate) => this.#take(candidate));
      if (sign === undefined) return left;
      left = { is: 'binary', sign, left, right: operand(), at };
    }
  }

  #or(): Syntax {
    return this.#deeper(() => this.#chain(() => this.#and(), ['OR']));
  }

  #and(): Syntax {
    return this.#chain(() => this.#not(), ['AND']);
  }

  #not(): Syntax {
    const { at } = this.#token;
    if (this.#take('NOT')) return { is: 'not', of: this.#deeper(() => this.#not()), at };
    return this.#predicate();
  }

  #predicate(): Syntax {
    const of = this.#sum();
    const { at, kind, text } = this.#token;
    if (kind === 'sign' && COMPARISONS.has(text)) {
      this.#next++;
      return { is: 'binary', sign: text === '!=' ? '<>' : text, left: of, right: this.#sum(), at };
    }
    if (this.#take('IS')) {
      const isNot = this.#take('NOT');
      this.#need('NULL');
      return negated({ is: 'isNull', of, at }, isNot);
    }
    const isNot = this.#take('NOT');
    if (this.#take('IN')) return negated({ is: 'in', of, among: this.#list(), at }, isNot);
    if (this.#take('LIKE')) return negated({ is: 'like', of, pattern: this.#pattern(), at }, isNot);
    if (this.#take('BETWEEN')) return negated(this.#between(of, at), isNot);
    if (isNot) throw this.#wrong('IN, LIKE or BETWEEN is missing behind NOT.');
    return of;
  }

  #between(of: Syntax, at: number): Syntax {
    const from = this.#sum();
    this.#need('AND');
    const to = this.#sum();
    const left: Syntax = { is: 'binary', sign: '>=', left: of, right: from, at };
    const right: Syntax = { is: 'binary', sign: '<=', left: of, right: to, at };
    return { is: 'binary', sign: 'AND', left, right, at };
  }

  #pattern(): string {
    const { kind, text } = this.#token;
    if (kind !== 'text') throw this.#wrong('LIKE takes a text in quotes.');
    this.#next++;
    return text;
  }

  #list(): Syntax[] {
    this.#need('(');
    const items = [this.#sum()];
    while (this.#take(',')) items.push(this.#sum());
    this.#need(')');
    return items;
  }

  #sum(): Syntax {
    return this.#chain(() => this.#product(), ['+', '-']);
  }

  #product(): Syntax {
    return this.#chain(() => this.#factor(), ['*', '/', '%']);
  }

  #factor(): Syntax {
    const { kind, text, at } = this.#token;
    if (this.#take('-')) return { is: 'minus', of: this.#deeper(() => this.#factor()), at };
    if (this.#take('(')) {
      const inner = this.#or();
      this.#need(')');
      return inner;
    }
    if (this.#take('NULL')) return { is: 'null', at };
    if (this.#take('TRUE')) return { is: 'truth', value: true, at };
    if (this.#take('FALSE')) return { is: 'truth', value: false, at };
    if (kind === 'text' || kind === 'number' || kind === 'bytes') {
      this.#next++;
      return { is: kind, text, at };
    }
    if (kind !== 'name') throw this.#wrong('a column, a value or a function is missing.');
    this.#next++;
    return this.#take('(')
      ? { is: 'call', name: text.toUpperCase(), args: this.#args(), at }
      : { is: 'column', name: text, at };
  }

  #args(): Syntax[] {
    if (this.#take(')')) return [];
    const args = [this.#or()];
    while (this.#take(',')) args.push(this.#or());
    this.#need(')');
    return args;
  }
}

function negated(of: Syntax, isNot: boolean): Syntax {
  return isNot ? { is: 'not', of, at: of.at } : of;
}
