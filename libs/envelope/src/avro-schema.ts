/** Avro schemas as the JSON they are written in, with the attributes Kafka Connect's Avro converter understands. */
export type AvroType = string | AvroObject | readonly AvroType[];

export interface AvroObject {
  readonly type: string;
  readonly [attribute: string]: unknown;
}

export interface AvroField {
  readonly name: string;
  readonly type: AvroType;
  readonly default?: null | string | number | boolean;
  /** The column's type, name and fraction digits, where it is a column. */
  readonly 'mysql.type'?: string;
  /** The column's name, where it is not legal in Avro. */
  readonly 'mysql.name'?: string;
  /** What a shape rule has made of the values. */
  readonly 'tapline.shape'?: string;
  readonly [attribute: string]: unknown;
}

/** A primitive with a semantic type: how Connect's Avro converter writes a schema that has a name, a version and parameters. */
export function semantic(type: string, name: string, parameters?: Readonly<Record<string, string>>): AvroObject {
  const base = { type, 'connect.version': 1 };
  return parameters === undefined
    ? { ...base, 'connect.name': name }
    : { ...base, 'connect.parameters': parameters, 'connect.name': name };
}

/** A 16-bit integer: Connect has the type, Avro does not. */
export const INT16: AvroType = { type: 'int', 'connect.type': 'int16' };

export function decimal(precision: number, scale: number): AvroObject {
  return {
    type: 'bytes',
    scale,
    precision,
    'connect.version': 1,
    'connect.parameters': { scale: String(scale), 'connect.decimal.precision': String(precision) },
    'connect.name': 'org.apache.kafka.connect.data.Decimal',
    logicalType: 'decimal',
  };
}

export function nullable(type: AvroType): AvroType {
  return ['null', type];
}

/**
 * The schema as text: no whitespace, attributes in the order they were built in, and each named type written out where it is first
 * met and named by its full name afterwards (defining a name twice is an error in Avro).
 */
export function schemaText(type: AvroType): string {
  const defined = new Set<string>();
  const walk = (node: AvroType): unknown => {
    if (typeof node === 'string') return node;
    if (Array.isArray(node)) return node.map((branch: AvroType) => walk(branch));
    const object = node as AvroObject;
    if (object.type === 'array') return { ...object, items: walk(object.items as AvroType) };
    if (object.type !== 'record') return object;
    const name = `${String(object.namespace)}.${String(object.name)}`;
    if (defined.has(name)) return name;
    defined.add(name);
    const fields = object.fields as readonly AvroField[];
    return { ...object, fields: fields.map((field) => ({ ...field, type: walk(field.type) })) };
  };
  return JSON.stringify(walk(type));
}
