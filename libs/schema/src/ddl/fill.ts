import type { Column, Table } from '../table.ts';
import type { ColumnDefinition } from './column-definition.ts';
import type { DefaultValue } from './default-value.ts';

type Value = Extract<DefaultValue, { readonly text: string }>;
type TextOf = (value: Value, column: Column) => string | undefined;

/**
 * What the rows of a table get in a column that ALTER TABLE adds (`Column.fill`): its DEFAULT, and without one what the server takes for nothing in this type
 * (https://dev.mysql.com/doc/refman/9.4/en/data-type-defaults.html, "Implicit Default Handling"). Undefined where they may have NULL, where each has a value of its
 * own, and where the statement alone does not tell: a wrong value would be worse than none. The time of the statement is given as the date that is none: it depends on the session's
 * time zone, and rows of then are not from then.
 */
export function fillOf(column: Column, { fallback, numbered }: ColumnDefinition): string | undefined {
  if (column.nullable || column.generated !== undefined || numbered) return undefined;
  if (fallback === undefined) return implicit(column);
  if (fallback.kind === 'unknown') return undefined;
  if (fallback.kind === 'now') return MOMENTS.has(column.type) ? implicit(column) : undefined;
  return FILLS.get(column.type)?.(fallback, column);
}

/** The column with its fill. */
export function filled(column: Column, definition: ColumnDefinition): Column {
  const fill = fillOf(column, definition);
  return fill === undefined ? column : { ...column, fill };
}

/** A column defined anew: it keeps what its oldest rows got, where that is the same value in the new type. */
export function refilled(column: Column, old: Column): Column {
  const { fill } = old;
  const isSame = kindOf(column) === kindOf(old) && column.fsp === old.fsp && column.scale === old.scale;
  return fill === undefined || column.nullable || !isSame ? column : { ...column, fill };
}

function kindOf({ type }: Column): string {
  if (type.endsWith('int')) return 'int';
  if (/char$|text$/.test(type)) return 'text';
  return /^varbinary$|blob$/.test(type) ? 'bytes' : type;
}

/** The table with the fills of these columns: descriptions that do not come out of the history have none. */
export function withFills(table: Table, columns: readonly Column[]): Table {
  const known = columns.filter(({ fill }) => fill !== undefined);
  if (known.length === 0) return table;
  const fills = new Map(known.map((column) => [column.name, column]));
  const fill = (column: Column): Column => {
    const source = fills.get(column.name);
    return source === undefined ? column : refilled(column, source);
  };
  return { ...table, columns: table.columns.map(fill) };
}

const MOMENTS: ReadonlySet<string> = new Set(['datetime', 'timestamp']);
const NO_DATE = '0000-00-00';
const NO_TIME = '00:00:00';
const NO_MOMENT = `${NO_DATE} ${NO_TIME}`;

function implicit(column: Column): string | undefined {
  const { type, length = 0, members = [] } = column;
  switch (type) {
    case 'enum':
      return members[0];
    case 'binary':
    case 'uuid':
    case 'inet4':
    case 'inet6':
      return '\0'.repeat(length);
    case 'json':
      return 'null';
    case 'time':
      return NO_TIME;
    case 'year':
      return '0000';
    case 'set':
    case 'varbinary':
      return '';
    default:
      if (/char$|text$|blob$/.test(type)) return '';
      return FILLS.get(type)?.({ kind: 'number', text: '0' }, column);
  }
}

const integer: TextOf = ({ kind, text }) => {
  if (kind === 'bytes') return BigInt(`0x0${Buffer.from(text, 'latin1').toString('hex')}`).toString();
  return /^[+-]?\d+$/.test(text) ? BigInt(text.replace('+', '')).toString() : undefined;
};

const bit: TextOf = (value, column) => (value.kind === 'text' ? undefined : integer(value, column));

/** With all digits of the scale: what would have to be rounded is left to the server. */
const decimal: TextOf = ({ kind, text }, { scale = 0 }) => {
  const [, sign = '', whole = '', fraction = ''] = /^([+-]?)(\d*)\.?(\d*)$/.exec(text) ?? [];
  const digits = fraction.replace(/0+$/, '');
  if (kind === 'bytes' || whole + fraction === '' || digits.length > scale) return undefined;
  const isNegative = sign === '-' && /[1-9]/.test(whole + digits);
  const point = scale === 0 ? '' : '.';
  return `${isNegative ? '-' : ''}${BigInt(`0${whole}`)}${point}${digits.padEnd(scale, '0')}`;
};

