import { TaplineError } from '@tapline/kernel';
import { type Table, type TableState, tableOfState } from '@tapline/schema';
import type { ReaderConfig } from '../config.ts';

/** What messages of a table are made of. */
export interface MessageForm {
  readonly topic: string;
  /** What the bytes of keys depend on; undefined: there are no keys. */
  readonly key: string | undefined;
  /** The Avro schema of values, as JSON. */
  readonly value: string;
}

export interface FormChange {
  readonly before: TableState;
  readonly after: TableState;
  /** Of the statement. */
  readonly place: string;
}

export interface FormPolicy {
  readonly config: Pick<ReaderConfig['history'], 'keyChange' | 'incompatible'>;
  formOf(table: Table): MessageForm;
  /** Whether anything was published there. */
  isUsed(topic: string): boolean;
}

/** Whether the table's changes go on in their topic, or begin another one. */
export type FormVerdict = 'goesOn' | 'newTopic';

/**
 * What a statement makes of a table whose changes are published already. Another key is the serious case: the same rows get other keys, so they go to other
 * partitions, where nothing keeps their changes in order with those before, and the records under the old keys stay for good.
 *
 * @throws TaplineError SCHEMA_KEY_CHANGED, SCHEMA_FORM_CHANGED where policy is to stop: nothing behind the statement is published.
 */
export function approveForm({ before, after, place }: FormChange, { config, formOf, isUsed }: FormPolicy): FormVerdict {
  const [old, now] = [formOrNone(before, formOf), formOrNone(after, formOf)];
  if (old === undefined || now === undefined || old.topic !== now.topic || !isUsed(now.topic)) return 'goesOn';
  const table = `${after.database}.${after.name}`;
  if (old.key !== now.key && config.keyChange === 'newTopic') return 'newTopic';
  if (old.key !== now.key && config.keyChange === 'stop') {
    throw new TaplineError('SCHEMA_KEY_CHANGED', {
      message: `The message key of ${table} is another one behind this statement: it was ${keyOf(before)}, and becomes ${keyOf(after)}.`,
      place: { table, position: place, topic: now.topic },
    });
  }
  if (config.incompatible === 'newVersion') return 'goesOn';
  const fields = unreadableFields(JSON.parse(old.value) as AvroSchema, JSON.parse(now.value) as AvroSchema);
  if (fields.length === 0) return 'goesOn';
  if (config.incompatible === 'newTopic') return 'newTopic';
  throw new TaplineError('SCHEMA_FORM_CHANGED', {
    message: `Behind this statement the values of ${table} can no longer be read together with those before: ${fields.join(', ')}.`,
    place: { table, position: place, topic: now.topic },
  });
}

/** Undefined where there can be no messages: the table has no key yet, or a type that is not supported. What is wrong is said when its rows come. */
function formOrNone(state: TableState, formOf: (table: Table) => MessageForm): MessageForm | undefined {
  if (state.unread !== undefined) return undefined;
  try {
    return formOf(tableOfState(state));
  } catch (error) {
    if (error instanceof TaplineError) return undefined;
    throw error;
  }
}

function keyOf(state: TableState): string {
  const primary = state.keys.find(({ kind }) => kind === 'primary');
  const names = primary?.parts.map(({ column }) => {
    const type = state.columns.find(({ name }) => name === column)?.columnType ?? '';
    return `${column} ${type}`;
  });
  return names === undefined ? 'none' : `(${names.join(', ')})`;
}

type AvroSchema = string | readonly AvroSchema[] | AvroObject;

interface AvroObject {
  readonly type: AvroSchema;
  readonly name?: string;
  readonly logicalType?: string;
  readonly scale?: number;
  readonly fields?: readonly AvroField[];
  readonly items?: AvroSchema;
}

interface AvroField {
  readonly name: string;
  readonly type: AvroSchema;
  readonly default?: unknown;
}

/** Types that a reader may ask for where another was written (https://avro.apache.org/docs/1.12.0/specification/#schema-resolution). */
const PROMOTIONS: Readonly<Record<string, readonly string[]>> = {
  int: ['long', 'float', 'double'],
  long: ['float', 'double'],
  float: ['double'],
  string: ['bytes'],
  bytes: ['string'],
};

/**
 * What keeps a consumer from reading an old row as a new one: columns whose old values are none of the new type, and columns that an old row lacks and the new schema has
 * no default for. Columns that are gone are no matter. Whoever reads by the schema of the record itself, as Tapline's writers do, sees none of this.
 */
function unreadableFields(old: AvroSchema, now: AvroSchema): string[] {
  const before = new Map(rowFields(old).map(({ name, type }) => [name, type]));
  return rowFields(now).flatMap(({ name, type, default: substitute }) => {
    const was = before.get(name);
    if (was === undefined) return substitute === undefined ? [`${name} (NOT NULL, which they lack)`] : [];
    return isReadable(was, type) ? [] : [name];
  });
}

/** The columns, in the record of the row, which stands in `after` of the envelope, or where it is named first. */
function rowFields(schema: AvroSchema): readonly AvroField[] {
  const before = isObject(schema) ? schema.fields?.find(({ name }) => name === 'before')?.type : undefined;
  const row = before === undefined ? undefined : branches(before).find((branch) => isObject(branch));
  return isObject(row) ? (row.fields ?? []) : [];
}

function isReadable(written: AvroSchema, wanted: AvroSchema): boolean {
  return branches(written).every((branch) =>
    branches(wanted).some((target) => {
      const [from, to] = [plainType(branch), plainType(target)];
      const same = from === to || (PROMOTIONS[from] ?? []).includes(to);
      return same && meaning(branch) === meaning(target);
    }),
  );
}

function branches(schema: AvroSchema): readonly AvroSchema[] {
  return Array.isArray(schema) ? (schema as readonly AvroSchema[]) : [schema];
}

function plainType(schema: AvroSchema): string {
  if (typeof schema === 'string') return schema;
  return isObject(schema) ? plainType(schema.type) : '';
}

/** Bytes of a decimal are another number under another scale. */
function meaning(schema: AvroSchema): string {
  return isObject(schema) && schema.logicalType !== undefined ? `${schema.logicalType} ${schema.scale ?? ''}` : '';
}

function isObject(schema: AvroSchema | undefined): schema is AvroObject {
  return typeof schema === 'object' && !Array.isArray(schema);
}
