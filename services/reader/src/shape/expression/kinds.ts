import type { RowImage } from '@tapline/binlog';
import type { ColumnValue, TextRow } from '@tapline/envelope';

/** A row as the stream or the first load has it: one of the two. */
export interface RowView {
  image: RowImage | undefined;
  text: TextRow | undefined;
}

/**
 * What kind of value a part of an expression gives, and how it is held:
 * - exact: a bigint, the value times 10 to the power of the part's `scale` (integers, DECIMAL, BIT, YEAR)
 * - float: a number
 * - text, bytes: a string (of bytes: a character a byte)
 * - datetime (DATE too), timestamp: a string `2026-02-28 23:59:59.000000`, which compares as the time does; timestamps in UTC
 * - time: a bigint, microseconds
 * - truth: a boolean
 * - opaque: only whether it is NULL can be asked
 */
export type Kind =
  | 'exact'
  | 'float'
  | 'text'
  | 'bytes'
  | 'datetime'
  | 'timestamp'
  | 'time'
  | 'truth'
  | 'opaque'
  | 'null';

export type Held = bigint | number | string | boolean | null;

/** A compiled part of an expression. */
export interface Part {
  readonly kind: Kind;
  /** Decimals of exact values. */
  readonly scale: number;
  readonly value: (row: RowView) => Held;
  /** The text of a literal, which may become a date or a time by what it is compared with. */
  readonly literal?: string;
  readonly at: number;
}

const KINDS: ReadonlyMap<string, Kind> = new Map<string, Kind>([
  ...['tinyint', 'smallint', 'mediumint', 'int', 'integer', 'bigint', 'year', 'bit', 'decimal', 'numeric'].map(
    (type) => [type, 'exact'] as const,
  ),
  ...['float', 'double', 'real'].map((type) => [type, 'float'] as const),
  ...['char', 'varchar', 'tinytext', 'text', 'mediumtext', 'longtext', 'enum', 'set', 'json'].map(
    (type) => [type, 'text'] as const,
  ),
  ...['binary', 'varbinary', 'tinyblob', 'blob', 'mediumblob', 'longblob', 'uuid', 'inet4', 'inet6'].map(
    (type) => [type, 'bytes'] as const,
  ),
  ['date', 'datetime'],
  ['datetime', 'datetime'],
  ['timestamp', 'timestamp'],
  ['time', 'time'],
]);

/** A column as a part of an expression. */
export function columnPart(column: ColumnValue, at: number): Part {
  const { type, scale = 0 } = column.column;
  const kind = KINDS.get(type) ?? 'opaque';
  const held = HOLD[kind];
  const value = ({ image, text }: RowView): Held => {
    const plain = image === undefined ? column.ofText(text ?? []) : column.ofImage(image);
    return plain === null ? null : held(plain);
  };
  return { kind, scale: kind === 'exact' && (type === 'decimal' || type === 'numeric') ? scale : 0, value, at };
}

type Plain = NonNullable<ReturnType<ColumnValue['ofText']>>;

const same = (value: Plain): Held => value as Held;
const HOLD: Readonly<Record<Kind, (value: Plain) => Held>> = {
  // Decimals come as text with all their decimals.
  exact: (value) => (typeof value === 'string' ? BigInt(value.replace('.', '')) : BigInt(value as number)),
  float: same,
  text: same,
  bytes: (value) => Buffer.from(value as Uint8Array).toString('latin1'),
  datetime: (value) => wholeMoment(value as string),
  timestamp: (value) => wholeMoment((value as string).slice(0, -1)),
  time: (value) => timeMicros(value as string) ?? 0n,
  truth: same,
  opaque: () => '',
  null: () => null,
};

const MOMENT = /^[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[ T][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,6})?)?)?$/;
const MIDNIGHT = ' 00:00:00.000000';

/** `2026-02-28T10:00` → `2026-02-28 10:00:00.000000`. */
function wholeMoment(text: string): string {
  const moment = text.replace('T', ' ');
  if (moment.length === 19) return `${moment}.000000`;
  return moment.length < 19 ? moment + MIDNIGHT.slice(moment.length - 10) : moment.padEnd(26, '0');
}

/** A literal that is compared with a date or a timestamp; undefined when it is none. */
export function momentOf(text: string): string | undefined {
  return MOMENT.test(text) ? wholeMoment(text) : undefined;
}

/** `-838:59:59.5` → microseconds. */
export function timeMicros(text: string): bigint | undefined {
  const [, sign, hours, minutes, seconds, fraction] =
    /^(-?)([0-9]{1,3}):([0-9]{2})(?::([0-9]{2})(?:\.([0-9]{1,6}))?)?$/.exec(text) ?? [];
  if (hours === undefined || minutes === undefined) return undefined;
  const whole = (BigInt(hours) * 60n + BigInt(minutes)) * 60n + BigInt(seconds ?? '0');
  const micros = whole * 1_000_000n + BigInt((fraction ?? '').padEnd(6, '0'));
  return sign === '-' ? -micros : micros;
}