/** FLOAT(m,d) has d decimals. */
const float: TextOf = ({ kind, text }, { columnType }) => {
  const number = kind === 'bytes' || text.trim() === '' ? Number.NaN : Number(text);
  const decimals = /,(\d+)\)/.exec(columnType)?.[1];
  const isWhole = decimals === undefined || Number(number.toFixed(Number(decimals))) === number;
  return Number.isFinite(number) && isWhole ? String(number) : undefined;
};

const characters: TextOf = (value, { type, charset }) => {
  const { kind } = value;
  if (kind === 'bytes' && !(charset?.startsWith('utf8') === true && isAscii(value.text))) return undefined;
  const text = kind === 'number' ? whole(value) : value.text;
  // SELECT gives a CHAR without the spaces behind it.
  return type === 'char' ? text?.replace(/ +$/, '') : text;
};

/** As the server prints the number; with a fraction that is its own matter. */
function whole({ text }: Value): string | undefined {
  return /^[+-]?\d+$/.test(text) ? BigInt(text.replace('+', '')).toString() : undefined;
}

/** The bytes of a text depend on the character set of the client, but for these. */
function isAscii(text: string): boolean {
  return /^[\0-\u007f]*$/.test(text);
}

const bytes: TextOf = (value, { type, length = 0 }) => {
  const text = value.kind === 'number' ? whole(value) : value.text;
  if (text === undefined || (value.kind === 'text' && !isAscii(text))) return undefined;
  return type === 'binary' ? text.padEnd(length, '\0') : text;
};

/** A member as the table spells it: the server finds it by its collation. */
function memberOf(text: string, members: readonly string[]): string | undefined {
  const folded = text.replace(/ +$/, '').toLowerCase();
  const alike = members.filter((member) => member.toLowerCase() === folded);
  return members.find((member) => member === text) ?? (alike.length === 1 ? alike[0] : undefined);
}

const oneMember: TextOf = ({ kind, text }, { members = [] }) => (kind === 'text' ? memberOf(text, members) : undefined);

const someMembers: TextOf = ({ kind, text }, { members = [] }) => {
  if (kind !== 'text') return undefined;
  const chosen = text === '' ? [] : text.split(',').map((one) => memberOf(one, members));
  return chosen.includes(undefined) ? undefined : members.filter((member) => chosen.includes(member)).join(',');
};

/** Texts that the server prints as they are given. */
const json: TextOf = ({ kind, text }) =>
  kind === 'text' && /^(?:\{\}|\[\]|null|true|false|0|-?[1-9]\d{0,15})$/.test(text) ? text : undefined;

const date: TextOf = ({ kind, text }) => {
  if (kind === 'number') return Number(text) === 0 ? NO_DATE : undefined;
  return kind === 'text' && /^\d{4}-\d\d-\d\d$/.test(text) ? text : undefined;
};

const datetime: TextOf = (value, column) => {
  const { kind, text } = value;
  const day = date(value, column);
  if (day !== undefined) return `${day} ${NO_TIME}`;
  return kind === 'text' && /^\d{4}-\d\d-\d\d /.test(text) ? clocked(text, column) : undefined;
};

const time: TextOf = ({ kind, text }, column) => {
  if (kind === 'number') return Number(text) === 0 ? NO_TIME : undefined;
  return kind === 'text' && /^-?\d{2,3}:/.test(text) ? clocked(text, column) : undefined;
};

/** Ends in a time of day, with no more digits than the column has. */
function clocked(text: string, { fsp = 0 }: Column): string | undefined {
  const [, fraction = ''] = /:\d\d:\d\d(?:\.(\d{1,6}))?$/.exec(text) ?? [undefined, '0000000'];
  return fraction.length > fsp ? undefined : text;
}

/** A moment other than none stands for another one in each time zone. */
const timestamp: TextOf = (value, column) => (datetime(value, column)?.startsWith(NO_MOMENT) ? NO_MOMENT : undefined);

const year: TextOf = ({ kind, text }) => {
  if (kind === 'number' && Number(text) === 0) return '0000';
  return kind !== 'bytes' && /^(?:0000|\d{4})$/.test(text) ? text : undefined;
};

const FILLS: ReadonlyMap<string, TextOf> = new Map<string, TextOf>([
  ...['tinyint', 'smallint', 'mediumint', 'int', 'bigint'].map((type) => [type, integer] as const),
  ...['char', 'varchar', 'tinytext', 'text', 'mediumtext', 'longtext'].map((type) => [type, characters] as const),
  ...['binary', 'varbinary', 'tinyblob', 'blob', 'mediumblob', 'longblob'].map((type) => [type, bytes] as const),
  ['bit', bit],
  ['decimal', decimal],
  ['float', float],
  ['double', float],
  ['enum', oneMember],
  ['set', someMembers],
  ['json', json],
  ['date', date],
  ['datetime', datetime],
  ['time', time],
  ['timestamp', timestamp],
  ['year', year],
]);
