import type { KafkaCluster, ManagedProcess, MysqlServer, StackBase, Topology } from '@tapline/test-stack';
import { mysqlProgram } from '@tapline/test-stack';
import { anchorAccount } from './anchor-account.ts';
import { type Comparison, compare } from './compare.ts';
import { type Load, startLoad } from './load.ts';
import { BORN, NOT_CAPTURED } from './load-ddl.ts';
import { createTables, LOAD_KEYS } from './load-tables.ts';
import { readOracle } from './oracle.ts';
import { Random } from './random.ts';
import { type Config, taplineService } from './services.ts';
import { TopicReader } from './topic.ts';

const DATABASE = 'shop';
export const SOURCE = 'chaos';

/** A MySQL under load, a Kafka, and the configuration of a reader between them. */
export interface ReaderScene {
  readonly reader: ManagedProcess;
  readonly database: string;
  /** Topic of each captured table that was there before the load. */
  readonly topics: ReadonlyMap<string, string>;
  readonly topicReader: TopicReader;
  startLoad(rowsPerSecond: number): Load;
  /** Records in all topics. */
  published(): Promise<number>;
  /** Whether the reader's durable progress holds everything that MySQL has committed, the first load included. */
  drained(): Promise<boolean>;
  /** Reads all topics and judges them. */
  compare(): Promise<Comparison>;
}

export interface SceneOptions {
  readonly stack: StackBase & { readonly mysql: MysqlServer; readonly kafka: KafkaCluster };
  readonly seed: number;
  /** Rows of each table at the start. */
  readonly rows: number;
  /** Rows of each big transaction. */
  readonly bigRows: number;
  readonly bigTransactions: number;
  /** When the load alters a table. */
  readonly alterAfterRows?: number;
  /** From when on the load makes, alters and drops tables of its own; never, when absent. */
  readonly ddl?: Promise<void>;
  /** How often the reader writes an anchor into the source; never, when absent. */
  readonly anchorMs?: number;
  /** Its replica's binlog is read in place of the source's, which has no metadata that says what the columns are. */
  readonly witnesses?: Topology;
  /** Overrides of the reader's configuration. */
  readonly config?: Config;
}

export async function readerScene({
  stack,
  seed,
  rows,
  bigRows,
  bigTransactions,
  alterAfterRows,
  ddl,
  anchorMs,
  witnesses,
  config,
}: SceneOptions): Promise<ReaderScene> {
  const { mysql, kafka } = stack;
  const connection = await mysql.connect();
  await createTables({ connection, database: DATABASE, rows, random: new Random(seed) });
  await connection.end();
  const anchors = anchorMs && { enabled: 'on', intervalMs: anchorMs, ...(await anchorAccount(mysql)) };
  const { brokers } = kafka.address;
  const replicationFactor = brokers.length;
  const reader = await taplineService(stack, 'reader', {
    name: SOURCE,
    source: {
      ...mysql.readerAddress,
      include: [`${DATABASE}.*`],
      exclude: [`${DATABASE}.noise`, `${DATABASE}.${NOT_CAPTURED}`],
      ...(anchors && { anchors }),
    },
    keys: { [`${DATABASE}.events`]: 'append' },
    kafka: { brokers: [...brokers] },
    // Compaction would take away what is to be compared.
    topics: { partitions: 4, replicationFactor, config: { 'min.compaction.lag.ms': '86400000' } },
    // Small pieces: kills meet the load at many of its steps.
    // The oracle compares changes; what a load makes of rows that vanish without one has tests of its own.
    snapshot: { chunkRows: 200, vanishedRows: 'log' },
    ...config,
  });
  const topicReader = new TopicReader({ brokers });
  const tables = Object.keys(LOAD_KEYS).map((table) => `${DATABASE}.${table}`);
  const topics = new Map(tables.map((table) => [table, `${SOURCE}.${table}`]));
  return {
    reader,
    database: DATABASE,
    topics,
    topicReader,
    startLoad: (rowsPerSecond) =>
      startLoad({
        address: mysql.address,
        database: DATABASE,
        seed,
        connections: 3,
        xaConnections: 2,
        isReplicated: witnesses !== undefined,
        ddl,
        rowsPerSecond,
        bigRows,
        bigTransactions,
        ...(alterAfterRows === undefined ? {} : { alterAfterRows }),
        rows,
      }),
    published: async () => {
      let records = 0;
      for (const topic of await tableTopics(topicReader))
        for (const end of await topicReader.ends(topic)) records += Number(end);
      return records;
    },
    drained: async () => await drained(mysql, topicReader),
    compare: async () => {
      await witnesses?.caughtUp();
      const mysqlbinlog = await mysqlProgram('mysqlbinlog');
      const oracle = await readOracle({ mysqlbinlog, address: (witnesses?.replica() ?? mysql).address, keyOf });
      const contents = await topicReader.readAll(await tableTopics(topicReader));
      const topics = new Map([...contents].map(([topic, found]) => [topic.slice(SOURCE.length + 1), found]));
      return compare(oracle, topics, { appliedByReplica: witnesses !== undefined });
    },
  };
}

function keyOf(table: string): 'primary' | 'append' | undefined {
  const [database, name = ''] = table.split('.');
  if (database !== DATABASE) return undefined;
  return LOAD_KEYS[name] ?? (BORN.test(name) ? 'primary' : undefined);
}

async function tableTopics(topicReader: TopicReader): Promise<string[]> {
  return (await topicReader.listTopics()).filter((topic) => topic.startsWith(`${SOURCE}.${DATABASE}.`));
}

interface Progress {
  readonly gtidSet: string;
  readonly snapshot: { readonly state: string };
}

async function drained(mysql: MysqlServer, topicReader: TopicReader): Promise<boolean> {
  const connection = await mysql.connect();
  try {
    // Asked for first: anchors are committed all the time.
    const [[{ executed }]] = (await connection.query('SELECT @@GLOBAL.gtid_executed AS executed')) as unknown as [
      [{ executed: string }],
    ];
    const record = await topicReader.lastValue(`${SOURCE}.progress`, SOURCE);
    if (record === undefined) return false;
    const { gtidSet, snapshot } = JSON.parse(record) as Progress;
    if (snapshot.state !== 'done') return false;
    const [rows] = await connection.query('SELECT GTID_SUBSET(?, ?) AS reached', [executed, gtidSet]);
    return Number((rows as { reached: number }[])[0]?.reached) === 1;
  } finally {
    await connection.end();
  }
}
