import type { Kafka } from '@tapline/kafka';
import type { TableCatalog } from '@tapline/sink';
import type { WriterConfig } from './config.ts';
import { topicsNow } from './topics.ts';
import { type KnownTable, type UnknownColumn, unknownColumns } from './transform/unknown-columns.ts';

/**
 * Columns that `transform` names and none of the tables has that are known now. None where a table is not known: it may have them.
 *
 * @throws TaplineError KAFKA_*, SCHEMA_*.
 */
export async function findUnknownColumns(
  { source, transform }: Pick<WriterConfig, 'source' | 'transform'>,
  { kafka, tables }: { readonly kafka: Kafka; readonly tables: TableCatalog },
  signal: AbortSignal,
): Promise<UnknownColumn[]> {
  if (transform.length === 0) return [];
  const known: KnownTable[] = [];
  for (const topic of await topicsNow(kafka, source.topics, signal)) {
    const shape = await tables.describe({ topic, source: null }, { signal });
    if (shape === undefined) return [];
    const columns = shape.columns.map(({ name }) => name);
    known.push({ topic, table: `${shape.database}.${shape.name}`, columns });
  }
  return unknownColumns(transform, known);
}

export function unknownColumnText({ path, column, meant }: UnknownColumn): string {
  const hint = meant === undefined ? '' : ` Is ${meant} meant?`;
  return `${path} names the column ${column}, which no table of the topics has.${hint}`;
}
