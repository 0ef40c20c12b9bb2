import type { EncodedChange, RowVisitor, Value } from '@tapline/sink';
import { type ColumnPlan, jsonOf } from './columns.ts';
import type { JsonBytes } from './json-bytes.ts';

/** A column of a schema, as its values are written. */
export interface EncodedMember {
  /** Its name as JSON, with what stands around it. */
  readonly name: Buffer;
  readonly json: ColumnPlan['json'];
}

/** @param names of the columns of a schema, in their order. */
export function encodedMembers(
  names: readonly string[],
  jsonBy: (name: string) => ColumnPlan['json'],
): EncodedMember[] {
  return names.map((name, index) => ({
    name: Buffer.from(`${index === 0 ? '{' : ','}${JSON.stringify(name)}:`),
    json: jsonBy(name),
  }));
}

/** Writes whole rows as JSON objects straight from their bytes in the record: texts are copied, and no row is made. */
export class EncodedRows implements RowVisitor {
  readonly #out: JsonBytes;
  #members: readonly EncodedMember[] = [];

  constructor(out: JsonBytes) {
    this.#out = out;
  }

  /** @param members of the change's columns. */
  add(change: EncodedChange, members: readonly EncodedMember[]): void {
    this.#members = members;
    change.visitAfter(this);
    this.#out.json('}');
  }

  text(column: number, bytes: Buffer, start: number, end: number): void {
    const json = this.#begin(column);
    if (json === jsonOf) this.#out.text(bytes, start, end);
    else this.#out.json(json(bytes.toString('utf8', start, end)));
  }

  integer(column: number, value: number): void {
    const json = this.#begin(column);
    if (json === jsonOf) this.#out.integer(value);
    else this.#out.json(json(value));
  }

  value(column: number, value: Value): void {
    const json = this.#begin(column);
    this.#out.json(value === null ? 'null' : json(value));
  }

  #begin(column: number): ColumnPlan['json'] {
    const { name, json } = this.#members[column] as EncodedMember;
    this.#out.encoded(name);
    return json;
  }
}
