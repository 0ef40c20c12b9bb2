import { parseExact } from '@tapline/envelope';
import { TaplineError } from '@tapline/kernel';
import type { Change, Row, Value } from '@tapline/sink';
import { Decimal } from './expression/decimal.ts';
import { hashText } from './expression/environment.ts';
import { columnValue, type Expression, failed } from './expression/expression.ts';
import { type Image, isAbsent, mapRows, type NewValue, setColumns, type Transform } from './rows.ts';
import type { CastKind, MaskKind } from './steps.ts';

type Kinds<K> = Readonly<Record<string, K>>;

const FIXED = '***';

/** Masked columns are masked in the key too, where only `hash` keeps rows apart. */
export function masking(kinds: Kinds<MaskKind>, path: string, secret: string): Transform {
  const columns = Object.entries(kinds);
  const mask = (row: Row | null, inKey: boolean): Row | null => {
    let masked: Record<string, Value> | undefined;
    for (const [column, kind] of columns) {
      const value = row?.[column];
      if (value === undefined || value === null) continue;
      if (inKey && kind !== 'hash') throw keyMask(column, kind, path);
      masked ??= { ...row };
      masked[column] = kind === 'hash' ? hashText(value, secret) : kind === 'fixed' ? FIXED : null;
    }
    return masked ?? row;
  };
  return (change) => ({
    ...change,
    key: mask(change.key, true),
    before: mask(change.before, false),
    after: mask(change.after, false),
  });
}

function keyMask(column: string, kind: MaskKind, path: string): TaplineError {
  return new TaplineError('CONFIG_INVALID', {
    message: `${path} makes the key column ${column} ${kind}, so that different rows would meet in one.`,
    remedy: 'Mask key columns with hash.',
    place: { path },
  });
}

export function casting(kinds: Kinds<CastKind>, path: string): Transform {
  const columns = Object.entries(kinds);
  const cast = (row: Row): Row => {
    const result: Record<string, Value> = { ...row };
    for (const [column, kind] of columns) {
      const value = row[column];
      if (value === undefined || value === null) continue;
      const changed = CASTS[kind](value);
      if (changed === undefined) throw failed(`${path}.${column}`, `A value has no form as ${kind}.`);
      result[column] = changed;
    }
    return result;
  };
  return mapRows(cast, (absent) => absent);
}

/** undefined: the value cannot be had in this form. */
const CASTS: Readonly<Record<CastKind, (value: NonNullable<Value>) => Value | undefined>> = {
  text: (value) => (value instanceof Uint8Array ? utf8(value) : String(value)),
  integer(value) {
    const decimal = typeof value === 'boolean' ? Decimal.of(Number(value)) : Decimal.of(value);
    const whole = decimal?.round(0);
    return whole !== undefined && whole.compare(decimal as Decimal) === 0 ? whole.unscaled : undefined;
  },
  number(value) {
    const number = value instanceof Uint8Array || value === '' ? Number.NaN : Number(value);
    return Number.isFinite(number) ? number : undefined;
  },
  decimal: (value) => (typeof value === 'boolean' ? undefined : Decimal.of(value)?.toString()),
  boolean(value) {
    const text = value instanceof Uint8Array ? '' : String(value).toLowerCase();
    return text === '1' || text === 'true' ? true : text === '0' || text === 'false' ? false : undefined;
  },
  base64: (value) => (value instanceof Uint8Array ? Buffer.from(value).toString('base64') : undefined),
  hex: (value) => (value instanceof Uint8Array ? Buffer.from(value).toString('hex') : undefined),
  epochMs: (value) => (typeof value === 'string' ? epochMs(value) : undefined),
};

