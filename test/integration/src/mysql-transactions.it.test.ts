import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { openKafka } from '@tapline/kafka';
import { sleep } from '@tapline/kernel';
import { type MysqlServer, testServers } from '@tapline/test-stack';
import { Scene, Sql, uniqueName } from './scene.ts';
import { type Config, Service } from './service.ts';

const ACCOUNTS = 1200;
const TOTAL = String(2 * ACCOUNTS * 1000);

let scene: Scene;
let brokers: readonly string[];
let target: MysqlServer;
let reader: Service;

function writerConfig(order: 'row' | 'transaction', more: Config = {}): Config {
  const { host, port, user, password } = target.address;
  return {
    name: uniqueName(order),
    source: {
      brokers,
      topics: [scene.topic('a'), scene.topic('b'), scene.topic('log')],
      commitMs: 100,
      sessionTimeoutMs: 6000,
      // A transaction that changes all accounts does not fit.
      bufferBytes: 65_536,
    },
    sink: {
      type: 'mysql',
      host,
      port,
      user,
      password,
      database: `copy_${order}`,
      stateDatabase: `${order}_state`,
      order,
    },
    admin: { port: 0 },
    ...more,
  };
}

beforeAll(async () => {
  const servers = await testServers('mysql', 'kafka');
  ({ brokers } = servers.kafka);
  scene = await Scene.open({ mysql: servers.mysql, brokers });
  target = await scene.stack.add('mysql', { name: 'target', settings: { 'innodb-buffer-pool-size': '64M' } });
  const accounts = Array.from({ length: ACCOUNTS }, (_, id) => `(${id}, 1000)`).join(', ');
  await scene.sql.run(
    'CREATE TABLE a (id INT PRIMARY KEY, balance INT NOT NULL)',
    'CREATE TABLE b (id INT PRIMARY KEY, balance INT NOT NULL)',
    'CREATE TABLE log (amount INT NOT NULL)',
    'CREATE TABLE unread (id INT PRIMARY KEY)',
    `INSERT INTO a VALUES ${accounts}`,
    `INSERT INTO b VALUES ${accounts}`,
  );
  const keys = { keys: { [`${scene.database}.log`]: 'append' } };
  reader = await scene.reader({ transactions: { topic: true }, ...keys });
  await scene.records(reader, 'a', ACCOUNTS);
  await scene.records(reader, 'b', ACCOUNTS);
});

afterAll(async () => {
  await scene?.[Symbol.asyncDispose]();
});

/** Money from one table's account to the other one's, with a line in a third table. */
async function transfer(sql: Sql, from: number, to: number, amount: number): Promise<void> {
  await sql.run(
    'BEGIN',
    `UPDATE a SET balance = balance - ${amount} WHERE id = ${from}`,
    `INSERT INTO log VALUES (${amount})`,
    `REPLACE INTO unread VALUES (${from})`,
    `UPDATE b SET balance = balance + ${amount} WHERE id = ${to}`,
    'COMMIT',
  );
}

/** Of one snapshot of the copy: one statement has one (InnoDB, "Consistent Nonlocking Reads"). */
function sums(database: string): string {
  const sum = (table: string): string => `(SELECT SUM(balance) FROM ${database}.${table})`;
  const logged = `(SELECT SUM(amount) FROM ${database}.log)`;
  return `SELECT ${sum('a')} + ${sum('b')}, ${sum('b')} - COALESCE(${logged}, 0), COALESCE(${logged}, 0)`;
}

/** Looks at the copy again and again; gives the states in which something was missing, and how many different ones there were. */
class Observer implements AsyncDisposable {
  readonly wrong: string[] = [];
  readonly seen = new Set<string>();
  readonly #running: Promise<void>;
  #stopped = false;

  constructor(database: string) {
    this.#running = this.#run(sums(database));
  }

  async #run(statement: string): Promise<void> {
    let sql: Sql | undefined;
    while (!this.#stopped) {
      try {
        sql ??= await Sql.open(target.address);
        const [row = []] = await sql.rows(statement);
        if (row[0] !== TOTAL || row[1] !== String(ACCOUNTS * 1000)) this.wrong.push(row.join(' '));
        this.seen.add(row.join(' '));
      } catch {
        // The target is down.
        sql = undefined;
        await sleep(50);
      }
      await sleep(2);
    }
    await sql?.[Symbol.asyncDispose]();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped = true;
    await this.#running;
  }
}

async function whole(sql: Sql, database: string): Promise<string> {
  const tables = ['a', 'b'].map((table) => sql.rows(`SELECT * FROM ${database}.${table} ORDER BY id`));
  const log = sql.rows(`SELECT amount, COUNT(*) FROM ${database}.log GROUP BY amount ORDER BY amount`);
  return JSON.stringify(await Promise.all([...tables, log]));
}

