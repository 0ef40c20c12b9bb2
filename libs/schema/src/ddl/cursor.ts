import { TaplineError } from '@tapline/kernel';
import type { DdlDialect } from './dialect.ts';
import { type Token, tokensOf } from './tokens.ts';

const END: Token = { kind: 'end', text: '', upper: '', start: 0, end: 0 };

export interface TableName {
  readonly database: string;
  readonly name: string;
}

/** A table's name in a statement, from `start` to `end`. */
export interface NamedTable {
  readonly table: TableName;
  readonly start: number;
  readonly end: number;
}

/** Walks over a statement's tokens. They are cut as they are asked for: of a statement that does not matter, only the first words are. */
export class Cursor {
  readonly dialect: DdlDialect;
  readonly #sql: string;
  readonly #database: string;
  readonly #source: Iterator<Token, void>;
  readonly #tokens: Token[] = [];
  readonly #targets: TableName[] = [];
  readonly #named: NamedTable[] = [];
  #at = 0;

  /** `database`: the session's default, for names without one. */
  constructor(sql: string, database: string, dialect: DdlDialect) {
    this.#sql = sql;
    this.#database = database;
    this.dialect = dialect;
    this.#source = tokensOf(sql, dialect);
  }

  peek(ahead = 0): Token {
    while (this.#tokens.length <= this.#at + ahead) {
      const next = this.#source.next();
      if (next.done === true) return END;
      this.#tokens.push(next.value);
    }
    return this.#tokens[this.#at + ahead] as Token;
  }

  next(): Token {
    const token = this.peek();
    if (token.kind !== 'end') this.#at++;
    return token;
  }

  get atEnd(): boolean {
    return this.peek().kind === 'end';
  }

  /** Whether these keywords or symbols come next. */
  sees(...words: readonly string[]): boolean {
    return words.every((word, i) => {
      const token = this.peek(i);
      return token.upper === word && (token.kind === 'word' || token.kind === 'symbol');
    });
  }

  /** Goes past these keywords or symbols when they come next. */
  takes(...words: readonly string[]): boolean {
    if (!this.sees(...words)) return false;
    this.#at += words.length;
    return true;
  }

  /** Goes past one of these when it comes next, and returns it. */
  takesOne(...words: readonly string[]): string | undefined {
    return words.find((word) => this.takes(word));
  }

  expect(word: string): void {
    if (!this.takes(word)) throw this.unexpected(word);
  }

  /** A name, bare or quoted. */
  name(): string {
    const token = this.next();
    // `"x"` where a name must stand is one, whatever the sql_mode in which the statement was logged.
    if (token.kind === 'word' || token.kind === 'name' || token.kind === 'text') return token.text;
    throw this.unexpected('a name');
  }

  /** `database.table`, `table` or `.table`. */
  tableName(): TableName {
    const { start } = this.peek();
    const table = this.#tableName();
    this.#named.push({ table, start, end: this.#last.end });
    return table;
  }

  #tableName(): TableName {
    if (this.takes('.')) return { database: this.#database, name: this.name() };
    const first = this.name();
    return this.takes('.') ? { database: first, name: this.name() } : { database: this.#database, name: first };
  }

  /** The name of a column, which may have its table's in front: `t.a`, `db.t.a`, `.a`. */
  columnName(): string {
    this.takes('.');
    let name = this.name();
    while (this.takes('.')) name = this.name();
    return name;
  }

  /** The name of a table that the statement is about; it is remembered, for the case that the rest cannot be read. */
  target(): TableName {
    const table = this.tableName();
    this.#targets.push(table);
    return table;
  }

  /** Every place at which a table is named, as far as the statement has been read. */
  get named(): readonly NamedTable[] {
    return this.#named;
  }

  /** The token that was taken last. */
  get #last(): Token {
    return this.#tokens[this.#at - 1] ?? END;
  }

  /** The tables that the statement is about, as far as it has been read. */
  get targets(): readonly TableName[] {
    return this.#targets;
  }

  /** A number, cut to a whole one: lengths may be written `10.0`. */
  integer(): number {
    const token = this.next();
    const value = Number(token.text);
    if (token.kind !== 'word' || !Number.isSafeInteger(value)) throw this.unexpected('a whole number');
    if (this.takes('.')) this.next();
    return value;
  }

  text(): string {
    const token = this.next();
    if (token.kind === 'text') return token.text;
    throw this.unexpected('text in quotes');
  }

  /** Goes past one token, or past everything between parentheses when one opens here. */
  skip(): void {
    if (!this.takes('(')) {
      this.next();
      return;
    }
    for (let depth = 1; depth > 0 && !this.atEnd; ) {
      if (this.takes('(')) depth++;
      else if (this.takes(')')) depth--;
      else this.next();
    }
  }

  /** Goes on to the next comma or closing parenthesis that belongs here, or the end; it is not taken. */
  skipItem(): void {
    while (!this.atEnd && !this.sees(',') && !this.sees(')')) this.skip();
  }

  /** `( item, item … )`. */
  list<T>(item: () => T): T[] {
    this.expect('(');
    const items = [item()];
    while (this.takes(',')) items.push(item());
    this.expect(')');
    return items;
  }

  /** What `pass` goes past. */
  taken(pass: () => void): readonly Token[] {
    const from = this.#at;
    pass();
    return this.#tokens.slice(from, this.#at);
  }

  unexpected(expected: string): TaplineError {
    const { kind, text } = this.peek();
    const found = kind === 'end' ? 'the end' : JSON.stringify(text);
    return new TaplineError('SCHEMA_DDL_UNREAD', {
      message: `A statement could not be read: ${expected} was expected near ${found} in: ${excerpt(this.#sql)}`,
    });
  }
}

function excerpt(sql: string): string {
  const line = sql.replaceAll(/\s+/g, ' ').trim();
  return line.length <= 200 ? line : `${line.slice(0, 200)}…`;
}
