import type { DdlDialect } from './dialect.ts';

/** The character sets and collations of a server, as far as DDL refers to them. */
export interface CollationBook {
  /** Undefined for a name the server does not know. */
  collation(name: string): CollationInfo | undefined;
  /** By the number that the binlog has. */
  collationById(id: number): CollationInfo | undefined;
  charset(name: string): CharsetInfo | undefined;
}

export interface CollationInfo {
  readonly name: string;
  readonly charset: string;
}

export interface CharsetInfo {
  readonly name: string;
  readonly defaultCollation: string;
  /** Most bytes that a character takes. */
  readonly maxBytes: number;
}

/** What a column of text gets when its definition leaves it open: of the table, or of the database. */
export interface TextDefaults {
  readonly charset: string;
  readonly collation: string;
}

/** The book as a session sees it that has chosen other default collations for character sets. */
export function bookOfSession(book: CollationBook, { defaultCollations }: DdlDialect): CollationBook {
  if (defaultCollations === undefined || defaultCollations.length === 0) return book;
  const chosen = new Map(
    defaultCollations.flatMap((id): [string, string][] => {
      const collation = book.collationById(id);
      return collation === undefined ? [] : [[collation.charset, collation.name]];
    }),
  );
  const charset = (name: string): CharsetInfo | undefined => {
    const known = book.charset(name);
    const defaultCollation = known && chosen.get(known.name);
    return known === undefined || defaultCollation === undefined ? known : { ...known, defaultCollation };
  };
  return { charset, collation: (name) => book.collation(name), collationById: (id) => book.collationById(id) };
}

/** What a definition says of its text. */
export interface TextChoice {
  readonly charset?: string | undefined;
  readonly collation?: string | undefined;
  /** The attribute BINARY: the character set's binary collation. */
  readonly binary?: boolean | undefined;
}

/**
 * The character set and collation that a definition ends up with: COLLATE wins and brings its character set, CHARACTER SET brings its default collation, and
 * without either the default holds (https://dev.mysql.com/doc/refman/9.4/en/charset-column.html).
 */
export function resolveText(choice: TextChoice, defaults: TextDefaults, book: CollationBook): TextDefaults {
  const charset = choice.charset === undefined ? undefined : charsetOf(choice.charset, defaults, book);
  if (choice.collation !== undefined) return collationOf(choice.collation, charset?.name ?? defaults.charset, book);
  const base = charset === undefined ? defaults : { charset: charset.name, collation: charset.defaultCollation };
  if (choice.binary !== true || base.charset === 'binary') return base;
  return { charset: base.charset, collation: `${base.charset}_bin` };
}

/** One character set, called by either name: the first until MySQL 8.0.29 and MariaDB 10.6. */
const THREE_BYTE_UTF8: ReadonlyMap<string, string> = new Map([
  ['utf8', 'utf8mb3'],
  ['utf8mb3', 'utf8'],
]);

/** `CHARACTER SET DEFAULT` is the default. */
function charsetOf(name: string, defaults: TextDefaults, book: CollationBook): CharsetInfo {
  const wanted = name.toLowerCase();
  if (wanted === 'default') return charsetOf(defaults.charset, defaults, book);
  const known = book.charset(wanted) ?? book.charset(THREE_BYTE_UTF8.get(wanted) ?? '');
  return known ?? { name: wanted, defaultCollation: `${wanted}_general_ci`, maxBytes: 4 };
}

/** MariaDB's `uca1400_ai_ci` needs the character set in front. */
function collationOf(name: string, charset: string, book: CollationBook): TextDefaults {
  const wanted = name.toLowerCase();
  const known =
    book.collation(wanted) ??
    book.collation(wanted.replace(/^utf8_/, 'utf8mb3_')) ??
    book.collation(wanted.replace(/^utf8mb3_/, 'utf8_')) ??
    book.collation(`${charset}_${wanted}`);
  return known === undefined ? { charset, collation: wanted } : { charset: known.charset, collation: known.name };
}
