import avsc from 'avsc';
import { bytesValue, datetimeValue, microsValue, NULL, rowImage, textValue } from './image.ts';

/** A field as the schema's JSON has it. */
export interface AvroField {
  readonly name: string;
  readonly type: unknown;
}

export interface DecodedEnvelope {
  readonly before?: Record<string, unknown> | null;
  readonly after?: Record<string, unknown> | null;
  readonly source: { readonly gtid?: string | null; readonly ts_us: bigint | number | null };
  readonly op: 'c' | 'u' | 'd' | 'r';
}

/** Avro's long as a bigint: a number would round beyond 2^53. */
const LONG = avsc.types.LongType.__with({
  fromBuffer: (buffer: Buffer) => buffer.readBigInt64LE(),
  toBuffer: (value: bigint) => {
    const buffer = Buffer.alloc(8);
    buffer.writeBigInt64LE(value);
    return buffer;
  },
  fromJSON: BigInt,
  toJSON: Number,
  isValid: (value: unknown) => typeof value === 'bigint',
  compare: (a: bigint, b: bigint) => (a === b ? 0 : a < b ? -1 : 1),
});

export function avroType(schema: string): avsc.Type {
  return avsc.Type.forSchema(JSON.parse(schema) as avsc.Schema, {
    wrapUnions: false,
    typeHook: (type) => {
      const name: unknown = typeof type === 'object' && type !== null && 'type' in type ? type.type : type;
      return name === 'long' ? LONG : undefined;
    },
  });
}

/** A decoded record as an image, with the values in the order of `fields`. */
export function fieldImage(fields: readonly AvroField[], row: Record<string, unknown>): string {
  return rowImage(fields.map((field) => valueImage(field, row[field.name])));
}

interface Semantics {
  readonly 'connect.name'?: string;
  readonly logicalType?: string;
  readonly scale?: number;
}

function valueImage(field: AvroField, value: unknown): string {
  if (value === null || value === undefined) return NULL;
  const semantics = semanticsOf(field.type);
  const name = semantics['connect.name'] ?? '';
  if (Buffer.isBuffer(value)) {
    return semantics.logicalType === 'decimal' ? decimalText(value, semantics.scale ?? 0) : bytesValue(value);
  }
  if (name === 'io.debezium.time.Timestamp') return microsValue(BigInt(value as bigint) * 1000n);
  if (name === 'io.debezium.time.MicroTimestamp') return microsValue(BigInt(value as bigint));
  if (name === 'io.debezium.time.ZonedTimestamp') return datetimeValue(value as string);
  if (name !== '' && !name.startsWith('org.apache.kafka.connect.data.Decimal'))
    throw new Error(`${field.name}: the chaos tests have no rule for ${name}`);
  if (typeof value === 'string') return textValue(value);
  if (typeof value === 'number' || typeof value === 'bigint') return String(value);
  throw new Error(`${field.name}: unexpected ${typeof value}`);
}

/** What hangs on a field's type, or on the branch of its union that is not null. */
function semanticsOf(type: unknown): Semantics {
  const branch = Array.isArray(type) ? (type.find((candidate) => candidate !== 'null') as unknown) : type;
  return typeof branch === 'object' && branch !== null ? branch : {};
}

/** Two's complement bytes of the unscaled value. */
function decimalText(bytes: Buffer, scale: number): string {
  const unscaled = BigInt.asIntN(bytes.length * 8, BigInt(`0x${bytes.toString('hex') || '0'}`));
  const digits = (unscaled < 0n ? -unscaled : unscaled).toString().padStart(scale + 1, '0');
  const whole = digits.slice(0, digits.length - scale);
  const sign = unscaled < 0n ? '-' : '';
  return scale === 0 ? `${sign}${whole}` : `${sign}${whole}.${digits.slice(-scale)}`;
}
