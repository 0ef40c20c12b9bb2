import { randomBytes } from 'node:crypto';
import type { KafkaCluster, ManagedProcess, MysqlServer, SqlServer, StackBase, Topology } from '@tapline/test-stack';
import { mysqlProgram } from '@tapline/test-stack';
import { type Comparison, compare } from '../compare.ts';
import { compareRows } from '../compare-rows.ts';
import { type Load, startLoad } from '../load.ts';
import { createTables, LOAD_KEYS } from '../load-tables.ts';
import { readOracle } from '../oracle.ts';
import { Random } from '../random.ts';
import { type Config, liveUntil, taplineService } from '../services.ts';
import { type TopicContents, TopicReader } from '../topic.ts';

const DATABASE = 'shop';
const TABLES: readonly string[] = Object.keys(LOAD_KEYS).map((table) => `${DATABASE}.${table}`);

export interface FailoverSceneOptions {
  readonly stack: StackBase;
  readonly kafka: KafkaCluster;
  readonly topology: Topology;
  readonly seed: number;
  /** Rows of each table at the start. */
  readonly rows?: number;
  /** Of the reader's `source`; without `hosts` or `port` all servers of the topology are listed. */
  readonly source?: Config;
  /** Other groups of the reader's configuration. */
  readonly config?: Config;
}

/** A topology under load, and a reader that may follow any of its servers. */
export class FailoverScene {
  readonly name: string;
  /** The process of now. */
  reader: ManagedProcess;
  readonly topology: Topology;
  readonly #topicReader: TopicReader;
  readonly #seeds: Random;
  readonly #rows: number;
  readonly #launcher: (source: Config) => Promise<ManagedProcess>;

  private constructor(
    name: string,
    reader: ManagedProcess,
    topicReader: TopicReader,
    options: FailoverSceneOptions,
    launcher: (source: Config) => Promise<ManagedProcess>,
  ) {
    this.#launcher = launcher;
    this.name = name;
    this.reader = reader;
    this.topology = options.topology;
    this.#topicReader = topicReader;
    this.#seeds = new Random(options.seed);
    this.#rows = options.rows ?? 200;
  }

  static async open(options: FailoverSceneOptions): Promise<FailoverScene> {
    const { stack, kafka, topology, seed, rows = 200 } = options;
    const connection = await topology.source.connect();
    await createTables({ connection, database: DATABASE, rows, random: new Random(seed) });
    await connection.end();
    await topology.caughtUp();
    const { brokers } = kafka.address;
    const name = `fo${randomBytes(4).toString('hex')}`;
    const { user, password } = topology.source.readerAddress;
    const hosts = topology.servers.map(({ host, port }) => `${host}:${port}`);
    const processOf = (more: Config): Promise<ManagedProcess> =>
      taplineService(stack, 'reader', {
        name,
        source: {
          user,
          password,
          ...(options.source?.['port'] === undefined ? { hosts } : {}),
          include: [`${DATABASE}.*`],
          exclude: [`${DATABASE}.noise`],
          ...options.source,
          ...more,
        },
        keys: { [`${DATABASE}.events`]: 'append' },
        kafka: { brokers: [...brokers] },
        // Compaction would take away what is to be compared.
        topics: { partitions: 2, replicationFactor: 1, config: { 'min.compaction.lag.ms': '86400000' } },
        // Long, so that what is published is ahead of the record when a server fails.
        progress: { intervalMs: 500 },
        admin: { port: 0 },
        ...options.config,
      });
    return new FailoverScene(name, await processOf({}), new TopicReader({ brokers }), options, processOf);
  }

  /** The same reader with these settings of its `source`; not launched yet. */
  async withSource(source: Config): Promise<ManagedProcess> {
    this.reader = await this.#launcher(source);
    return this.reader;
  }

  /** A load on this server, or on the source of now; each one with a seed of its own that follows from the scene's. */
  startLoad(rowsPerSecond = 300, server: SqlServer = this.topology.source): Load {
    return startLoad({
      address: server.address,
      database: DATABASE,
      seed: this.#seeds.int(0, 2 ** 31),
      connections: 3,
      rowsPerSecond,
      bigRows: 0,
      bigTransactions: 0,
      rows: this.#rows,
    });
  }

  /** Waits until the reader's durable progress has everything that the server has, the loads included. */
  async drained(server: MysqlServer = this.topology.source): Promise<void> {
    await liveUntil(this.reader, () => this.#hasAll(server), `everything of ${server.name}`);
  }

  async #hasAll(server: MysqlServer): Promise<boolean> {
    const record = await this.progress();
    if (record === undefined || record.snapshot.state !== 'done') return false;
    const [row] = await server.rows(`SELECT GTID_SUBSET(@@GLOBAL.gtid_executed, '${record.gtidSet}') AS has`);
    return Number(row?.['has']) === 1;
  }

  /** Waits until the durable progress is what the server has executed, and nothing else: what it had before a reset is not passed any more. */
  async isAt(server: MysqlServer): Promise<void> {
    const reached = async (): Promise<boolean> => {
      const record = await this.progress();
      const [row] = await server.rows('SELECT @@GLOBAL.gtid_executed AS executed');
      return record?.snapshot.state === 'done' && record.gtidSet === row?.['executed'];
    };
    await liveUntil(this.reader, reached, `at what ${server.name} has executed`);
  }

  /** Waits until the durable progress has something that this server lacks. */
  async passes(server: MysqlServer): Promise<void> {
    const isAhead = async (): Promise<boolean> => {
      const { gtidSet = '' } = (await this.progress()) ?? {};
      const [row] = await server.rows(`SELECT GTID_SUBSET('${gtidSet}', @@GLOBAL.gtid_executed) AS has`);
      return Number(row?.['has']) === 0;
    };
    await liveUntil(this.reader, isAhead, `further than ${server.name}`);
  }

