import { TaplineError } from '@tapline/kernel';
import { type Change, EncodedChange, type Row, type Value } from '@tapline/sink';
import { textOf } from './values.ts';

/** A template made ready: gives the text for a change. `row`: the image that `${row.COLUMN}` is of, where it is not what the row is now. */
export type Template = (change: Change, row?: Row | null) => string;

type Part = string | Template;

const PLACEHOLDER = /\$\{([^}]*)\}/g;

export interface TemplateOptions {
  /** The config key that holds the template, for errors. */
  readonly path: string;
  /** Whether `${row.COLUMN}` may be used: it has no value for a delete, so that keys may not. */
  readonly row: boolean;
  /** What a NULL or absent column becomes. */
  readonly nullText: string;
}

/**
 * Compiles `${table}:${key.id}`.
 *
 * @throws TaplineError CONFIG_INVALID for a placeholder that is not known, with the column of the mistake.
 */
export function compileTemplate(text: string, options: TemplateOptions): Template {
  const parts: Part[] = [];
  let at = 0;
  for (const match of text.matchAll(PLACEHOLDER)) {
    if (match.index > at) parts.push(text.slice(at, match.index));
    parts.push(placeholder(match[1] ?? '', match.index, options));
    at = match.index + match[0].length;
  }
  if (at < text.length) parts.push(text.slice(at));
  if (text.indexOf('${', at) >= 0)
    throw invalid(options, `the placeholder at column ${text.indexOf('${', at) + 1} is not closed`);
  return join(parts);
}

function join(parts: readonly Part[]): Template {
  return (change, row) => {
    let text = '';
    for (const part of parts) text += typeof part === 'string' ? part : part(change, row);
    return text;
  };
}

function placeholder(name: string, index: number, options: TemplateOptions): Template {
  const [, image, column = '', format] = /^(key|row|after)\.([^:]+)(?::(.+))?$/s.exec(name) ?? [];
  const { nullText } = options;
  const shown = format === undefined ? textOf : inFormat(format, index, options);
  if (image === 'key') return fromRow((change) => change.key, column, options, { nullText, shown });
  if (image !== undefined && options.row)
    return fromRow((change, row = change.after) => row, column, options, { nullText, shown });
  if (name === 'key') return wholeKey;
  if (name === 'topic') return (change) => change.topic;
  if (name === 'source') return (change) => originOf(change).name;
  if (name === 'db') return (change) => originOf(change).db;
  if (name === 'table') return (change) => originOf(change).table;
  const known = `\${source}, \${db}, \${table}, \${topic}, \${key}, \${key.COLUMN}${options.row ? ', ${row.COLUMN}' : ''}`;
  throw invalid(options, `\${${name}} at column ${index + 1} is not known; there are ${known}`);
}

function invalid({ path }: TemplateOptions, message: string): TaplineError {
  return new TaplineError('CONFIG_INVALID', { message: `${path}: ${message}.`, place: { path } });
}

interface Showing {
  readonly nullText: string;
  readonly shown: (value: NonNullable<Value>) => string;
}

function fromRow(
  image: (change: Change, row?: Row | null) => Row | null,
  column: string,
  { path, row: optional }: TemplateOptions,
  { nullText, shown }: Showing,
): Template {
  return (change, row) => {
    const value = image(change, row)?.[column];
    if (value === undefined && !optional) throw missing(change, column, path);
    return value === null || value === undefined ? nullText : shown(value);
  };
}

/** Parts of a date as its text has them, by the letters of the format. */
const DATE_PARTS: Readonly<Record<string, readonly [from: number, to: number]>> = {
  yyyy: [0, 4],
  MM: [5, 7],
  dd: [8, 10],
  HH: [11, 13],
};

/** `yyyy.MM` of a date, a datetime or a timestamp: its own digits, in no other time zone than they are in. */
function inFormat(format: string, index: number, options: TemplateOptions): (value: NonNullable<Value>) => string {
  if (/[A-Za-z]/.test(format.replace(/yyyy|MM|dd|HH/g, ''))) {
    throw invalid(options, `the format ${format} at column ${index + 1} is not known; it may have yyyy, MM, dd and HH`);
  }
  return (value) => {
    const text = textOf(value);
    return format.replace(/yyyy|MM|dd|HH/g, (part) => text.slice(...(DATE_PARTS[part] ?? [])));
  };
}

function missing(change: Change, column: string, path: string): TaplineError {
  const has = change.key === null ? 'its records have no key' : `its key has ${Object.keys(change.key).join(', ')}`;
  return new TaplineError('SINK_KEY', {
    message: `${path} uses \${key.${column}}, but topic ${change.topic} has no such key column: ${has}.`,
    place: { topic: change.topic, path },
  });
}

/** Every key column. Alone it stands as it is; among several, colons inside it are written %3A, so that no two keys meet in one text. */
function wholeKey(change: Change): string {
  const { key } = change;
  if (key === null) {
    throw new TaplineError('SINK_KEY', {
      message: `Records of topic ${change.topic} have no key, and a row needs a name in the sink.`,
      place: { topic: change.topic },
    });
  }
  let text = '';
  let only: Value | undefined;
  let count = 0;
  for (const column in key) {
    const value = key[column] ?? null;
    if (count++ === 0) only = value;
    else text = count === 2 ? `${escaped(only ?? null)}:${escaped(value)}` : `${text}:${escaped(value)}`;
  }
  return count === 1 ? textOf(only ?? '') : text;
}

function escaped(value: Value): string {
  const text = value === null ? '' : textOf(value);
  return /[:%]/.test(text) ? text.replace(/%/g, '%25').replace(/:/g, '%3A') : text;
}

interface Origin {
  readonly name: string;
  readonly db: string;
  readonly table: string;
}

/** A tombstone has no source block; its topic is `<source>.<db>.<table>`. */
function originOf(change: Change): Origin {
  if (change instanceof EncodedChange) return change.origin;
  if (change.source !== null) return change.source;
  const [name = '', db = '', ...table] = change.topic.split('.');
  return { name, db, table: table.join('.') };
}
