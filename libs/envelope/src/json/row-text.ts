import type { AvroField, AvroType } from '../avro-schema.ts';
import type { ByteSink } from '../byte-sink.ts';
import type { Cursor } from '../reader/avro-read.ts';
import { type NamedTypes, resolve } from '../reader/read-types.ts';
import { INTEGER_BYTES, putInteger, putLongDigits, putNull, writeText } from './json-write.ts';
import { putPadded, Texts } from './texts.ts';
import { fieldName, type Transcoder, transcoder } from './transcode.ts';

/** The types that most columns have are written without a call through a table of functions. */
const KIND = { OTHER: 0, INT: 1, LONG: 2, STRING: 3 } as const;

const KINDS: ReadonlyMap<unknown, number> = new Map<unknown, number>([
  ['int', KIND.INT],
  ['long', KIND.LONG],
  ['string', KIND.STRING],
]);

/**
 * Says the Avro bytes of a record's fields as the members of a JSON object, without its braces: `"id":7,"name":"x"`. Flat arrays and no
 * allocation, as in RowWriter.
 */
export class RowText {
  /** The names with the commas before and the colons behind them. */
  readonly #labels: Texts;
  readonly #nullable: Uint8Array;
  readonly #kinds: Uint8Array;
  readonly #values: readonly Transcoder[];

  constructor(fields: readonly AvroField[], names: NamedTypes) {
    this.#labels = new Texts(fields.map((field, i) => `${i === 0 ? '' : ','}${JSON.stringify(fieldName(field))}:`));
    const types = fields.map((field) => withoutNull(field.type));
    this.#nullable = Uint8Array.from(types, (type, i) => (type === fields[i]?.type ? 0 : 1));
    this.#kinds = Uint8Array.from(types, (type) => KINDS.get(primitive(type, names)) ?? KIND.OTHER);
    this.#values = types.map((type) => transcoder(type, names));
  }

  write(cursor: Cursor, sink: ByteSink): void {
    const { view, ends } = this.#labels;
    const kinds = this.#kinds;
    const nullable = this.#nullable;
    let at = 0;
    for (let i = 0; i < kinds.length; i++) {
      const end = ends[i] as number;
      putPadded(sink, view, at, end - at, INTEGER_BYTES);
      at = end;
      if (nullable[i] === 1 && cursor.byte() === 0) {
        putNull(sink);
        continue;
      }
      switch (kinds[i]) {
        case KIND.INT:
          putInteger(sink, cursor.int());
          break;
        case KIND.LONG:
          cursor.long();
          putLongDigits(sink, cursor.high, cursor.low);
          break;
        case KIND.STRING: {
          const length = cursor.length();
          writeText(sink, cursor.buffer, cursor.position, length);
          cursor.position += length;
          break;
        }
        default:
          (this.#values[i] as Transcoder)(cursor, sink);
      }
    }
  }
}

/** T of the union [null, T]; any other type as it is. */
function withoutNull(type: AvroType): AvroType {
  const branches = Array.isArray(type) ? (type as readonly AvroType[]) : [];
  return branches.length === 2 && branches[0] === 'null' ? (branches[1] as AvroType) : type;
}

function primitive(type: AvroType, names: NamedTypes): unknown {
  const resolved = resolve(type, names);
  return typeof resolved === 'object' && !Array.isArray(resolved) && 'type' in resolved ? resolved.type : resolved;
}