  /** The newest progress record. */
  async progress(): Promise<Progress | undefined> {
    const record = await this.#topicReader.lastValue(`${this.name}.progress`, this.name);
    return record === undefined ? undefined : JSON.parse(record);
  }

  /** Records of all topics now. */
  async published(): Promise<number> {
    const there = new Set(await this.#topicReader.listTopics());
    let records = 0;
    for (const table of TABLES)
      if (there.has(this.#topic(table)))
        for (const end of await this.#topicReader.ends(this.#topic(table))) records += Number(end);
    return records;
  }

  /** Waits until more is published than now. */
  async flows(): Promise<void> {
    const before = await this.published();
    await liveUntil(this.reader, async () => (await this.published()) > before + 20, 'more than before');
  }

  /** What the reader says of itself in /state; undefined before it listens. */
  async state(): Promise<State | undefined> {
    const url = /"url":"(http:[^"]+)"/.exec(await this.reader.logs())?.[1];
    if (url === undefined) return undefined;
    const response = await fetch(`${url}/state`, { signal: AbortSignal.timeout(30_000) }).catch(() => undefined);
    return response?.ok === true ? ((await response.json()) as State) : undefined;
  }

  /** Waits until the reader has ended by itself, and gives its last error's code. */
  async refusal(): Promise<{ readonly code: string; readonly message: string; readonly remedy?: string }> {
    const { code } = await this.reader.exited;
    if (code === 0) throw new Error('the reader ended well');
    const lines = (await this.reader.logs()).trimEnd().split('\n').toReversed();
    const failed = lines.find((line) => line.includes('"service failed"')) ?? '{}';
    return (JSON.parse(failed) as { error: { code: string; message: string; remedy?: string } }).error;
  }

  /**
   * Holds the topics against the binlog of `server`, which has the history that survived: every change once and in order. Changes of `lost` transactions, which
   * that binlog never had, are left out, and so are rows that were published again behind them.
   */
  async compare(server: MysqlServer = this.topology.source, lost: Lost = NOTHING_LOST): Promise<Outcome> {
    const keys = new Map(Object.entries(LOAD_KEYS).map(([table, key]) => [`${DATABASE}.${table}`, key]));
    const mysqlbinlog = await mysqlProgram('mysqlbinlog');
    const oracle = await readOracle({ mysqlbinlog, address: server.address, keyOf: (table) => keys.get(table) });
    const topics = await this.read();
    const survivors = new Map([...topics].map(([table, contents]) => [table, lost.without(contents)]));
    return { ...compare(oracle, survivors, { appliedByReplica: true }), ...flowOf([...topics.values()]), topics };
  }

  /** All topics, by table. */
  async read(): Promise<Map<string, TopicContents>> {
    const read = await this.#topicReader.readAll(TABLES.map((table) => this.#topic(table)));
    return new Map(TABLES.map((table) => [table, read.get(this.#topic(table)) as TopicContents]));
  }

  /** What the newest record of each key says beside the rows of `server`; of tables with a key. @returns what differs. */
  async compareRows(topics: ReadonlyMap<string, TopicContents>, server = this.topology.source): Promise<string[]> {
    const keyed = [...topics].filter(([table]) => LOAD_KEYS[table.slice(DATABASE.length + 1)] !== 'append');
    const connection = await server.connect();
    try {
      return await compareRows(connection, new Map(keyed.map(([table, { partitions }]) => [table, partitions.flat()])));
    } finally {
      await connection.end();
    }
  }

  #topic(table: string): string {
    return `${this.name}.${table}`;
  }
}

/** The part of a progress record that the tests look at. */
export interface Progress {
  readonly gtidSet: string;
  readonly snapshot: { readonly state: string };
  readonly lost?: readonly { readonly gtidSet: string; readonly transactions: number; readonly records: number }[];
}

/** The part of /state that the tests look at. */
export interface State {
  readonly trouble?: unknown;
  readonly failover: {
    readonly server?: { readonly address: string; readonly uuid: string; readonly role: string };
    readonly hosts: Readonly<Record<string, string>>;
    readonly failovers: number;
  };
}

/** Which records of a topic belong to transactions that no server has any more. */
export interface Lost {
  without(contents: TopicContents): TopicContents;
}

const NOTHING_LOST: Lost = { without: (contents) => contents };

export interface Outcome extends Comparison {
  readonly topics: ReadonlyMap<string, TopicContents>;
  /** The longest time between two published records, and between two commits of the source, by their versions. */
  readonly withoutFlowMs: number;
  readonly withoutCommitsMs: number;
}

/** Of what topics hold. */
export function flowOf(topics: readonly TopicContents[]): Pick<Outcome, 'withoutFlowMs' | 'withoutCommitsMs'> {
  const changes = topics.flatMap(({ partitions }) => partitions.flat()).filter(({ op }) => op !== 'r');
  const commits = changes.map(({ version }) => Number((version ?? 0n) >> 10n) / 1000);
  return {
    withoutFlowMs: longestGap(changes.map((one) => one.timestampMs ?? 0)),
    withoutCommitsMs: longestGap(commits),
  };
}

function longestGap(times: number[]): number {
  let longest = 0;
  times.sort((a, b) => a - b);
  for (const [i, time] of times.entries()) if (i > 0) longest = Math.max(longest, time - (times[i - 1] as number));
  return Math.round(longest);
}
