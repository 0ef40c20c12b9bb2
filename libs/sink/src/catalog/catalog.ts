import { avroNamespace, type SchemaTable, tableOfSchema } from '@tapline/envelope';
import type { Kafka } from '@tapline/kafka';
import type { Column, DdlRecord } from '@tapline/schema';
import type { SchemaSource } from '../engine/decode.ts';
import type { DescribeOptions, TableCatalog, TablePlace, TableShape } from '../tables.ts';
import { SourceHistory } from './history.ts';

/** Reads a source's schema history when it is first asked for, and takes note of the schemas that records were read by. */
export class TopicTables implements TableCatalog {
  readonly #kafka: Pick<Kafka, 'reader' | 'topics'>;
  readonly #histories = new Map<string, Promise<SourceHistory | undefined>>();
  /** The newest schema met of a kind, by namespace and by `<db>.<table>`. */
  readonly #met = new Map<string, SchemaTable>();

  constructor(kafka: Pick<Kafka, 'reader' | 'topics'>) {
    this.#kafka = kafka;
  }

  /** The registry again; what is asked of it is taken note of here. */
  watch(registry: SchemaSource): SchemaSource {
    return {
      schema: async (id, signal) => {
        const text = await registry.schema(id, signal);
        const table = tableOfSchema(text);
        if (table !== undefined) {
          this.#met.set(`${table.kind} ${table.namespace}`, table);
          this.#met.set(`${table.kind} ${table.database}\0${table.name}`, table);
        }
        return text;
      },
    };
  }

  async describe(of: TablePlace, options: DescribeOptions = {}): Promise<TableShape | undefined> {
    const { fresh = false, version, also = [], signal } = options;
    const { name: source, db, table } = of.source ?? placeOf(of.topic);
    const history = await this.#history(source, fresh, signal);
    const value = this.#schema('value', source, db, table);
    const key = this.#schema('key', source, db, table);
    const known = history?.table(db, table, version);
    const messageKey = key === undefined ? {} : { messageKey: key.columns.map(({ name }) => name) };
    if (known !== undefined) {
      const columns = value === undefined ? known.table.columns : published(known.table.columns, value, also);
      const shaped = value?.shaped ?? new Set<string>();
      return {
        ...known.table,
        columns,
        source,
        shaped,
        text: known.text,
        historyVersion: known.version,
        ...messageKey,
      };
    }
    if (value === undefined) return undefined;
    const { columns, shaped } = value;
    const primaryKey = key === undefined ? {} : { primaryKey: key.columns.map(({ name }) => name) };
    return { database: db, name: table, columns, uniqueKeys: [], ...primaryKey, source, shaped, ...messageKey };
  }

  async statements(source: string, after: number, signal?: AbortSignal): Promise<readonly DdlRecord[] | undefined> {
    return (await this.#history(source, true, signal))?.statements(after);
  }

  /** A source without a history is looked at again only by who wants it fresh. */
  async #history(source: string, fresh: boolean, signal: AbortSignal | undefined): Promise<SourceHistory | undefined> {
    const opened = this.#histories.get(source);
    if (opened !== undefined) {
      const history = await opened.catch(() => undefined);
      if (fresh) await history?.refresh(signal);
      if (history !== undefined || !fresh) return history;
    }
    const opening = SourceHistory.open(source, this.#kafka, signal);
    this.#histories.set(source, opening);
    opening.catch(() => this.#histories.delete(source));
    return opening;
  }

  #schema(kind: SchemaTable['kind'], source: string, db: string, table: string): SchemaTable | undefined {
    return this.#met.get(`${kind} ${avroNamespace(source, db, table)}`) ?? this.#met.get(`${kind} ${db}\0${table}`);
  }
}

/**
 * The columns that the records have, as the history knows them. One that only the history has is left out by the reader, or newer than the records met
 * so far: who meets one that has it asks again.
 */
function published(
  columns: readonly Column[],
  schema: SchemaTable,
  also: NonNullable<DescribeOptions['also']>,
): readonly Column[] {
  if (also === 'all') return columns;
  const shown = new Set([...schema.columns.map(({ name }) => name), ...also]);
  return columns.filter(({ name }) => shown.has(name));
}

/** `<source>.<db>.<table>`, where a source's name may have dots. */
function placeOf(topic: string): { name: string; db: string; table: string } {
  const [table = '', db = '', ...source] = topic.split('.').toReversed();
  return { name: source.toReversed().join('.'), db, table };
}
