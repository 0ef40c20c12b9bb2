import { randomBytes } from 'node:crypto';
import { sleep } from '@tapline/kernel';
import { openStack, type SqlAddress, type Stack } from '@tapline/test-stack';
import mysql, { type Connection } from 'mysql2/promise';
import { type Config, Service } from './service.ts';
import { TopicReader, type TopicRecord } from './topic.ts';

/** A name that no other run uses. */
export function uniqueName(stem: string): string {
  return `${stem}_${process.pid}_${randomBytes(4).toString('hex')}`;
}

/** Rows as texts, as the server prints them. */
export type TextTable = (string | null)[][];

/** A session as root whose values come as the server prints them. */
export class Sql implements AsyncDisposable {
  readonly #address: SqlAddress;
  #database: string | undefined;
  #connection: Connection | undefined;

  private constructor(address: SqlAddress) {
    this.#address = address;
  }

  static async open(address: SqlAddress): Promise<Sql> {
    const sql = new Sql(address);
    await sql.reopen();
    return sql;
  }

  /** A new session, after the server was restarted. */
  async reopen(): Promise<void> {
    this.#connection?.destroy();
    const connection = await mysql.createConnection({
      ...this.#address,
      ...(this.#database === undefined ? {} : { database: this.#database }),
      charset: 'utf8mb4',
      // The driver gives up after ten seconds, which a machine may be busy with other things.
      connectTimeout: 300_000,
      // Every value's own bytes as text.
      typeCast: (field) => field.string('utf8'),
    });
    // A server that dies under an idle session is no error of the test.
    connection.on('error', () => undefined);
    this.#connection = connection;
    await this.run("SET time_zone = '+00:00', sql_mode = 'ALLOW_INVALID_DATES'");
  }

  async use(database: string): Promise<void> {
    this.#database = database;
    await this.run(`USE ${database}`);
  }

  async run(...statements: readonly string[]): Promise<void> {
    for (const statement of statements) await this.#connection?.query(statement);
  }

  async rows(statement: string): Promise<TextTable> {
    const result = await this.#connection?.query({ sql: statement, rowsAsArray: true });
    return (result?.[0] ?? []) as TextTable;
  }

  async value(statement: string): Promise<string> {
    return (await this.rows(statement))[0]?.[0] ?? '';
  }

  /** Deletes all binlog files but the newest. The server keeps those that it still sends to a reader, also one that has just gone. */
  async purge(): Promise<void> {
    for (;;) {
      const files = await this.rows('SHOW BINARY LOGS');
      if (files.length === 1) return;
      await this.run(`PURGE BINARY LOGS TO '${files.at(-1)?.[0]}'`);
      await sleep(50);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#connection?.end();
  }
}

/** Of a writer's /state. */
interface AppliedPartition {
  readonly partition: number;
  readonly appliedBelow: number;
}

export interface SceneAddresses {
  readonly mysql: SqlAddress;
  readonly brokers: readonly string[];
}

/** A database, a source name and services of a test's own, on servers that others use too. */
export class Scene implements AsyncDisposable {
  readonly stack: Stack;
  readonly sql: Sql;
  readonly topics: TopicReader;
  readonly database: string = uniqueName('it');
  /** The reader's name, thus the prefix of its topics. */
  readonly source: string = uniqueName('src');
  readonly #addresses: SceneAddresses;

  private constructor(stack: Stack, sql: Sql, addresses: SceneAddresses) {
    this.stack = stack;
    this.sql = sql;
    this.#addresses = addresses;
    this.topics = new TopicReader(addresses.brokers);
  }

  static async open(addresses: SceneAddresses): Promise<Scene> {
    const sql = await Sql.open(addresses.mysql);
    const scene = new Scene(await openStack({}), sql, addresses);
    await sql.run(`CREATE DATABASE ${scene.database} CHARACTER SET utf8mb4`);
    await sql.use(scene.database);
    return scene;
  }

  /** One more session as root in the scene's database, to be disposed by the caller. */
  async session(): Promise<Sql> {
    const sql = await Sql.open(this.#addresses.mysql);
    await sql.use(this.database);
    return sql;
  }

  topic(table: string, source: string = this.source): string {
    return `${source}.${this.database}.${table}`;
  }

  /** A reader's configuration for this scene; `source` and the other groups are merged key by key. */
  readerConfig(more: Readonly<Record<string, unknown>> = {}): Config {
    const { host, port } = this.#addresses.mysql;
    return merged(
      {
        name: this.source,
        source: { host, port, user: 'cdc', password: 'cdc', include: [`${this.database}.*`] },
        kafka: { brokers: this.#addresses.brokers },
        topics: { partitions: 2, replicationFactor: 1, config: { 'min.compaction.lag.ms': '86400000' } },
        progress: { intervalMs: 100 },
        admin: { port: 0 },
      },
      more,
    );
  }

  async reader(more: Readonly<Record<string, unknown>> = {}): Promise<Service> {
    return await Service.start(this.stack, 'reader', this.readerConfig(more));
  }

  async writer(table: string, redisAddress: string, more: Readonly<Record<string, unknown>> = {}): Promise<Service> {
    const base = {
      name: uniqueName('writer'),
      source: { brokers: this.#addresses.brokers, topics: [this.topic(table)] },
      sink: { type: 'redis', address: redisAddress, as: 'hash', key: `${this.database}:\${key.id}` },
      admin: { port: 0 },
    };
    return await Service.start(this.stack, 'writer', merged(base, more));
  }

  /** Waits until the topic has so many records. */
  async records(service: Service, table: string, count: number, source: string = this.source): Promise<void> {
    const topic = this.topic(table, source);
    await service.until(`${count} records in ${topic}`, async () => (await this.topics.count(topic)) >= count);
  }

  /** Waits until the writer has settled all of these records of one topic: what it shows before may still become another. */
  async settled(writer: Service, records: readonly Pick<TopicRecord, 'partition' | 'offset'>[]): Promise<void> {
    const newest = new Map(records.map(({ partition, offset }) => [partition, Number(offset)]));
    await writer.until('every record is settled', async () => {
      const { partitions = [] } = (await writer.state()) as { partitions?: readonly AppliedPartition[] };
      const below = new Map(partitions.map(({ partition, appliedBelow }) => [partition, appliedBelow]));
      return [...newest].every(([partition, offset]) => (below.get(partition) ?? 0) > offset);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stack[Symbol.asyncDispose]();
    await this.sql.run(`DROP DATABASE IF EXISTS ${this.database}`);
    await this.sql[Symbol.asyncDispose]();
  }
}

function merged(base: Config, more: Config): Config {
  const result: Record<string, unknown> = { ...base };
  for (const [key, value] of Object.entries(more)) {
    const below = result[key];
    result[key] = isGroup(below) && isGroup(value) ? merged(below, value) : value;
  }
  return result;
}

function isGroup(value: unknown): value is Config {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
