import {
  brokerFindings,
  type Kafka,
  kafkaConfigOf,
  openKafka,
  type TopicSpec,
  topicFindings,
  transactionalIdFinding,
} from '@tapline/kafka';
import { type Finding, failedFinding, goodFinding } from '@tapline/kernel';
import {
  addressText,
  connect,
  type Grants,
  type MysqlAddress,
  readCascadingForeignKeys,
  readGrants,
  readServerInfo,
  readTables,
  type ServerInfo,
  sourceFindings,
} from '@tapline/mysql';
import { openRegistry, registryFinding } from '@tapline/registry';
import { compileKeys, compileTableFilter, type Table, type TableKeys } from '@tapline/schema';
import { examineAnchors } from './anchors/examine.ts';
import type { ReaderConfig } from './config.ts';
import { hostsOf } from './failover/candidate.ts';
import { examineHosts } from './failover/examine.ts';
import { transactionalIdOf } from './fencing/life.ts';
import { readProgress } from './progress/read-progress.ts';
import type { ProgressRecord } from './progress/record.ts';
import { registryOf } from './publish/format.ts';
import { claimsTopicSpec } from './publish/oversize.ts';
import { topicSpecs } from './publish/topic-opener.ts';
import { checkShape } from './shape/check.ts';
import { Shape } from './shape/rules.ts';
import { parseExecuted } from './source/executed.ts';
import { fileHeadroom } from './source/file-headroom.ts';

/** How long a broker that does not answer is asked again. */
const PATIENCE_MS = 5_000;

/** What `tapline doctor` prints of a reader: areas in the order in which a reader needs them. */
export async function examine(config: ReaderConfig): Promise<Record<string, readonly Finding[]>> {
  const hosts = hostsOf(config);
  const examined = await Promise.all(hosts.map((address) => examineSource(config, address)));
  // What the topics must be is the same on all of them: taken from the first that answers.
  const at = Math.max(
    0,
    examined.findIndex(({ info }) => info !== undefined),
  );
  const address = hosts[at] ?? config.source;
  const source = examined[at] as SourceExamination;
  await using kafka = openKafka(kafkaConfigOf(config.kafka, 'tapline-doctor'), { patienceMs: PATIENCE_MS });
  const brokers = await brokerFindings(kafka, config.kafka.brokers);
  const areas: Record<string, readonly Finding[]> = {
    ...Object.fromEntries(hosts.map((host, i) => [`source ${addressText(host)}`, examined[i]?.findings ?? []])),
    brokers,
  };
  if (brokers[0]?.level !== 'ok') return areas;
  areas['fence'] = [await transactionalIdFinding(kafka, transactionalIdOf(config.name))];
  const claims = claimsTopicSpec(config);
  const specs = claims === undefined ? source.specs : [...source.specs, claims];
  areas['topics'] = await topicFindings(kafka, specs, config.kafka.brokers);
  areas['progress'] = await examineProgress(config, { address, info: source.info }, kafka);
  if (hosts.length > 1) areas['servers'] = await examineHosts(config, await readProgress(config, kafka));
  if (config.format.type === 'avro') {
    areas['registry'] = [
      await registryFinding(() => openRegistry(registryOf(config), { kafka, patienceMs: PATIENCE_MS })),
    ];
  }
  return areas;
}

interface SourceExamination {
  readonly findings: readonly Finding[];
  readonly specs: TopicSpec[];
  readonly info: ServerInfo | undefined;
}

async function examineSource(config: ReaderConfig, address: MysqlAddress): Promise<SourceExamination> {
  try {
    await using connection = await connect(address);
    const info = await readServerInfo(connection);
    const { include, exclude, ghostTables } = config.source;
    const { lowerCaseTableNames } = info;
    const filter = compileTableFilter({ include, exclude, ghostTables, lowerCaseTableNames });
    const keys = compileKeys(config.keys, { lowerCaseTableNames });
    const shape = Shape.compile(config.shape, lowerCaseTableNames);
    const tables = await readTables(connection, filter);
    const grants = await readGrants(connection);
    const account = `'${config.source.user}'@'%'`;
    const findings = sourceFindings({
      info,
      grants,
      account,
      rowImage: config.source.rowImage,
      cascades: await readCascadingForeignKeys(connection, filter),
    });
    const unmatched = filter.unmatched(tables).map(
      (pattern): Finding => ({
        check: 'source.include',
        level: 'warn',
        seen: `The pattern "${pattern}" matches no table, or the account may not see it.`,
        mend: `Check the spelling, or GRANT SELECT ON … TO ${account};`,
      }),
    );
    const readable = config.snapshot.mode === 'never' ? [] : readableFindings(grants, account, tables);
    return {
      findings: [
        ...findings,
        ...unmatched,
        ...keyFindings(keys, tables),
        shapeFinding(shape, tables, { keys, config }),
        ...readable,
        ...(await examineAnchors(config, address, info)),
      ],
      specs: specsOf(config, { keys, tables, shape }),
      info,
    };
  } catch (error) {
    return { findings: [failedFinding('connection', error)], specs: [], info: undefined };
  }
}

