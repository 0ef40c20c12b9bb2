import { bareValueReader } from '@tapline/envelope';
import { type Encoding, type ReadColumn, typed } from './values.ts';

/** What the configuration says of tables that records do not say themselves. */
export interface DeclaredTables {
  /** Key columns, by `<database>.<table>`. */
  readonly keys: Readonly<Record<string, readonly string[]>>;
  /** MySQL types of columns, by `<database>.<table>`. */
  readonly types: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** What TIMESTAMP texts without a zone were written in. */
  readonly zone: string;
}

/** Readers of columns, made once for each table and set of types. */
export class Columns {
  readonly #declared: DeclaredTables;
  readonly #known = new Map<string, ReadonlyMap<string, ReadColumn>>();

  constructor(declared: DeclaredTables) {
    this.#declared = declared;
  }

  keys(table: string): readonly string[] | undefined {
    return this.#declared.keys[table];
  }

  /** Of a producer that writes values as text or plain JSON. `given`: the types that the record itself carries. */
  plain(
    table: string,
    bytes: Encoding['bytes'],
    given: Readonly<Record<string, string>> = {},
  ): ReadonlyMap<string, ReadColumn> {
    const types = { ...given, ...this.#declared.types[table] };
    const encoding = { bytes, zone: this.#declared.zone };
    return this.#once(`${bytes} ${table} ${JSON.stringify(types)}`, types, (type) => typed(type, encoding));
  }

  /** Of Debezium without schemas: its numbers mean something only with a declared type. */
  debezium(table: string): ReadonlyMap<string, ReadColumn> {
    const types = this.#declared.types[table] ?? {};
    return this.#once(`debezium ${table}`, types, bareValueReader);
  }

  #once(
    name: string,
    types: Readonly<Record<string, string>>,
    make: (type: string) => ReadColumn,
  ): ReadonlyMap<string, ReadColumn> {
    let columns = this.#known.get(name);
    if (columns === undefined) {
      columns = new Map(Object.entries(types).map(([column, type]) => [column, make(type)]));
      this.#known.set(name, columns);
    }
    return columns;
  }
}
