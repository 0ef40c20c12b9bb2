import type { ServerKinds, StackBase } from '@tapline/test-stack';
import type { ShopTable } from '../shop.ts';

/** A row as the store holds it, each column in the text that MySQL's SELECT of the demo gives it; what is NULL has no entry. */
export type StoredRow = Readonly<Record<string, string>>;

/** A store of the demo: its server, what its writer is told, and a look into it that owes nothing to Tapline's writers. */
export interface DemoStore extends AsyncDisposable {
  /** For people: `Elasticsearch`. */
  readonly title: string;
  /** Address for people. */
  readonly address: string;
  readonly server: ServerKinds['redis' | 'elasticsearch' | 'hbase' | 'mysql'];
  /** What stands under `sink:` in its writer's file. */
  readonly sink: Readonly<Record<string, unknown>>;
  /** How often the store may be asked for one row. */
  readonly pollMs: number;
  /** One row now, by the texts of its key columns; undefined where it is not there. Rejects while the store is away. */
  row(table: ShopTable, key: readonly string[]): Promise<StoredRow | undefined>;
  /** All rows of a table, by `rowName`. */
  rows(table: ShopTable): Promise<ReadonlyMap<string, StoredRow>>;
}

export type OpenStore = (stack: StackBase) => Promise<DemoStore>;

/** Key columns in one text, as sinks name rows by default: parts of a key of several columns have colons and per cent signs escaped. */
export function rowName(key: readonly string[]): string {
  return key.length === 1
    ? (key[0] ?? '')
    : key.map((part) => part.replaceAll('%', '%25').replaceAll(':', '%3A')).join(':');
}
