import { kafkaConfigOf, openKafka } from '@tapline/kafka';
import { TaplineError } from '@tapline/kernel';
import { columnText, diffCatalogs, type HistoryTimeline, keyText, type TableState } from '@tapline/schema';
import type { ReaderConfig } from '../config.ts';
import { historyTopicOf, readHistory } from './history-topic.ts';
import { originOf, viewAt } from './lookup.ts';
import { placeText } from './schema-history.ts';

/** How long a broker that does not answer is asked again. */
const PATIENCE_MS = 5_000;

/** @throws TaplineError SCHEMA_HISTORY_LOST when the source has no history. */
async function timelineOf(config: ReaderConfig): Promise<HistoryTimeline> {
  await using kafka = openKafka(kafkaConfigOf(config.kafka, 'tapline-schema'), { patienceMs: PATIENCE_MS });
  const topic = historyTopicOf(config.name);
  if ((await kafka.topics.describe(topic)) === undefined) {
    throw new TaplineError('SCHEMA_HISTORY_LOST', { message: `There is no topic ${topic}.`, place: { topic } });
  }
  return (await readHistory(topic, kafka)).timeline;
}

/** What `tapline schema show` prints: one table, or a line for each. */
export async function showSchema(
  config: ReaderConfig,
  { table, at }: { readonly table: string | undefined; readonly at: string | undefined },
): Promise<string> {
  const timeline = await timelineOf(config);
  const view = viewAt(timeline, at);
  const states = [...view.catalog.tables()].filter(
    ({ database, name }) => table === undefined || `${database}.${name}` === table,
  );
  if (table !== undefined && states.length === 0) {
    throw new TaplineError('CONFIG_INVALID', { message: `There is no table ${table} in version ${view.version}.` });
  }
  const lines = states.toSorted(byName).flatMap((state) => {
    const origin = originOf(timeline, view, state);
    const since = origin === undefined ? '' : `version ${origin.version}, ${originText(origin)}`;
    if (table === undefined) return [`${fullName(state)}: ${state.columns.length} columns, ${since}`];
    return [...tableLines(state), '', since];
  });
  return [`schema history of ${config.name}, version ${view.version}`, '', ...lines, ''].join('\n');
}

/** What `tapline schema diff` prints. */
export async function diffSchemas(config: ReaderConfig, from: string, to: string | undefined): Promise<string> {
  const timeline = await timelineOf(config);
  const [before, after] = [viewAt(timeline, from), viewAt(timeline, to)];
  const lines = diffCatalogs(before.catalog.tables(), after.catalog.tables());
  const statements = timeline.statements.filter(({ version }) => version > before.version && version <= after.version);
  return [
    `version ${before.version} → ${after.version}`,
    ...(lines.length === 0 ? ['no difference'] : lines),
    '',
    ...statements.map((statement) => `${statement.version}  ${originText(statement)}`),
    '',
  ].join('\n');
}

type Origin = NonNullable<ReturnType<typeof originOf>>;

function originText(origin: Origin): string {
  if (origin.kind === 'snapshot') return `read from the source at ${origin.file}:${origin.position}`;
  const sql = origin.sql.replaceAll(/\s+/g, ' ').trim();
  return `${placeText({ gtid: origin.at.gtid, position: origin.at })}: ${sql.length <= 160 ? sql : `${sql.slice(0, 160)}…`}`;
}

function tableLines(state: TableState): string[] {
  if (state.unread !== undefined) return [`${fullName(state)}: not known`, `  ${state.unread}`];
  return [
    fullName(state),
    ...state.columns.map((column) => `  ${columnText(column)}`),
    ...state.keys.map((key) => `  key ${keyText(key)}`),
  ];
}

function fullName({ database, name }: TableState): string {
  return `${database}.${name}`;
}

function byName(left: TableState, right: TableState): number {
  return fullName(left) < fullName(right) ? -1 : 1;
}
