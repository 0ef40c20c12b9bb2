import type { Kafka } from '@tapline/kafka';
import { type AdminAnswer, describeError, TaplineError } from '@tapline/kernel';
import { HistoryTimeline, type HistoryView, type Table, type TableState, tableOfState } from '@tapline/schema';
import type { Source } from '../source/open-source.ts';
import type { MessageForm } from './form-change.ts';
import { readHistory } from './history-topic.ts';
import { originOf, viewAt } from './lookup.ts';

export interface SchemaService {
  readonly topic: string;
  readonly kafka: Pick<Kafka, 'reader'>;
  readonly source: Pick<Source, 'filter' | 'keys'>;
  /** What messages of the table are made of, and the topic that they go to now. */
  formOf(table: Table): MessageForm;
  /** The registry has their schemas, under the names of their topics. */
  readonly isAvro: boolean;
}

/**
 * `GET /schema` lists the tables, `GET /schema/<database>/<table>` describes one; both take `?at=` (see `viewAt`). The topic is read for each question: they
 * are rare, and the reader itself needs only what is now.
 */
export async function answerSchema(url: URL, service: SchemaService): Promise<AdminAnswer> {
  try {
    const [, , database, name] = url.pathname.split('/').map((part) => decodeURIComponent(part));
    const { timeline } = await readHistory(service.topic, service.kafka);
    const view = viewAt(timeline, url.searchParams.get('at') ?? undefined);
    if (database === undefined || database === '') return { status: 200, body: listOf(view, service) };
    const state = view.catalog.table({ database, name: name ?? '' });
    if (state === undefined) {
      return { status: 404, body: { error: `There is no table ${database}.${name} in version ${view.version}.` } };
    }
    return { status: 200, body: { version: view.version, ...describeState(state, timeline, view, service) } };
  } catch (error) {
    if (!(error instanceof TaplineError)) throw error;
    return { status: error.code === 'CONFIG_INVALID' ? 400 : 500, body: { error: describeError(error) } };
  }
}

function listOf(view: HistoryView, { source }: SchemaService): unknown {
  const tables = [...view.catalog.tables()].map(({ database, name, columns, unread }) => ({
    database,
    table: name,
    captured: source.filter.matches(database, name),
    columns: columns.length,
    ...(unread === undefined ? {} : { unread }),
  }));
  return { version: view.version, tables };
}

function describeState(
  state: TableState,
  timeline: HistoryTimeline,
  view: HistoryView,
  service: SchemaService,
): Readonly<Record<string, unknown>> {
  const { database, name, unread } = state;
  const origin = originOf(timeline, view, state);
  const since = {
    version: origin?.version,
    ...(origin?.kind === 'ddl' ? { ...origin.at, statement: origin.sql } : {}),
  };
  const captured = service.source.filter.matches(database, name);
  const named = { database, table: name, captured, since };
  if (unread !== undefined) return { ...named, unread };
  const table = tableOfState(state);
  return {
    ...named,
    columns: table.columns,
    primaryKey: table.primaryKey ?? null,
    uniqueKeys: table.uniqueKeys,
    ...(captured ? publishedAs(table, service) : {}),
  };
}

/** Where the table's changes go, under which key (null: without one), and by which schemas. Nothing where no choice was made for a table without a key. */
function publishedAs(table: Table, { source, formOf, isAvro }: SchemaService): Readonly<Record<string, unknown>> {
  try {
    const { topic, key, value } = formOf(table);
    const messageKey = source.keys.columnsOf(table) ?? null;
    if (!isAvro) return { topic, messageKey };
    const subjects = [['value', value] as const, ...(key === undefined ? [] : [['key', key] as const])];
    const schemas = Object.fromEntries(
      // As text, as registries give schemas: answers are cut where they are nested too deeply.
      subjects.map(([part, schema]) => [part, { subject: `${topic}-${part}`, schema }]),
    );
    return { topic, messageKey, schemas };
  } catch (error) {
    if (error instanceof TaplineError) return {};
    throw error;
  }
}
