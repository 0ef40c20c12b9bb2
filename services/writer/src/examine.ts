import { brokerFindings, type Kafka, kafkaConfigOf, openKafka } from '@tapline/kafka';
import { type Finding, failedFinding, goodFinding, silentLogger } from '@tapline/kernel';
import { openRegistry, registryFinding } from '@tapline/registry';
import { NO_TABLES, TopicTables } from '@tapline/sink';
import type { WriterConfig } from './config.ts';
import { findUnknownColumns, unknownColumnText } from './named-columns.ts';
import { sinkOf } from './sinks/index.ts';
import { topicsNow } from './topics.ts';

/** How long what does not answer is asked again, or waited for. */
const PATIENCE_MS = 5_000;

/** What `tapline doctor` prints of a writer: areas in the order in which a change passes them. */
export async function examine(config: WriterConfig): Promise<Record<string, readonly Finding[]>> {
  const { source } = config;
  await using kafka = openKafka(kafkaConfigOf(source, 'tapline-doctor'), { patienceMs: PATIENCE_MS });
  const brokers = await brokerFindings(kafka, source.brokers);
  const areas: Record<string, readonly Finding[]> = { brokers };
  if (brokers[0]?.level === 'ok') {
    areas['topics'] = await Promise.all(
      (await topicsNow(kafka, source.topics)).map((topic) => topicFinding(kafka, topic)),
    );
    areas['registry'] = [
      await registryFinding(() => openRegistry(source.registry, { kafka, patienceMs: PATIENCE_MS })),
    ];
  }
  if (brokers[0]?.level === 'ok' && config.transform.length > 0)
    areas['transform'] = await columnFindings(config, kafka);
  areas[`sink ${config.sink.type}`] = [await sinkFinding(config)];
  return areas;
}

/** What the steps themselves have wrong was told when the configuration was read. */
async function columnFindings(config: WriterConfig, kafka: Kafka): Promise<Finding[]> {
  const check = 'columns';
  try {
    const signal = AbortSignal.timeout(PATIENCE_MS);
    const unknown = await findUnknownColumns(config, { kafka, tables: new TopicTables(kafka) }, signal);
    const mend = 'Correct the name; put steps of one table under `for`.';
    if (unknown.length === 0) return [goodFinding(check, 'No step names a column that the known tables lack.')];
    return unknown.map((one) => ({ check, level: 'warn', seen: unknownColumnText(one), mend }));
  } catch (error) {
    return [failedFinding(check, error)];
  }
}

async function topicFinding(kafka: Kafka, topic: string): Promise<Finding> {
  const check = `topic ${topic}`;
  try {
    const found = await kafka.topics.describe(topic);
    if (found !== undefined)
      return goodFinding(check, `${found.partitions} partitions, cleanup.policy=${found.config['cleanup.policy']}.`);
    return {
      check,
      level: 'fail',
      code: 'TOPIC_MISSING',
      seen: 'The topic does not exist.',
      mend: 'Check the spelling in source.topics (<source>.<database>.<table>), or start the reader that makes it.',
    };
  } catch (error) {
    return failedFinding(check, error);
  }
}

async function sinkFinding(config: WriterConfig): Promise<Finding> {
  const { type, ...settings } = config.sink;
  const signal = AbortSignal.timeout(PATIENCE_MS);
  try {
    await using sink = await sinkOf(type).open(settings, {
      name: config.name,
      log: silentLogger,
      signal,
      tables: NO_TABLES,
    });
    await sink.check?.(signal);
    return goodFinding('connection', 'The store answers and takes writes.');
  } catch (error) {
    return failedFinding('connection', error);
  }
}