function utf8(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

const DATE = /^\d{4}-(\d\d)-(\d\d)(T\d\d:\d\d:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)?$/;

/** Of what ChangeReader gives for DATE, DATETIME and TIMESTAMP. A zero or partial date is no moment: null. */
function epochMs(text: string): Value | undefined {
  const [whole, month, day, time, , zone] = DATE.exec(text) ?? [];
  if (whole === undefined) return undefined;
  if (month === '00' || day === '00') return null;
  const ms = Date.parse(time === undefined || zone !== undefined ? text : `${text}Z`);
  return Number.isNaN(ms) ? null : ms;
}

/** `prefixes`: JSON column → prefix of its members. A column that holds no object stays as it is. */
export function flattening(prefixes: Readonly<Record<string, string>>, path: string): Transform {
  const flat = (row: Row): Row => {
    const result: Record<string, Value> = {};
    const set = (name: string, value: Value): void => {
      if (name in result) throw failed(path, `A member would take the place of the column ${name}.`);
      result[name] = value;
    };
    for (const column in row) {
      const prefix = prefixes[column];
      const value = row[column] as Value;
      const members = prefix === undefined || typeof value !== 'string' ? undefined : objectOf(value);
      if (members === undefined) set(column, value);
      else spread(members, prefix as string, set);
    }
    return result;
  };
  const absentMembers = (names: readonly string[]): readonly string[] => {
    const column = names.find((name) => name in prefixes);
    if (column === undefined) return names;
    throw new TaplineError('ROW_PARTIAL', {
      message: `${path} asks for the column ${column}, which the row does not carry.`,
      place: { path },
    });
  };
  return mapRows(flat, absentMembers);
}

type JsonObject = Readonly<Record<string, unknown>>;

function objectOf(text: string): JsonObject | undefined {
  if (!text.trimStart().startsWith('{')) return undefined;
  try {
    return parseExact(text) as JsonObject;
  } catch {
    return undefined;
  }
}

function spread(members: JsonObject, prefix: string, set: (name: string, value: Value) => void): void {
  for (const [name, value] of Object.entries(members)) {
    if (Array.isArray(value)) set(`${prefix}${name}`, jsonText(value));
    else if (typeof value === 'object' && value !== null) spread(value as JsonObject, `${prefix}${name}_`, set);
    else set(`${prefix}${name}`, value as Value);
  }
}

/** JSON of what parseExact gave. */
function jsonText(value: unknown): string {
  if (typeof value === 'bigint') return String(value);
  if (Array.isArray(value)) return `[${value.map(jsonText).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  return `{${Object.entries(value)
    .map(([name, item]) => `${JSON.stringify(name)}:${jsonText(item)}`)
    .join(',')}}`;
}

export function constants(values: Readonly<Record<string, string | number | boolean>>): Transform {
  return setColumns(new Map(Object.entries(values).map(([column, value]) => [column, (): Value => value])));
}

export function templates(texts: Readonly<Record<string, string>>, path: string): Transform {
  return setColumns(
    new Map(Object.entries(texts).map(([column, text]) => [column, template(text, `${path}.${column}`)])),
  );
}

function template(text: string, path: string): NewValue {
  const parts = text.split(/\$\{([^}]+)\}/);
  if (text.replace(/\$\{([^}]+)\}/g, '').includes('${')) {
    throw new TaplineError('CONFIG_INVALID', {
      message: `${path}: a placeholder is empty or not closed; one is written \${COLUMN}.`,
      place: { path },
    });
  }
  return (change, row, image) => {
    let result = '';
    for (let index = 0; index < parts.length; index++) {
      const part = parts[index] as string;
      const value = index % 2 === 0 ? part : row[part];
      if (value === undefined && isAbsent(change, image, part)) return undefined;
      if (value === undefined) throw noColumn(change, part, path);
      if (value instanceof Uint8Array)
        throw failed(path, `The column ${part} holds bytes, which are no text: cast it.`);
      if (value !== null) result += String(value);
    }
    return result;
  };
}

export function noColumn({ topic }: Change, column: string, path: string): TaplineError {
  return new TaplineError('TRANSFORM_COLUMN', {
    message: `${path} asks for the column ${column}, which rows of ${topic} do not have.`,
    place: { path },
  });
}

/** Each expression sees the row as it was before the step. */
export function computing(expressions: ReadonlyMap<string, Expression>, path: string): Transform {
  const columns = [...expressions].map(([column, expression]): [string, NewValue] => {
    const place = `${path}.${column}`;
    const used = [...(expression.columns.get('row') ?? [])];
    return [
      column,
      (change: Change, row: Row, image: Image) => {
        if (change.absent !== null && used.some((name) => isAbsent(change, image, name))) return undefined;
        return columnValue(expression.evaluate(change, row, image), place);
      },
    ];
  });
  return setColumns(new Map(columns));
}
