import { randomBytes } from 'node:crypto';
import type { KafkaCluster, ManagedProcess, MariadbServer, StackBase, Topology } from '@tapline/test-stack';
import { compareRows } from '../compare-rows.ts';
import { imageValues } from '../image.ts';
import { Random } from '../random.ts';
import { Repeated } from '../repeated.ts';
import { type Config, liveUntil, taplineService } from '../services.ts';
import { TopicReader, type TopicRecord } from '../topic.ts';
import type { Progress } from './scene.ts';

const TABLES = ['shop.steps', 'shop.journal'] as const;
const ROWS = 30;
const LOADS = 2;

export interface StepsSceneOptions {
  readonly stack: StackBase & { readonly kafka: KafkaCluster };
  readonly topology: Topology<MariadbServer>;
  readonly seed: number;
  /** Of the reader's `source`. */
  readonly source?: Config;
}

/**
 * A MariaDB topology under a load that is its own oracle, as no program reads MariaDB's binlog into what the oracle takes: every change of a row counts its `rev` by
 * one, so its topic must hold each number once and in order, up to the one in the table; and every transaction adds a row to `journal`.
 */
export class StepsScene {
  readonly reader: ManagedProcess;
  readonly topology: Topology<MariadbServer>;
  readonly #name: string;
  readonly #topics: TopicReader;
  readonly #seeds: Random;

  private constructor(name: string, reader: ManagedProcess, topics: TopicReader, options: StepsSceneOptions) {
    this.#name = name;
    this.reader = reader;
    this.topology = options.topology;
    this.#topics = topics;
    this.#seeds = new Random(options.seed);
  }

  static async open(options: StepsSceneOptions): Promise<StepsScene> {
    const { stack, topology, source } = options;
    await topology.source.execute(
      `CREATE DATABASE shop;
       USE shop;
       CREATE TABLE shop.steps (id INT PRIMARY KEY, rev INT NOT NULL);
       CREATE TABLE shop.journal (id INT AUTO_INCREMENT PRIMARY KEY, step INT NOT NULL);
       INSERT INTO shop.steps SELECT seq, 1 FROM seq_1_to_${ROWS}`,
    );
    await topology.caughtUp();
    const { brokers } = stack.kafka.address;
    const { user, password } = topology.source.readerAddress;
    const name = `ma${randomBytes(4).toString('hex')}`;
    const reader = await taplineService(stack, 'reader', {
      name,
      source: {
        user,
        password,
        hosts: topology.servers.map(({ host, port }) => `${host}:${port}`),
        include: ['shop.*'],
        ...source,
      },
      kafka: { brokers: [...brokers] },
      // Compaction would take away what is to be compared.
      topics: { partitions: 2, replicationFactor: 1, config: { 'min.compaction.lag.ms': '86400000' } },
      // Long, so that what is published is ahead of the record when a server fails.
      progress: { intervalMs: 500 },
    });
    return new StepsScene(name, reader, new TopicReader({ brokers }), options);
  }

  startLoad(): Repeated {
    const random = this.#seeds.fork();
    const randoms = Array.from({ length: LOADS }, () => random.fork());
    return new Repeated(this.topology.source, randoms, async (connection, draw) => {
      const first = draw.int(1, ROWS - 2);
      await connection.query('BEGIN');
      await connection.query(`UPDATE shop.steps SET rev = rev + 1 WHERE id BETWEEN ${first} AND ${first + 2}`);
      await connection.query(`INSERT INTO shop.journal (step) VALUES (${first})`);
      // Its COMMIT is of another second than its rows: replicas do not keep that time.
      if (draw.int(1, 20) === 1) await connection.query('DO SLEEP(1)');
      await connection.query('COMMIT');
    });
  }

  /** The newest progress record. */
  async progress(): Promise<Progress | undefined> {
    const record = await this.#topics.lastValue(`${this.#name}.progress`, this.#name);
    return record === undefined ? undefined : JSON.parse(record);
  }

  /** Waits until the reader's durable progress is where the source's binlog ends, the loads included. */
  async drained(): Promise<void> {
    const [row] = await this.topology.source.rows('SELECT @@GLOBAL.gtid_binlog_pos AS gtids');
    const reached = async (): Promise<boolean> => {
      const record = await this.progress();
      return record?.snapshot.state === 'done' && record.gtidSet === row?.['gtids'];
    };
    await liveUntil(this.reader, reached, `everything up to ${String(row?.['gtids'])}`);
  }

  /** Waits until the durable progress has something that this server lacks. */
  async passes(server: MariadbServer): Promise<void> {
    const [row] = await server.rows('SELECT @@GLOBAL.gtid_binlog_pos AS gtids');
    const numberOf = (gtid: unknown): number => Number(String(gtid).split('-').at(-1));
    const isAhead = async (): Promise<boolean> => numberOf((await this.progress())?.gtidSet) > numberOf(row?.['gtids']);
    await liveUntil(this.reader, isAhead, `further than ${server.name}`);
  }

  /** Waits until more is published than now. */
  async flows(): Promise<void> {
    const before = await this.#published();
    await liveUntil(this.reader, async () => (await this.#published()) > before + 20, 'more than before');
  }

  async #published(): Promise<number> {
    const ends = await Promise.all(TABLES.map((table) => this.#topics.ends(`${this.#name}.${table}`)));
    return ends.flat().reduce((sum, end) => sum + Number(end), 0);
  }

  /** The last error of a reader that has ended by itself. */
  async refusal(): Promise<{ readonly code: string; readonly remedy?: string }> {
    const { code } = await this.reader.exited;
    if (code === 0) throw new Error('the reader ended well');
    const failed = (await this.reader.logs()).split('\n').findLast((line) => line.includes('"service failed"')) ?? '{}';
    return (JSON.parse(failed) as { error: { code: string; remedy?: string } }).error;
  }

  /** What is wrong with the topics, where nothing was lost: a change missing, doubled or out of order. */
  async compareChanges(): Promise<string[]> {
    const wrong = await this.compareRows();
    for (const [table, records] of await this.#read()) {
      const seen = new Map<string, number>();
      for (const { key = '', op, after = '' } of records) {
        const rev = table === 'shop.steps' ? Number(imageValues(after)[1]) : 1;
        const before = seen.get(key) ?? 0;
        if (rev !== before + 1) wrong.push(`${table} ${key}: ${op} of ${rev} behind ${before}`);
        seen.set(key, rev);
      }
    }
    return wrong.slice(0, 20);
  }

  /** The newest record of each key beside the rows of the source of now. */
  async compareRows(): Promise<string[]> {
    const connection = await this.topology.source.connect();
    try {
      return await compareRows(connection, await this.#read());
    } finally {
      await connection.end();
    }
  }

  /** All records of each table; versions must rise in each partition. */
  async #read(): Promise<Map<string, TopicRecord[]>> {
    const read = await this.#topics.readAll(TABLES.map((table) => `${this.#name}.${table}`));
    return new Map(
      TABLES.map((table) => {
        const partitions = read.get(`${this.#name}.${table}`)?.partitions ?? [];
        return [table, partitions.flatMap((records) => rising(table, records))];
      }),
    );
  }
}

/** @throws Error when a version is below the one in front of it, or another record's. */
function rising(table: string, records: readonly TopicRecord[]): readonly TopicRecord[] {
  let last = 0n;
  for (const { offset, op, version = 0n } of records) {
    if (op !== 't' && version <= last) throw new Error(`${table}@${offset}: version ${version} behind ${last}`);
    last = version;
  }
  return records;
}
