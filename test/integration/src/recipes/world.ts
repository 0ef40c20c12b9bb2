import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openStack, type SqlAddress, type Stack, testServers } from '@tapline/test-stack';
import { HBaseEyes } from '@tapline/writer/testing/hbase';
import { Redis } from 'ioredis';
import { Kafka, logLevel } from 'kafkajs';
import { Sql } from '../scene.ts';
import { Service } from '../service.ts';
import { TopicReader } from '../topic.ts';
import { ACCOUNTS, EAST, SHOP } from './shop.ts';

const PROGRAM = fileURLToPath(new URL('./writers.program.ts', import.meta.url));
export const RECIPES: string = fileURLToPath(new URL('../../../../docs/recipes', import.meta.url));

interface Opened {
  readonly sql: Sql;
  readonly east: Sql;
  readonly eastAddress: SqlAddress;
  readonly search: string;
  readonly hbase: string;
}

function serverVariables(prefix: string, { host, port, user, password }: SqlAddress): Readonly<Record<string, string>> {
  const values = { HOST: host, PORT: String(port), USER: user, PASSWORD: password };
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [`${prefix}_${name}`, value]));
}

type OwnStack = Stack<{ mysql: true; kafka: 1; redis: true }>;

/**
 * The source, the broker and the stores of the recipes. Source, broker and Redis are the test's own: a recipe's names of topics and keys are as written.
 * The big stores are those of the run, where no other test uses names of recipes.
 */
export class World implements AsyncDisposable {
  readonly sql: Sql;
  /** The second server of the recipes for two. */
  readonly east: Sql;
  readonly redis: Redis;
  readonly hbase: HBaseEyes;
  readonly kafka: Kafka;
  readonly topics: TopicReader;
  readonly #search: string;
  readonly #stack: OwnStack;
  readonly #eastAddress: SqlAddress;
  readonly #variables: Readonly<Record<string, string>>;

  private constructor(stack: OwnStack, { sql, east, eastAddress, ...stores }: Opened) {
    this.#stack = stack;
    this.#eastAddress = eastAddress;
    this.sql = sql;
    this.east = east;
    this.#search = stores.search;
    this.hbase = new HBaseEyes(stores.hbase);
    this.redis = new Redis({ port: stack.redis.port });
    const { brokers } = stack.kafka.address;
    this.kafka = new Kafka({ brokers: [...brokers], logLevel: logLevel.NOTHING, retry: { retries: 20 } });
    this.topics = new TopicReader(brokers);
    this.#variables = {
      ...serverVariables('MYSQL', stack.mysql.address),
      ...serverVariables('WEST', stack.mysql.address),
      ...serverVariables('EAST', eastAddress),
      KAFKA_BROKERS: brokers.join(','),
      REDIS_ADDRESS: stack.redis.address.address,
      SEARCH_NODE: stores.search,
      HBASE_MASTERS: stores.hbase,
      MASK_SECRET: 'a secret of the recipes',
    };
  }

  static async open(): Promise<World> {
    const [stack, stores] = await Promise.all([
      openStack({ mysql: true, kafka: 1, redis: true }),
      testServers('opensearch', 'hbase'),
    ]);
    const second = await stack.add('mysql', { name: 'east', settings: { 'innodb-buffer-pool-size': '64M' } });
    const [sql, east] = [await Sql.open(stack.mysql.address), await Sql.open(second.address)];
    await sql.run(...ACCOUNTS, ...SHOP);
    await east.run(...EAST);
    const eastAddress = second.address;
    return new World(stack, { sql, east, eastAddress, search: stores.opensearch.url, hbase: stores.hbase.master });
  }

  /** Follows the shop, and the accounts of both servers as the recipes for two say. */
  async reader(): Promise<Service> {
    const of = ({ host, port }: SqlAddress, source: object, more: object = {}): object => ({
      source: { host, port, user: 'cdc', password: 'cdc', ...source },
      kafka: { brokers: this.#stack.kafka.address.brokers },
      topics: { partitions: 2, replicationFactor: 1 },
      ...more,
    });
    const west = this.#stack.mysql.address;
    return await Service.start(this.#stack, 'reader', {
      readers: {
        shop: of(west, { include: ['shop.*'] }),
        west: of(west, { include: ['accounts.*'], skipOrigins: ['east-to-west'] }),
        east: of(
          this.#eastAddress,
          { include: ['accounts.*'], skipOrigins: ['west-to-east'] },
          { snapshot: { mode: 'never' } },
        ),
      },
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
    await this.east[Symbol.asyncDispose]();
    await this.hbase[Symbol.asyncDispose]();
    await this.#stack[Symbol.asyncDispose]();
  }
}
