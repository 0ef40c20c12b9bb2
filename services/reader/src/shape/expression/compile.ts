import type { TableMap } from '@tapline/binlog';
import { ColumnValue } from '@tapline/envelope';
import type { Table } from '@tapline/schema';
import { call } from './functions.ts';
import { columnPart, type Held, type Part, type RowView } from './kinds.ts';
import { arithmetic, comparison, condition, conjunction, constant, likeTest, nameOf, type Wrong } from './operators.ts';
import { parseExpression, type Syntax } from './parse.ts';
import { wrongAt } from './tokens.ts';

/** A condition on the rows of one table. */
export interface Condition {
  /** Whether it is true; NULL, which is not known, is not. */
  holds(row: RowView): boolean;
  /** The columns that it reads. */
  readonly columns: ReadonlySet<string>;
}

/**
 * Compiles a condition for a table: what can be wrong with it is wrong now and not at a row. Texts compare by their characters, whatever the column's
 * collation; numbers, dates and times by their value.
 *
 * @throws TaplineError SHAPE_MISMATCH naming the column and the place in the text.
 */
export function compileCondition(expression: string, table: Table, wire: TableMap | undefined): Condition {
  const compiler = new Compiler(expression, table, wire);
  const holds = compiler.condition(parseExpression(expression));
  return { holds: (row) => holds(row) === true, columns: compiler.columns };
}

class Compiler {
  readonly columns = new Set<string>();
  readonly #table: Table;
  readonly #wire: TableMap | undefined;
  readonly #wrong: Wrong;

  constructor(expression: string, table: Table, wire: TableMap | undefined) {
    this.#table = table;
    this.#wire = wire;
    this.#wrong = (at, message) => wrongAt(expression, at, message);
  }

  condition(syntax: Syntax): Part['value'] {
    return condition(this.#part(syntax), this.#wrong);
  }

  #part(syntax: Syntax): Part {
    const { at } = syntax;
    switch (syntax.is) {
      case 'column':
        return this.#column(syntax.name, at);
      case 'text':
        return { ...constant('text', syntax.text, at), literal: syntax.text };
      case 'bytes':
        return constant('bytes', Buffer.from(syntax.text, 'hex').toString('latin1'), at);
      case 'number':
        return numberPart(syntax.text, at);
      case 'null':
        return constant('null', null, at);
      case 'truth':
        return constant('exact', syntax.value ? 1n : 0n, at);
      case 'call':
        return call(
          syntax.name,
          syntax.args.map((arg) => this.#part(arg)),
          at,
          this.#wrong,
        );
      case 'binary':
        return this.#binary(syntax);
      case 'minus':
        return arithmetic('-', constant('exact', 0n, at), this.#part(syntax.of), this.#wrong);
      case 'not': {
        const value = this.condition(syntax.of);
        return truth(at, (row) => {
          const held = value(row);
          return held === null ? null : !held;
        });
      }
      case 'isNull': {
        const { value } = this.#part(syntax.of);
        return truth(at, (row) => value(row) === null);
      }
      case 'in':
        return this.#in(syntax);
      case 'like':
        return this.#like(syntax);
    }
  }

  #column(name: string, at: number): Part {
    const { columns } = this.#table;
    const index = columns.findIndex((column) => column.name.toLowerCase() === name.toLowerCase());
    const column = columns[index];
    if (column === undefined) {
      const known = columns.map((candidate) => candidate.name).join(', ');
      throw this.#wrong(at, `the table has no column ${name}; it has ${known}.`);
    }
    this.columns.add(column.name);
    return columnPart(new ColumnValue(column, index, this.#wire?.columns[index]), at);
  }

  #binary({ sign, left, right, at }: Extract<Syntax, { is: 'binary' }>): Part {
    if (sign === 'AND' || sign === 'OR') {
      return truth(at, conjunction(this.condition(left), this.condition(right), sign === 'OR'));
    }
    const sides = [this.#part(left), this.#part(right)] as const;
    if ('+-*/%'.includes(sign)) return arithmetic(sign, ...sides, this.#wrong);
    return comparison(sign, ...sides, this.#wrong);
  }

  /** As SQL has it: not found among values of which one is NULL is not known. */
  #in({ of, among, at }: Extract<Syntax, { is: 'in' }>): Part {
    const tested = this.#part(of);
    const equals = among.map((item) => comparison('=', tested, this.#part(item), this.#wrong).value);
    return truth(at, (row) => {
      let result: Held = false;
      for (const equal of equals) {
        const held = equal(row);
        if (held === true) return true;
        if (held === null) result = null;
      }
      return result;
    });
  }

  #like({ of, pattern, at }: Extract<Syntax, { is: 'like' }>): Part {
    const part = this.#part(of);
    if (part.kind !== 'text') throw this.#wrong(part.at, `LIKE takes a text, not ${nameOf(part)}.`);
    const matches = likeTest(pattern);
    return truth(at, (row) => {
      const held = part.value(row);
      return held === null ? null : matches(held as string);
    });
  }
}

function truth(at: number, value: (row: RowView) => Held): Part {
  return { kind: 'truth', scale: 0, value, at };
}

function numberPart(text: string, at: number): Part {
  if (/e/i.test(text)) return constant('float', Number(text), at);
  const [whole = '0', fraction = ''] = text.split('.');
  return constant('exact', BigInt(whole + fraction), at, fraction.length);
}
