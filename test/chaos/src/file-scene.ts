import {
  type KafkaCluster,
  type ManagedProcess,
  type MysqlServer,
  mysqlProgram,
  openTopology,
  type StackBase,
  type Topology,
} from '@tapline/test-stack';
import { anchorAccount } from './anchor-account.ts';
import { type Comparison, compare } from './compare.ts';
import { compareRows } from './compare-rows.ts';
import { type Load, type LoadOptions, startLoad } from './load.ts';
import { createTables, LOAD_KEYS } from './load-tables.ts';
import { readOracle } from './oracle.ts';
import { Random } from './random.ts';
import { type Config, liveUntil, taplineService } from './services.ts';
import { type TopicContents, TopicReader } from './topic.ts';

const DATABASE = 'shop';
const SOURCE = 'chaos';

/** Where a server's binlog ends, and who it is. */
interface Place {
  readonly serverUuid: string;
  readonly file: string;
  readonly position: number;
}

/** A topology without GTIDs whose servers name their files differently, a reader that knows all of them, and a load on whichever is the source. */
export class FileScene implements AsyncDisposable {
  readonly topology: Topology;
  /** The process of now. */
  reader: ManagedProcess;
  readonly topicReader: TopicReader;
  readonly #rows: number;
  readonly #launcher: (source: Config) => Promise<ManagedProcess>;
  #seed: number;

  private constructor(
    topology: Topology,
    reader: ManagedProcess,
    topicReader: TopicReader,
    rows: number,
    seed: number,
    launcher: (source: Config) => Promise<ManagedProcess>,
  ) {
    this.#launcher = launcher;
    this.topology = topology;
    this.reader = reader;
    this.topicReader = topicReader;
    this.#rows = rows;
    this.#seed = seed;
  }

  static async open(options: {
    readonly stack: StackBase & { readonly kafka: KafkaCluster };
    readonly servers: number;
    readonly seed: number;
    readonly rows: number;
    readonly source?: Config;
  }): Promise<FileScene> {
    const { stack, servers, seed, rows } = options;
    const topology = await openTopology(stack, { kind: 'mysql', by: 'file', servers, ownBinlogNames: true });
    const account = await anchorAccount(topology.source);
    const connection = await topology.source.connect();
    await createTables({ connection, database: DATABASE, rows, random: new Random(seed) });
    await connection.end();
    const { brokers } = stack.kafka.address;
    const [first] = topology.servers;
    const processOf = (more: Config): Promise<ManagedProcess> =>
      taplineService(stack, 'reader', {
        name: SOURCE,
        source: {
          ...(first as MysqlServer).readerAddress,
          hosts: topology.servers.map(({ host, port }) => `${host}:${port}`),
          exclude: [`${DATABASE}.noise`],
          anchors: { ...account, intervalMs: 1000 },
          ...options.source,
          ...more,
        },
        keys: { [`${DATABASE}.events`]: 'append' },
        kafka: { brokers: [...brokers] },
        topics: { partitions: 4, replicationFactor: 1, config: { 'min.compaction.lag.ms': '86400000' } },
        snapshot: { chunkRows: 500 },
      });
    return new FileScene(topology, await processOf({}), new TopicReader({ brokers }), rows, seed, processOf);
  }

  /** The same reader with these settings of its `source`; not launched yet. */
  async withSource(source: Config): Promise<ManagedProcess> {
    this.reader = await this.#launcher(source);
    return this.reader;
  }

  /** `more`: XA transactions, an ALTER. */
  startLoad(rowsPerSecond: number, more: Pick<LoadOptions, 'alterAfterRows' | 'xaConnections'> = {}): Load {
    const { address } = this.topology.source;
    const base = { connections: 3, bigRows: 5000, bigTransactions: 1, rows: this.#rows, isReplicated: true };
    return startLoad({ address, database: DATABASE, seed: this.#seed++, rowsPerSecond, ...base, ...more });
  }

  /** Where the source's binlog ends. */
  async end(): Promise<Place> {
    const [status] = await this.topology.source.rows('SHOW BINARY LOG STATUS');
    const [row] = await this.topology.source.rows('SELECT @@server_uuid AS uuid');
    return {
      serverUuid: String(row?.['uuid']),
      file: String(status?.['File']),
      position: Number(status?.['Position']),
    };
  }

  /** Waits until the reader's durable progress is behind this place of the source. */
  async passed(end: Place, what: string): Promise<void> {
    await liveUntil(this.reader, () => this.#hasPassed(end), what);
  }

  /** Waits until the durable progress has an anchor, from which the reader can count on another server. */
  async anchored(): Promise<void> {
    const hasAnchor = async (): Promise<boolean> => {
      const text = await this.topicReader.lastValue(`${SOURCE}.progress`, SOURCE);
      return ((JSON.parse(text ?? '{}') as { anchors?: readonly unknown[] }).anchors ?? []).length > 0;
    };
    await liveUntil(this.reader, hasAnchor, 'an anchor');
  }

  /** Waits until the load has changed so many rows. */
  async changed({ stats }: Load, rows: number): Promise<void> {
    await liveUntil(this.reader, () => Promise.resolve(stats.rows >= rows), `${rows} rows changed`);
  }

  async #hasPassed(end: Place): Promise<boolean> {
    const text = await this.topicReader.lastValue(`${SOURCE}.progress`, SOURCE);
    if (text === undefined) return false;
    const record = JSON.parse(text) as Place & { readonly snapshot: { readonly state: string } };
    if (record.snapshot.state !== 'done' || record.serverUuid !== end.serverUuid) return false;
    return record.file > end.file || (record.file === end.file && record.position >= end.position);
  }

  /** Records in the tables' topics. */
  async records(): Promise<number> {
    const contents = await this.topicReader.readAll(await this.#tableTopics());
    return [...contents.values()].flatMap(({ partitions }) => partitions).flat().length;
  }

  async #tableTopics(): Promise<string[]> {
    const topics = await this.topicReader.listTopics();
    return topics.filter((topic) => topic.startsWith(`${SOURCE}.${DATABASE}.`)).toSorted();
  }

  /** Reads all topics and judges them by the binlog of the source that there is now, which has replicated all before. */
  async compare(): Promise<Comparison> {
    const mysqlbinlog = await mysqlProgram('mysqlbinlog');
    const { address } = this.topology.source;
    const oracle = await readOracle({ mysqlbinlog, address, keyOf });
    return compare(oracle, await this.#read(), { appliedByReplica: true });
  }

  /** What the topics of tables with a key end with, beside the rows of the source that there is now. @returns what differs. */
  async compareRows(): Promise<string[]> {
    const keyed = [...(await this.#read())].filter(([table]) => keyOf(table) === 'primary');
    const connection = await this.topology.source.connect();
    try {
      return await compareRows(connection, new Map(keyed.map(([table, { partitions }]) => [table, partitions.flat()])));
    } finally {
      await connection.end();
    }
  }

  /** All topics, by table. */
  async #read(): Promise<Map<string, TopicContents>> {
    const contents = await this.topicReader.readAll(await this.#tableTopics());
    return new Map([...contents].map(([topic, found]) => [topic.slice(SOURCE.length + 1), found]));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.topology[Symbol.asyncDispose]();
  }
}

function keyOf(table: string): 'primary' | 'append' | undefined {
  const [database, name = ''] = table.split('.');
  return database === DATABASE ? LOAD_KEYS[name] : undefined;
}
