/** An identifier for SQL: backquoted, whatever it holds. Valid under every sql_mode. */
export function quoteName(name: string): string {
  return `\`${name.replaceAll('`', '``')}\``;
}

/** `` `database`.`table` `` */
export function quoteTable(database: string, table: string): string {
  return `${quoteName(database)}.${quoteName(table)}`;
}

/** A text literal that means the same under every sql_mode (NO_BACKSLASH_ESCAPES) and connection character set. */
export function quoteText(text: string): string {
  if (/^[\x20-\x7e]*$/.test(text) && !/['\\]/.test(text)) return `'${text}'`;
  return `_utf8mb4 x'${Buffer.from(text, 'utf8').toString('hex')}'`;
}
