import { type Finding, failedFinding, goodFinding } from '@tapline/kernel';
import { classifyKafkaError } from './classify.ts';
import type { Kafka } from './kafka.ts';
import { REMEMBERED_MS } from './producer.ts';
import type { TopicSpec } from './topics.ts';

/** DescribeConfigs: resource type BROKER. */
const BROKER_RESOURCE = 4;
/** From so many brokers on, a lost broker need not mean lost records. */
const REDUNDANT_BROKERS = 3;
const NEEDED_MESSAGE_BYTES = 1024 * 1024;

type Settings = Readonly<Record<string, string>>;

/** What the brokers must be like for a published change never to be lost again. */
export async function brokerFindings(kafka: Kafka, bootstrap: readonly string[]): Promise<Finding[]> {
  let brokers: readonly string[];
  try {
    ({ brokers } = await kafka.check());
  } catch (error) {
    return [failedFinding('brokers', error)];
  }
  const findings = [goodFinding('brokers', `${brokers.length} of ${brokers.join(', ')} answer.`)];
  try {
    return [...findings, ...durability(await brokerSettings(kafka), brokers.length, bootstrap)];
  } catch (error) {
    return [...findings, failedFinding('broker-settings', classifyKafkaError(error, { address: bootstrap.join(',') }))];
  }
}

async function brokerSettings(kafka: Kafka): Promise<Settings> {
  const admin = await kafka.admin();
  const { brokers } = await admin.describeCluster();
  const name = String(brokers[0]?.nodeId ?? 0);
  const answer = await admin.describeConfigs({ resources: [{ type: BROKER_RESOURCE, name }], includeSynonyms: false });
  const entries = answer.resources[0]?.configEntries ?? [];
  return Object.fromEntries(entries.map(({ configName, configValue }) => [configName, configValue]));
}

function durability(settings: Settings, brokers: number, bootstrap: readonly string[]): Finding[] {
  const alter = (setting: string): string =>
    `kafka-configs.sh --bootstrap-server ${bootstrap.join(',')} --alter --entity-type brokers --entity-default --add-config ${setting}`;
  const findings: Finding[] = [];
  const unclean = settings['unclean.leader.election.enable'] === 'true';
  findings.push(
    unclean
      ? {
          check: 'unclean-leader-election',
          level: 'fail',
          code: 'KAFKA_LOG_TRUNCATED',
          seen: 'unclean.leader.election.enable is true: a broker that lags may become leader, and acknowledged changes are lost.',
          mend: alter('unclean.leader.election.enable=false'),
        }
      : goodFinding('unclean-leader-election', 'Only replicas that are in sync become leaders.'),
  );
  const inSync = Number(settings['min.insync.replicas'] ?? 1);
  if (brokers < REDUNDANT_BROKERS) {
    findings.push({
      check: 'min-insync-replicas',
      level: 'warn',
      seen: `There ${brokers === 1 ? 'is 1 broker' : `are ${brokers} brokers`}: a lost disk means lost changes.`,
      mend: 'For production: three brokers, topics.replicationFactor: 3.',
    });
  } else if (inSync < 2) {
    findings.push({
      check: 'min-insync-replicas',
      level: 'warn',
      seen: `min.insync.replicas is ${inSync}: with one replica left, changes are acknowledged that one disk holds.`,
      mend: alter('min.insync.replicas=2'),
    });
  } else {
    findings.push(goodFinding('min-insync-replicas', `min.insync.replicas is ${inSync}.`));
  }
  const largest = Number(settings['message.max.bytes'] ?? NEEDED_MESSAGE_BYTES);
  findings.push(
    largest >= NEEDED_MESSAGE_BYTES
      ? goodFinding('message-max-bytes', `Record batches up to ${largest} bytes are taken (topics may allow more).`)
      : {
          check: 'message-max-bytes',
          level: 'warn',
          seen: `message.max.bytes is ${largest}: the reader’s batches must be smaller.`,
          mend: alter('message.max.bytes=1048588'),
        },
  );
  const forgetMs = Number(settings['producer.id.expiration.ms'] ?? Number.POSITIVE_INFINITY);
  findings.push(
    forgetMs > REMEMBERED_MS
      ? goodFinding('producer-memory', 'Batches that are sent again are recognised.')
      : {
          check: 'producer-memory',
          level: 'warn',
          seen: `producer.id.expiration.ms is ${forgetMs}: a batch sent again after an outage of that length could be written twice, and end the reader.`,
          mend: alter('producer.id.expiration.ms=86400000'),
        },
  );
  return findings;
}

/** Whether the account may be the only writer under this id. */
export async function transactionalIdFinding(
  kafka: Pick<Kafka, 'checkTransactionalId'>,
  transactionalId: string,
): Promise<Finding> {
  const check = 'transactional-id';
  try {
    await kafka.checkTransactionalId(transactionalId);
    return goodFinding(check, `The account may use the transactional id ${transactionalId}.`);
  } catch (error) {
    const failed = failedFinding(check, error);
    if (failed.code !== 'KAFKA_NOT_ALLOWED') return failed;
    return {
      ...failed,
      mend: `kafka-acls.sh --add --allow-principal User:… --operation Write --operation Describe --transactional-id ${transactionalId}`,
    };
  }
}

/** Whether the topics that exist can be used, and whether the missing ones can be made. */
export async function topicFindings(
  kafka: Kafka,
  specs: readonly TopicSpec[],
  bootstrap: readonly string[],
): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const spec of specs) {
    try {
      findings.push(...(await topicFinding(kafka, spec, bootstrap)));
    } catch (error) {
      findings.push(failedFinding(`topic ${spec.topic}`, error));
    }
  }
  return findings;
}

async function topicFinding(kafka: Kafka, spec: TopicSpec, bootstrap: readonly string[]): Promise<Finding[]> {
  const check = `topic ${spec.topic}`;
  const found = await kafka.topics.describe(spec.topic);
  if (found === undefined) return [goodFinding(check, 'Is not there yet and will be made.')];
  // Asks nothing of the topic that the service itself would not ask, and says it in the same words.
  await kafka.topics.ensure([spec]);
  const inSync = Number(found.config['min.insync.replicas'] ?? 1);
  if (spec.replicationFactor >= REDUNDANT_BROKERS && inSync < 2) {
    return [
      {
        check,
        level: 'warn',
        seen: `min.insync.replicas of the topic is ${inSync}.`,
        mend: `kafka-configs.sh --bootstrap-server ${bootstrap.join(',')} --alter --entity-type topics --entity-name ${spec.topic} --add-config min.insync.replicas=2`,
      },
    ];
  }
  return [goodFinding(check, `${found.partitions} partitions, cleanup.policy=${found.config['cleanup.policy']}.`)];
}
