/*
 * Avro names hold [A-Za-z0-9_] and do not start with a digit; MySQL's hold nearly everything. Like Debezium, everything else becomes `_`.
 */

/** One part of a name made legal: `order-items` → `order_items`, `2024` → `_2024`. */
export function avroName(name: string): string {
  const legal = name.replace(/[^A-Za-z0-9_]/gu, '_');
  return /^[0-9]/.test(legal) || legal === '' ? `_${legal}` : legal;
}

/** The namespace of a table's records: `<source>.<db>.<table>`; dots of the source name are kept as they part it. */
export function avroNamespace(source: string, database: string, table: string): string {
  return [...source.split('.'), database, table].map(avroName).join('.');
}

/** Field names of the columns, legal and different from each other: a second `a_b` becomes `a_b_2`. In column order, so that adding a column at the end renames none. */
export function fieldNames(columns: readonly string[]): string[] {
  const taken = new Set(columns.filter((name) => avroName(name) === name));
  return columns.map((column) => {
    const name = avroName(column);
    if (name === column) return name;
    let free = name;
    for (let n = 2; taken.has(free); n++) free = `${name}_${n}`;
    taken.add(free);
    return free;
  });
}
