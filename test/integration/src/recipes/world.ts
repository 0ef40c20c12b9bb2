import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openStack, type Stack, testServers } from '@tapline/test-stack';
import { HBaseEyes } from '@tapline/writer/testing/hbase';
import { Redis } from 'ioredis';
import { Kafka, logLevel } from 'kafkajs';
import { Sql } from '../scene.ts';
import { Service } from '../service.ts';
import { TopicReader } from '../topic.ts';
import { SHOP } from './shop.ts';

const PROGRAM = fileURLToPath(new URL('./writers.program.ts', import.meta.url));
export const RECIPES: string = fileURLToPath(new URL('../../../../docs/recipes', import.meta.url));

type OwnStack = Stack<{ mysql: true; kafka: 1; redis: true }>;

/**
 * The source, the broker and the stores of the recipes. Source, broker and Redis are the test's own: a recipe's names of topics and keys are as written.
 * The big stores are those of the run; what recipes make there is removed at the end.
 */
export class World implements AsyncDisposable {
  readonly sql: Sql;
  readonly redis: Redis;
  readonly hbase: HBaseEyes;
  readonly kafka: Kafka;
  readonly topics: TopicReader;
  readonly #search: string;
  readonly #stack: OwnStack;
  readonly #variables: Readonly<Record<string, string>>;

  private constructor(stack: OwnStack, sql: Sql, stores: { search: string; hbase: string }) {
    this.#stack = stack;
    this.sql = sql;
    this.#search = stores.search;
    this.hbase = new HBaseEyes(stores.hbase);
    this.redis = new Redis({ port: stack.redis.port });
    const { brokers } = stack.kafka.address;
    this.kafka = new Kafka({ brokers: [...brokers], logLevel: logLevel.NOTHING });
    this.topics = new TopicReader(brokers);
    const { host, port, user, password } = stack.mysql.address;
    this.#variables = {
      KAFKA_BROKERS: brokers.join(','),
      REDIS_ADDRESS: stack.redis.address.address,
      SEARCH_NODE: stores.search,
      HBASE_MASTERS: stores.hbase,
      MYSQL_HOST: host,
      MYSQL_PORT: String(port),
      MYSQL_USER: user,
      MYSQL_PASSWORD: password,
      MASK_SECRET: 'a secret of the recipes',
    };
  }

  static async open(): Promise<World> {
    const [stack, stores] = await Promise.all([
      openStack({ mysql: true, kafka: 1, redis: true }),
      testServers('opensearch', 'hbase'),
    ]);
    const sql = await Sql.open(stack.mysql.address);
    await sql.run(...SHOP);
    return new World(stack, sql, { search: stores.opensearch.url, hbase: stores.hbase.master });
  }

  /** Follows the shop. */
  async reader(): Promise<Service> {
    const { host, port, user, password } = this.#stack.mysql.readerAddress;
    return await Service.start(this.#stack, 'reader', {
      name: 'shop',
      source: { host, port, user, password, include: ['shop.*'] },
      kafka: { brokers: this.#stack.kafka.address.brokers },
      topics: { partitions: 2, replicationFactor: 1 },
      admin: { port: 0 },
    });
  }

  /** All these recipes as they are written, in one process. */
  async writers(names: readonly string[]): Promise<Service> {
    const files = names.map((name) => join(RECIPES, `${name}.yaml`));
    return await Service.program(this.#stack, 'writers', [PROGRAM, ...files], this.#variables);
  }

  async search(path: string, method = 'GET'): Promise<unknown> {
    const response = await fetch(`${this.#search}/${path}`, { method });
    return await response.json();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.redis.disconnect();
    await this.sql[Symbol.asyncDispose]();
    await this.hbase[Symbol.asyncDispose]();
    await this.#stack[Symbol.asyncDispose]();
  }
}
