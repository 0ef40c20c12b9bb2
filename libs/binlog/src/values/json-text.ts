import { TaplineError } from '@tapline/kernel';
import { corrupt, EventError } from '../event-errors.ts';
import { decimalBytes, WIRE_TYPE } from '../wire-types.ts';
import { readDecimal } from './decimal.ts';
import { isJsonInlined, JSON_TYPE, JsonBytes, MAX_JSON_DEPTH } from './json-layout.ts';
import { readPackedDatetime, readPackedTime } from './temporal.ts';

const LITERALS: readonly string[] = ['null', 'true', 'false'];

/**
 * A JSON column's binary value as the text that MySQL prints for it: `{"a": 1, "b": [1, 2.5]}`, numbers unchanged, decimals and dates in place.
 *
 * @throws TaplineError SOURCE_EVENT_CORRUPT on any byte that contradicts this; never reads outside, and its work is bounded by `length`
 */
export function jsonText(buffer: Buffer, offset: number, length: number): string {
  // What a broken ALTER TABLE of old leaves in a NOT NULL column; the server prints it so.
  if (length === 0) return 'null';
  const printer = new JsonPrinter(buffer, offset, offset + length);
  try {
    printer.value(buffer[offset]!, offset + 1, 1);
  } catch (error) {
    if (!(error instanceof EventError)) throw error;
    throw new TaplineError(error.kind, { message: `A JSON value cannot be decoded: ${error.message}`, cause: error });
  }
  return printer.text;
}

class JsonPrinter {
  text = '';
  readonly #buffer: Buffer;
  readonly #bytes: JsonBytes;
  /** Bytes of entries and strings that may still come: more than there are means that offsets lead to the same bytes again and again. */
  #bytesLeft: number;

  constructor(buffer: Buffer, start: number, end: number) {
    this.#buffer = buffer;
    this.#bytes = new JsonBytes(buffer, end);
    this.#bytesLeft = end - start;
  }

  value(type: number, at: number, depth: number): void {
    switch (type) {
      case JSON_TYPE.SMALL_OBJECT:
      case JSON_TYPE.LARGE_OBJECT:
      case JSON_TYPE.SMALL_ARRAY:
      case JSON_TYPE.LARGE_ARRAY:
        this.#container(type, at, depth);
        return;
      case JSON_TYPE.LITERAL:
        this.#literal(this.#bytes.need(at, 1));
        return;
      case JSON_TYPE.INT16:
        this.text += this.#buffer.readInt16LE(this.#bytes.need(at, 2));
        return;
      case JSON_TYPE.UINT16:
        this.text += this.#buffer.readUInt16LE(this.#bytes.need(at, 2));
        return;
      case JSON_TYPE.INT32:
        this.text += this.#buffer.readInt32LE(this.#bytes.need(at, 4));
        return;
      case JSON_TYPE.UINT32:
        this.text += this.#buffer.readUInt32LE(this.#bytes.need(at, 4));
        return;
      case JSON_TYPE.INT64:
        this.text += this.#buffer.readBigInt64LE(this.#bytes.need(at, 8));
        return;
      case JSON_TYPE.UINT64:
        this.text += this.#buffer.readBigUInt64LE(this.#bytes.need(at, 8));
        return;
      case JSON_TYPE.DOUBLE:
        this.text += doubleText(this.#buffer.readDoubleLE(this.#bytes.need(at, 8)));
        return;
      case JSON_TYPE.STRING: {
        const { start, length } = this.#bytes.length(at);
        this.#string(this.#bytes.need(start, length), length);
        return;
      }
      case JSON_TYPE.OPAQUE: {
        const { start, length } = this.#bytes.length(at + 1);
        this.#opaque(this.#buffer[this.#bytes.need(at, 1)]!, this.#bytes.need(start, length), length);
        return;
      }
      default:
        throw corrupt(`JSON value type ${type}`);
    }
  }

  #container(type: number, base: number, depth: number): void {
    if (depth > MAX_JSON_DEPTH) throw corrupt('JSON nested too deeply');
    const bytes = this.#bytes;
    const container = bytes.container(type, base);
    const { isObject, wide, count } = container;
    this.#spend(count);
    this.text += isObject ? '{' : '[';
    for (let i = 0; i < count; i++) {
      if (i > 0) this.text += ', ';
      if (isObject) {
        const length = bytes.keyLength(container, i);
        this.#string(bytes.keyAt(container, i, length), length);
        this.text += ': ';
      }
      const entryType = bytes.entryType(container, i);
      const inlined = isJsonInlined(entryType, wide);
      this.value(entryType, bytes.valueAt(container, i, inlined), inlined ? depth : depth + 1);
    }
    this.text += isObject ? '}' : ']';
  }

