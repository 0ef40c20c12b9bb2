import type { EncodedChange, RowVisitor, Value } from '@tapline/sink';
import { digitsOf, writeDigits } from '../../decimal.ts';
import type { Target, TargetColumn } from './target.ts';

const QUOTE = 0x27;
const COMMA = 0x2c;
const OPEN = 0x28;
const CLOSE = 0x29;
const MINUS = 0x2d;

/** Up to here copying byte by byte takes less time than a call of the runtime's. */
const SHORT_BYTES = 256;

/** The columns of a schema as the target has them; undefined: what is not written to. */
type Plan = readonly (TargetColumn | undefined)[];

/** Rows as tuples of SQL, written straight from their bytes in records: of texts, which are most of a row, no strings are made one by one. */
export class RowBytes implements RowVisitor {
  readonly #plans = new WeakMap<Target, Map<readonly string[], Plan>>();
  #buffer: Buffer = Buffer.allocUnsafe(65_536);
  #length = 0;
  #plan: Plan = [];
  #isFirst = true;

  /** Bytes that `take` would give. */
  get length(): number {
    return this.#length;
  }

  /** Appends the row after a change: `(1,'a')`, or `,(1,'a')` behind another one. */
  add(change: EncodedChange, target: Target): void {
    this.#plan = this.#planOf(change.columns, target);
    this.#room(2);
    if (this.#length > 0) this.#buffer[this.#length++] = COMMA;
    this.#buffer[this.#length++] = OPEN;
    this.#isFirst = true;
    change.visitAfter(this);
    this.#room(1);
    this.#buffer[this.#length++] = CLOSE;
  }

  /** What was appended, and forgets it. */
  take(): string {
    const text = this.#buffer.toString('utf8', 0, this.#length);
    this.#length = 0;
    return text;
  }

  text(column: number, bytes: Buffer, start: number, end: number): void {
    const target = this.#plan[column];
    if (target === undefined) return;
    if (target.form === 'quoted') this.#quoted(bytes, start, end);
    else this.#sql(target.literal(bytes.toString('utf8', start, end)));
  }

  integer(column: number, value: number): void {
    const target = this.#plan[column];
    if (target === undefined) return;
    if (target.form === 'number') this.#digits(value);
    else this.#sql(target.literal(value));
  }

  value(column: number, value: Value): void {
    const target = this.#plan[column];
    if (target !== undefined) this.#sql(target.literal(value));
  }

  /** A quote within is written twice: nothing else means something (NO_BACKSLASH_ESCAPES), and in UTF-8 no byte of another character is a quote. */
  #quoted(bytes: Buffer, start: number, end: number): void {
    this.#room(2 * (end - start) + 3);
    this.#separate();
    const buffer = this.#buffer;
    let at = this.#length;
    buffer[at++] = QUOTE;
    if (end - start > SHORT_BYTES && !bytes.subarray(start, end).includes(QUOTE)) {
      at += bytes.copy(buffer, at, start, end);
    } else {
      for (let from = start; from < end; from++) {
        const byte = bytes[from] as number;
        buffer[at++] = byte;
        if (byte === QUOTE) buffer[at++] = QUOTE;
      }
    }
    buffer[at++] = QUOTE;
    this.#length = at;
  }

  #digits(value: number): void {
    this.#room(13);
    this.#separate();
    if (value < 0) this.#buffer[this.#length++] = MINUS;
    const whole = Math.abs(value);
    this.#length = writeDigits(this.#buffer, this.#length, digitsOf(whole), whole);
  }

  #sql(text: string): void {
    this.#room(3 * text.length + 1);
    this.#separate();
    this.#length += this.#buffer.write(text, this.#length);
  }

  /** Room for it is there. */
  #separate(): void {
    if (this.#isFirst) this.#isFirst = false;
    else this.#buffer[this.#length++] = COMMA;
  }

  #room(bytes: number): void {
    if (this.#length + bytes <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafe(Math.max(2 * this.#buffer.length, this.#length + bytes));
    this.#buffer.copy(larger, 0, 0, this.#length);
    this.#buffer = larger;
  }

  #planOf(names: readonly string[], target: Target): Plan {
    let plans = this.#plans.get(target);
    if (plans === undefined) {
      plans = new Map();
      this.#plans.set(target, plans);
    }
    let plan = plans.get(names);
    if (plan === undefined) {
      const { columns } = target.sets.ofNames(names);
      plan = names.map((name) => columns.find((column) => column.name === name));
      plans.set(names, plan);
    }
    return plan;
  }
}
