import { type Change, EncodedChange, type Value } from '@tapline/sink';
import type { Template } from '../../naming/template.ts';
import { textOf } from '../../naming/values.ts';
import { CallDraft } from './call.ts';
import type { RedisConfig } from './config.ts';
import { clash, EncodedRows } from './encoded-rows.ts';
import { isPartial, partial } from './partial.ts';
import { bulkString, type RespBuffer } from './resp.ts';
import type { GuardScript } from './script.ts';
import { jsonHead } from './script.ts';
import { jsonOf, versionText } from './values.ts';

const DELETE = bulkString('-1');
const ONE = bulkString('1');

/** Builds the bytes of script calls, row by row, straight from the changes. One encoder serves one call at a time. */
export class CallEncoder {
  readonly call: CallDraft;
  readonly #config: RedisConfig;
  readonly #value: Template;
  readonly #head: string;
  readonly #invalidates: boolean;
  readonly #args: RespBuffer;
  readonly #rows: EncodedRows;
  readonly #names = new Map<string, Buffer>();

  constructor(config: RedisConfig, script: GuardScript, value: Template) {
    this.#config = config;
    this.call = new CallDraft(script);
    this.#args = this.call.args;
    this.#value = value;
    this.#head = jsonHead(config.versionField);
    this.#rows = new EncodedRows(this.#args, config);
    this.#invalidates = config.as === 'invalidate';
  }

  /** Begins a call whose version keys start with `prefix`. */
  begin(prefix: string): void {
    this.call.begin();
    this.#args.text(prefix);
  }

  add(index: number, key: string, change: Change): undefined {
    this.call.row(index, key);
    this.#args.hex64(change.version);
    if (this.#config.as === 'hash' && change instanceof EncodedChange && this.#rows.add(change)) return;
    if (change.after === null || this.#invalidates) this.#args.encoded(DELETE, 1);
    else if (this.#config.as === 'hash') {
      // An insert is all there is of its row: a column that it lacks has its default, which nobody knows here.
      if (change.op !== 'c' && isPartial(change)) this.#changedFields(change.after);
      else this.#fields(change.after);
    } else {
      if (isPartial(change)) throw partial(change, this.#config.as);
      this.#args.encoded(ONE, 1);
      this.#args.text(
        this.#config.as === 'json'
          ? jsonOf(change.after, `${this.#head}${versionText(change.version)}"`)
          : this.#value(change),
      );
    }
  }

  #fields(row: NonNullable<Change['after']>): void {
    const { nullText, versionField } = this.#config;
    let count = 0;
    for (const column in row) {
      const value = row[column];
      if (value === null ? nullText !== '' : value !== undefined) count += 2;
    }
    this.#args.integer(count);
    for (const column in row) {
      const value = row[column];
      if (value === undefined || (value === null && nullText === '')) continue;
      if (column === versionField) throw clash(column);
      this.#name(column);
      this.#fieldValue(value, nullText);
    }
  }

  #fieldValue(value: Value, nullText: string): void {
    if (typeof value === 'string') this.#args.text(value);
    else if (value instanceof Uint8Array) this.#args.bytes(value);
    else this.#args.text(value === null ? nullText : textOf(value));
  }

  /** Sets what is there and takes away what has become NULL; the rest of the hash stays. */
  #changedFields(row: NonNullable<Change['after']>): void {
    const { nullText, versionField } = this.#config;
    const gone: string[] = [];
    let pairs = 0;
    for (const column in row) {
      if (column === versionField) throw clash(column);
      if (row[column] === null && nullText === '') gone.push(column);
      else if (row[column] !== undefined) pairs += 2;
    }
    this.#args.integer(-2 - (1 + pairs + gone.length));
    this.#args.integer(pairs);
    for (const column in row) {
      const value = row[column];
      if (value === undefined || (value === null && nullText === '')) continue;
      this.#name(column);
      this.#fieldValue(value, nullText);
    }
    for (const column of gone) this.#name(column);
  }

  #name(column: string): void {
    let encoded = this.#names.get(column);
    if (encoded === undefined) {
      encoded = bulkString(column);
      this.#names.set(column, encoded);
    }
    this.#args.encoded(encoded, 1);
  }
}