  #literal(at: number): void {
    const literal = LITERALS[this.#buffer[at]!];
    if (literal === undefined) throw corrupt(`JSON literal ${this.#buffer[at]}`);
    this.text += literal;
  }

  #spend(bytes: number): void {
    this.#bytesLeft -= bytes;
    if (this.#bytesLeft < 0) throw corrupt('JSON values that share their bytes');
  }

  #string(start: number, length: number): void {
    this.#spend(length);
    this.text += quoted(this.#buffer.toString('utf8', start, start + length));
  }

  #opaque(type: number, start: number, length: number): void {
    const need = (bytes: number): void => {
      if (length < bytes) throw corrupt(`a JSON value of type ${type} in ${length} bytes`);
    };
    switch (type) {
      case WIRE_TYPE.NEWDECIMAL: {
        need(2);
        const precision = this.#buffer[start]!;
        const scale = this.#buffer[start + 1]!;
        if (precision > JSON_DECIMAL_DIGITS || scale > precision) throw corrupt(`JSON decimal(${precision},${scale})`);
        need(2 + decimalBytes(precision, scale));
        this.text += readDecimal(this.#buffer, start + 2, precision, scale);
        return;
      }
      case WIRE_TYPE.DATE:
      case WIRE_TYPE.DATETIME:
      case WIRE_TYPE.TIMESTAMP:
        need(8);
        this.text += `"${readPackedDatetime(this.#buffer, start, type === WIRE_TYPE.DATE)}"`;
        return;
      case WIRE_TYPE.TIME:
        need(8);
        this.text += `"${readPackedTime(this.#buffer, start)}"`;
        return;
      default:
        this.text += `"base64:type${type}:${this.#buffer.toString('base64', start, start + length)}"`;
    }
  }
}

/** A column's DECIMAL has at most 65 digits; a JSON number keeps the server's own precision, whole groups of 9 (DECIMAL_MAX_POSSIBLE_PRECISION). */
const JSON_DECIMAL_DIGITS = 81;

/** A quote, a backslash or a control character. */
const NEEDS_ESCAPE = /[^ !#-[\]-\uffff]/;

/** As double_quote of json_dom.cc: short escapes, \u00xx for other control characters, everything else as it is. */
function quoted(text: string): string {
  // JSON.stringify does the same but for lone surrogates, which UTF-8 decoding never gives.
  return NEEDS_ESCAPE.test(text) ? JSON.stringify(text) : `"${text}"`;
}

/**
 * The shortest digits that give the same double (my_gcvt). Exponent form beyond 10^15 for whole numbers and below 10^-15; a whole number without
 * exponent gets `.0`, which tells it from an integer.
 */
export function doubleText(value: number): string {
  if (value === 0) return Object.is(value, -0) ? '-0.0' : '0.0';
  const [mantissa = '', exponentText = ''] = value.toExponential().split('e');
  const exponent = Number(exponentText);
  if (exponent < -15 || (exponent >= 15 && Number.isInteger(value))) return `${mantissa}e${exponent}`;
  if (Number.isInteger(value)) return `${value}.0`;
  if (exponent >= -6) return String(value);
  const negative = mantissa.startsWith('-');
  const digits = mantissa.replace(/[-.]/g, '');
  return `${negative ? '-' : ''}0.${'0'.repeat(-exponent - 1)}${digits}`;
}
