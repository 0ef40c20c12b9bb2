import { describe, expect, test } from '@jest/globals';
import { sleep } from '@tapline/kernel';
import { testServers } from '@tapline/test-stack';
import { Redis } from 'ioredis';
import { Scene, type Sql, uniqueName } from './scene.ts';

const ROWS = 1500;
const COLUMNS = ['id', 'name', 'price', 'kind', 'qty'];

/** Changes rows at random until it is stopped, so that the first load and the stream race with each other. */
class Load {
  readonly #done: Promise<void>;
  readonly #sql: Sql;
  #on = true;
  statements = 0;

  constructor(sql: Sql) {
    this.#sql = sql;
    this.#done = this.#run();
  }

  async stop(): Promise<void> {
    this.#on = false;
    await this.#done;
    await this.#sql[Symbol.asyncDispose]();
  }

  async #run(): Promise<void> {
    const id = (): number => 1 + Math.floor(Math.random() * ROWS * 1.2);
    while (this.#on) {
      const n = this.statements++;
      const [a, b] = [id(), id()];
      await this.#sql.run(
        ...(n % 10 === 0 ? ['BEGIN'] : []),
        `INSERT INTO t VALUES (${a}, 'n${n}', ${n % 1000}.5, 'b,c', ${n}) ON DUPLICATE KEY UPDATE name = 'u${n}', qty = NULL`,
        `UPDATE t SET price = price + 0.01, kind = 'a' WHERE id BETWEEN ${b} AND ${b + 5}`,
        n % 3 === 0 ? `DELETE FROM t WHERE id = ${b}` : `UPDATE IGNORE t SET id = ${a + 1} WHERE id = ${b}`,
        ...(n % 10 === 9 ? ['COMMIT'] : []),
      );
      // Leaves the other services of the machine some room.
      await sleep(5);
    }
    await this.#sql.run('COMMIT');
  }
}

describe.each(['mysql', 'mysql80', 'mariadb'] as const)('from %s to Redis', (server) => {
  test('under load, over an encrypted connection where there is one, with reader and writer killed: every row is the same in the end', async () => {
    const servers = await testServers(server, 'kafka', 'redis');
    await using scene = await Scene.open({ mysql: servers[server], brokers: servers.kafka.brokers });
    const { sql, database } = scene;
    await sql.run(
      "CREATE TABLE t (id int PRIMARY KEY, name varchar(40), price decimal(12,2), kind enum('a','b,c'), qty bigint unsigned)",
      `INSERT INTO t VALUES ${Array.from({ length: ROWS }, (_, i) => `(${i + 1}, 'first', 1.10, 'a', ${i})`).join(', ')}`,
    );
    const user = uniqueName('u').slice(0, 30);
    const encrypted = server !== 'mariadb';
    await sql.run(
      `CREATE USER ${user} IDENTIFIED BY 'p' ${encrypted ? 'REQUIRE SSL' : ''}`,
      `GRANT SELECT, REPLICATION SLAVE, REPLICATION CLIENT ON *.* TO ${user}`,
    );
    const account = { user, password: 'p', tls: { mode: encrypted ? 'required' : 'off' } };
    const readerConfig = { source: account, snapshot: { chunkRows: 100 } };
    const redis = new Redis({ port: servers.redis.port });
    const ofRow = { sink: { key: `${database}:\${key.id}`, versionPrefix: `${database}.v:` } };
    const name = uniqueName('writer');

    const load = new Load(await scene.session());
    let reader = await scene.reader(readerConfig);
    await scene.records(reader, 't', 300);
    await reader.kill();
    reader = await scene.reader(readerConfig);
    let writer = await scene.writer('t', servers.redis.address, { name, ...ofRow });
    const rowsInRedis = async (): Promise<string[]> => (await redis.keys(`${database}:*`)).toSorted();
    await writer.until('500 rows in Redis', async () => (await rowsInRedis()).length >= 500);
    await writer.kill();
    writer = await scene.writer('t', servers.redis.address, { name, ...ofRow });
    await load.stop();
    expect(load.statements).toBeGreaterThan(10);

    const inMysql = new Map(
      (await sql.rows(`SELECT ${COLUMNS.join(', ')} FROM t`)).map((row) => [
        `${database}:${row[0]}`,
        Object.fromEntries(COLUMNS.map((column, at) => [column, row[at]]).filter(([, value]) => value !== null)),
      ]),
    );
    const inRedis = async (): Promise<Map<string, unknown>> => {
      const rows = new Map<string, unknown>();
      for (const key of await rowsInRedis()) {
        const { _v, ...row } = await redis.hgetall(key);
        rows.set(key, row);
      }
      return rows;
    };
    const same = async (): Promise<boolean> => differences(inMysql, await inRedis()).length === 0;
    await writer.until('the same rows in Redis', same).catch(async (error: unknown) => {
      throw new Error(
        `${differences(inMysql, await inRedis())
          .slice(0, 10)
          .join('\n')}\n${String(error)}`,
      );
    });
    expect(await reader.stop()).toBe(0);
    expect(await writer.stop()).toBe(0);
    expect(differences(inMysql, await inRedis())).toEqual([]);
    redis.disconnect();
    await sql.run(`DROP USER ${user}`);
  });
});

function differences(expected: ReadonlyMap<string, unknown>, seen: ReadonlyMap<string, unknown>): string[] {
  const text = (value: unknown): string => (value === undefined ? 'nothing' : JSON.stringify(value, COLUMNS));
  const keys = new Set([...expected.keys(), ...seen.keys()]);
  return [...keys]
    .filter((key) => text(expected.get(key)) !== text(seen.get(key)))
    .map((key) => `${key}: MySQL ${text(expected.get(key))}, Redis ${text(seen.get(key))}`);
}
