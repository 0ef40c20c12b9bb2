import { TaplineError } from '@tapline/kernel';

/**
 * `lower_case_table_names` of the server. 0: names differ by case (Linux). 1: names are kept in lower case. 2: names are kept as written and
 * compared in lower case (macOS).
 */
export type LowerCaseTableNames = 0 | 1 | 2;

/** A compiled `database.table` pattern. */
export interface TablePattern {
  readonly text: string;
  /** Whether it names exactly one table. */
  readonly exact: boolean;
  matches(database: string, table: string): boolean;
  /** Whether a table of this database could match. */
  matchesDatabase(database: string): boolean;
}

/** MySQL's limit for identifiers, in characters (of the basic plane: others cannot be in a name). */
const NAME_LIMIT = 64;

interface NamePattern {
  /** The literal pieces between the stars: one piece when there is no star. */
  readonly pieces: readonly string[];
}

/**
 * Compiles one pattern.
 *
 *     pattern := name '.' name
 *     name    := piece+            a star stands for any run of characters, also none
 *     piece   := '*' | character other than '.', '*' and '`' | '`' (character | '``')* '`'
 *
 * Backquotes take dots and stars literally, as in SQL: `` `my.shop`.orders ``.
 *
 * @throws TaplineError CONFIG_INVALID when no table's name can ever match; `path` is the config key that is named in it.
 */
export function compileTablePattern(text: string, caseRule: LowerCaseTableNames, path: string): TablePattern {
  const parts = split(text, path);
  const [databasePart, tablePart] = parts;
  if (databasePart === undefined || tablePart === undefined || parts.length !== 2) {
    throw invalid(
      text,
      path,
      `it has ${parts.length} ${parts.length === 1 ? 'part' : 'parts'} where database.table has two`,
      parts.length === 1
        ? `Write "*.${text}" for a table of this name in every database, or "${text}.*" for every table of this database.`
        : 'Put a name that has a dot in it in backquotes: "`my.shop`.orders".',
    );
  }
  for (const part of parts) checkName(part, text, path);
  const fold = (name: string): string => (caseRule === 0 ? name : name.toLowerCase());
  const database = matcher(databasePart, fold);
  const table = matcher(tablePart, fold);
  return {
    text,
    exact: databasePart.pieces.length === 1 && tablePart.pieces.length === 1,
    matches: (databaseName, tableName) => database(fold(databaseName)) && table(fold(tableName)),
    matchesDatabase: (databaseName) => database(fold(databaseName)),
  };
}

/** `database.table` as a pattern that matches exactly this table: backquoted where a character would mean something else. */
export function patternOf(database: string, table: string): string {
  return `${quoteName(database)}.${quoteName(table)}`;
}

function quoteName(name: string): string {
  return /[.*`]/.test(name) ? `\`${name.replaceAll('`', '``')}\`` : name;
}

function split(text: string, path: string): NamePattern[] {
  const names: NamePattern[] = [];
  let pieces = [''];
  const add = (literal: string): void => {
    pieces[pieces.length - 1] += literal;
  };
  for (let at = 0; at < text.length; at++) {
    const character = text.charAt(at);
    if (character === '.') {
      names.push({ pieces });
      pieces = [''];
    } else if (character === '*') {
      pieces.push('');
    } else if (character === '`') {
      const end = closingQuote(text, at + 1);
      if (end < 0) throw invalid(text, path, 'a backquote is not closed', 'Close the backquote.');
      add(text.slice(at + 1, end).replaceAll('``', '`'));
      at = end;
    } else {
      add(character);
    }
  }
  names.push({ pieces });
  return names;
}

function closingQuote(text: string, from: number): number {
  for (let at = from; at < text.length; at++) {
    if (text.charAt(at) !== '`') continue;
    if (text.charAt(at + 1) !== '`') return at;
    at++;
  }
  return -1;
}

function checkName(name: NamePattern, text: string, path: string): void {
  const literal = name.pieces.join('');
  const remedy = 'Write database.table, where a star stands for any run of characters: "shop.*", "*.orders_*".';
  if (name.pieces.length === 1 && literal === '') throw invalid(text, path, 'a name is empty', remedy);
  if (literal.length > NAME_LIMIT) {
    throw invalid(text, path, `a name has more than MySQL's ${NAME_LIMIT} characters`, remedy);
  }
  if (/\s$/.test(name.pieces.at(-1) ?? '')) {
    throw invalid(text, path, 'a name ends with white space, which no MySQL name does', 'Remove the white space.');
  }
  if (/^\s/.test(name.pieces[0] ?? '')) {
    throw invalid(text, path, 'a name begins with white space', 'Remove the white space.');
  }
  if (literal.includes('\0')) throw invalid(text, path, 'a name has a zero byte', remedy);
}

function invalid(text: string, path: string, why: string, remedy: string): TaplineError {
  return new TaplineError('CONFIG_INVALID', {
    message: `The table pattern ${JSON.stringify(text)} can match no table: ${why}.`,
    place: { path },
    remedy,
  });
}

function matcher(name: NamePattern, fold: (text: string) => string): (name: string) => boolean {
  const pieces = name.pieces.map(fold);
  const first = pieces[0] ?? '';
  if (pieces.length === 1) return (candidate) => candidate === first;
  const last = pieces.at(-1) ?? '';
  const middle = pieces.slice(1, -1).filter((piece) => piece !== '');
  // Leftmost matches of the pieces in between suffice, so this needs no backtracking.
  return (candidate) => {
    if (candidate.length < first.length + last.length) return false;
    if (!candidate.startsWith(first) || !candidate.endsWith(last)) return false;
    const end = candidate.length - last.length;
    let at = first.length;
    for (const piece of middle) {
      const found = candidate.indexOf(piece, at);
      if (found < 0 || found + piece.length > end) return false;
      at = found + piece.length;
    }
    return true;
  };
}