function keyFindings(keys: TableKeys, tables: readonly Table[]): Finding[] {
  const failed = tables.flatMap((table) => {
    try {
      keys.columnsOf(table);
      return [];
    } catch (error) {
      return [failedFinding('key', error)];
    }
  });
  return failed.length > 0
    ? failed
    : [goodFinding('key', `${tables.length} captured tables have a message key or are chosen as append.`)];
}

function shapeFinding(...rules: Parameters<typeof checkShape>): Finding {
  try {
    checkShape(...rules);
    return goodFinding('shape', 'The rules under shape fit the captured tables.');
  } catch (error) {
    return failedFinding('shape', error);
  }
}

function readableFindings(grants: Grants, account: string, tables: readonly Table[]): Finding[] {
  const lacking = tables.filter((table) => !grants.has('SELECT', table.database, table.name));
  if (lacking.length === 0) return [goodFinding('grant-select', 'The account may read every captured table.')];
  return lacking.map((table) => ({
    check: 'grant-select',
    level: 'fail',
    code: 'SOURCE_MISSING_GRANT',
    seen: `The first load cannot read ${table.database}.${table.name}.`,
    mend: `GRANT SELECT ON \`${table.database}\`.* TO ${account};`,
  }));
}

function specsOf(config: ReaderConfig, source: Parameters<typeof topicSpecs>[1]): TopicSpec[] {
  return source.tables.flatMap((table) => {
    try {
      return topicSpecs(config, { ...source, tables: [table] });
    } catch {
      // Reported as a key finding.
      return [];
    }
  });
}

async function examineProgress(
  config: ReaderConfig,
  { address, info }: { readonly address: MysqlAddress; readonly info: ServerInfo | undefined },
  kafka: Kafka,
): Promise<Finding[]> {
  try {
    const record = await readProgress(config, kafka);
    if (record === undefined) return [goodFinding('progress', 'There is none yet: the next start is the first one.')];
    if (info === undefined) return [];
    const { serverUuid } = info;
    if (record.by === 'file') return [await fileHeadroom(record, { address, serverUuid })];
    return headroomFindings(record, info);
  } catch (error) {
    return [failedFinding('progress', error)];
  }
}

function headroomFindings(record: ProgressRecord, info: ServerInfo): Finding[] {
  const passed = parseExecuted(info.flavor, record.gtidSet);
  if (info.flavor === 'mysql' && !passed.includes(parseExecuted(info.flavor, info.gtidPurged))) {
    return [
      {
        check: 'binlog-headroom',
        level: 'fail',
        code: 'SOURCE_PURGED',
        seen: 'The source has purged transactions that the reader has not read.',
        mend: `Start over with a new load: stop the reader, delete the topic of its progress, start it. Then keep the binlog longer: SET PERSIST binlog_expire_logs_seconds = 604800;`,
      },
    ];
  }
  const ageSeconds = Math.round((Date.now() - record.writtenMs) / 1000);
  const caughtUp = passed.includes(parseExecuted(info.flavor, info.gtidExecuted));
  const seen = caughtUp
    ? 'The reader has passed everything that is committed.'
    : `The newest progress record is ${ageSeconds} s old.`;
  if (caughtUp || info.retentionSeconds === 0 || ageSeconds < info.retentionSeconds / 2)
    return [goodFinding('binlog-headroom', seen)];
  return [
    {
      check: 'binlog-headroom',
      level: 'warn',
      seen: `${seen} The binlog is kept for ${info.retentionSeconds} s: what it needs may be purged soon.`,
      mend: 'SET PERSIST binlog_expire_logs_seconds = 604800; and start the reader.',
    },
  ];
}