async function untilSame(database: string, writers: readonly Service[]): Promise<void> {
  await using sql = await Sql.open(target.address);
  const source = await whole(scene.sql, scene.database);
  const isSame = async (): Promise<boolean> => (await whole(sql, database).catch(() => '')) === source;
  await reader.until('the copy is the same', isSame).catch(async (error: unknown) => {
    for (const writer of writers) console.error(await writer.state(), (await writer.output()).slice(-5000));
    throw error;
  });
}

test('whole transactions: whoever looks on sees all of one or nothing, while members and the target die, tables are altered and a transaction is larger than memory', async () => {
  const config = writerConfig('transaction');
  const start = (): Promise<Service> => Service.start(scene.stack, 'writer', config);
  await transfer(scene.sql, 1, 2, 3);
  let writers: Service[] = await Promise.all([start(), start()]);
  await untilSame('copy_transaction', writers);
  await using observer = new Observer('copy_transaction');
  const below = numbers(7);
  const some = async (count: number): Promise<void> => {
    for (let at = 0; at < count; at++) await transfer(scene.sql, below(ACCOUNTS), below(ACCOUNTS), 1 + below(9));
  };
  await some(100);
  const active = await activeOf(writers);
  await some(20);
  await active.kill();
  await some(50);
  // Every row of two tables, in one transaction: it comes in pieces.
  await scene.sql.run(
    'BEGIN',
    'UPDATE a SET balance = balance - 1',
    'UPDATE b SET balance = balance + 1',
    `INSERT INTO log VALUES (${ACCOUNTS})`,
    'COMMIT',
  );
  await some(20);
  writers = [...writers.filter((writer) => writer !== active), await start()];
  await target.kill();
  await scene.sql.run("ALTER TABLE a ADD COLUMN note VARCHAR(20) NOT NULL DEFAULT 'none'");
  await some(20);
  await target.start();
  await scene.sql.run("ALTER TABLE b ADD COLUMN note VARCHAR(20) NOT NULL DEFAULT 'none'");
  await some(20);
  await untilSame('copy_transaction', writers);
  expect(observer.wrong).toEqual([]);
  expect(observer.seen.size).toBeGreaterThan(5);
  await using sql = await Sql.open(target.address);
  for (const table of ['a', 'b']) {
    const noted = `SELECT COUNT(*) FROM copy_transaction.${table} WHERE note = 'none'`;
    expect(await sql.value(noted)).toBe(String(ACCOUNTS));
  }
  await Promise.all(writers.map((writer) => writer.kill()));
});

test('change by change, the same observer sees money that is nowhere', async () => {
  const writer = await Service.start(scene.stack, 'writer', writerConfig('row'));
  await untilSame('copy_row', [writer]);
  await using observer = new Observer('copy_row');
  await writer.until('money is missing', async () => {
    const all = 'WHERE id < 500';
    await scene.sql.run(
      'BEGIN',
      `UPDATE a SET balance = balance - 1 ${all}`,
      `UPDATE b SET balance = balance + 1 ${all}`,
      'INSERT INTO log VALUES (500)',
      'COMMIT',
    );
    return observer.wrong.length > 0;
  });
  await writer.kill();
});

test('without a transaction topic, or of several sources, the writer says what to do', async () => {
  const other = uniqueName('src');
  const topic = `${other}.db.t`;
  await using kafka = openKafka({ brokers });
  await kafka.topics.ensure([{ topic, partitions: 1, replicationFactor: 1 }]);
  const source = (topics: readonly string[]): Config => ({ source: { brokers, topics } });
  const writers = await Promise.all(
    [[topic], [topic, scene.topic('a')]].map((topics) =>
      Service.start(scene.stack, 'writer', writerConfig('transaction', source(topics))),
    ),
  );
  const errors = await Promise.all(writers.map((writer) => writer.errorOf('WRITER_TRANSACTIONS')));
  expect(errors[0]?.message).toContain(`${other}.transactions`);
  expect(errors[0]?.remedy).toContain('transactions.topic: true');
  expect(errors[1]?.message).toContain('several sources');
  expect(await Promise.all(writers.map((writer) => writer.ended()))).not.toContain(0);
});

/** The member that has the partitions; while they go from one to another, nobody has. */
async function activeOf(writers: readonly Service[]): Promise<Service> {
  let active: Service | undefined;
  await reader.until('a member has the partitions', async () => {
    for (const writer of writers) if (Number((await writer.state())['assigned']) > 0) active = writer;
    return active !== undefined;
  });
  return active as Service;
}

function numbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}
