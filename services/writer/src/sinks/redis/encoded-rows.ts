import { TaplineError } from '@tapline/kernel';
import type { EncodedChange, RowVisitor, Value } from '@tapline/sink';
import { textOf } from '../../naming/values.ts';
import type { RedisConfig } from './config.ts';
import { bulkString, type RespBuffer } from './resp.ts';

/** The columns of a schema as the arguments that they become. */
interface Columns {
  readonly names: readonly Buffer[];
  /** Digits of the largest number of fields and values that a row may have. */
  readonly digits: number;
}

/** Writes whole rows as fields and values of a hash straight from their bytes in the record: texts are copied, and no row is made. */
export class EncodedRows implements RowVisitor {
  readonly #args: RespBuffer;
  readonly #nullText: string;
  readonly #versionField: string;
  readonly #known = new Map<readonly string[], Columns>();
  #names: readonly Buffer[] = [];
  #count = 0;

  constructor(args: RespBuffer, { nullText, versionField }: RedisConfig) {
    this.#args = args;
    this.#nullText = nullText;
    this.#versionField = versionField;
  }

  /** Appends the number of arguments that follow, and these. False: there is no row, or not all of it, and nothing was appended. */
  add(change: EncodedChange): boolean {
    if (change.absent !== null || !change.hasAfter) return false;
    const columns = this.#known.get(change.columns) ?? this.#learn(change.columns);
    this.#names = columns.names;
    this.#count = 0;
    // How many there are is known when NULLs have been seen. Zeros in front make it as wide as it was said to be.
    const place = this.#args.reserveDigits(columns.digits);
    change.visitAfter(this);
    this.#args.fillDigits(place, columns.digits, this.#count);
    return true;
  }

  text(column: number, bytes: Buffer, start: number, end: number): void {
    this.#name(column);
    this.#args.slice(bytes, start, end);
  }

  integer(column: number, value: number): void {
    this.#name(column);
    this.#args.integer(value);
  }

  value(column: number, value: Value): void {
    if (value === null && this.#nullText === '') return;
    this.#name(column);
    if (value instanceof Uint8Array) this.#args.bytes(value);
    else this.#args.text(value === null ? this.#nullText : textOf(value));
  }

  #name(column: number): void {
    this.#args.encoded(this.#names[column] as Buffer, 1);
    this.#count += 2;
  }

  #learn(names: readonly string[]): Columns {
    for (const name of names) if (name === this.#versionField) throw clash(name);
    const columns = { names: names.map(bulkString), digits: String(names.length * 2).length };
    this.#known.set(names, columns);
    return columns;
  }
}

export function clash(column: string): TaplineError {
  return new TaplineError('SINK_KEY', {
    message: `A column has the name ${column}, which sink.versionField keeps for the row's version.`,
    remedy: 'Set sink.versionField to a name that no column has, or rename the column with a transform.',
    place: { path: 'sink.versionField' },
  });
}
