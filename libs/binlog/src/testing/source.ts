import { randomInt } from 'node:crypto';
import { connect, type MysqlAddress, type MysqlConnection } from '@tapline/mysql';
import { testServers } from '@tapline/test-stack';
import { GtidSet } from '../gtid-set.ts';
import { openBinlogStream } from '../stream.ts';
import type { BinlogStart, BinlogStream, BinlogStreamOptions, Flavor } from '../types.ts';
import { type Collected, collectUntil } from './collect.ts';

export type SourceName = 'mysql' | 'mysql80' | 'mariadb';

/** One of the shared test servers, or another one at `address`, with a database of its own for the test file. */
export class TestSource implements AsyncDisposable {
  readonly name: SourceName;
  readonly address: MysqlAddress;
  readonly root: MysqlConnection;
  readonly database: string;

  private constructor(name: SourceName, address: MysqlAddress, root: MysqlConnection) {
    this.name = name;
    this.address = address;
    this.root = root;
    this.database = `binlog_${process.pid}_${randomInt(2 ** 32).toString(36)}`;
  }

  static async open(name: SourceName, other?: MysqlAddress): Promise<TestSource> {
    const address = other ?? (await testServers(name))[name];
    const source = new TestSource(name, address, await connect(address));
    await source.root.execute(`CREATE DATABASE ${source.database} CHARACTER SET utf8mb4`);
    await source.root.execute(`USE ${source.database}`);
    return source;
  }

  get flavor(): Flavor {
    return this.name === 'mariadb' ? 'mariadb' : 'mysql';
  }

  /** What the server has committed: a start, or a target. */
  async committed(): Promise<string> {
    const variable = this.flavor === 'mysql' ? '@@GLOBAL.gtid_executed' : '@@GLOBAL.gtid_binlog_pos';
    const [row] = await this.root.query(`SELECT ${variable}`);
    return (row?.[0] ?? '').replace(/\s+/g, '');
  }

  options(start: BinlogStart, changes: Partial<BinlogStreamOptions> = {}): BinlogStreamOptions {
    return {
      address: this.address,
      // Two readers with one id throw each other out.
      serverId: randomInt(100_000, 2 ** 32),
      flavor: this.flavor,
      start,
      wants: (database) => database === this.database,
      bufferBytes: 1 << 20,
      // A server that is silent for four of these is given up.
      heartbeatMs: 15_000,
      ...changes,
    };
  }

  stream(gtidSet: string, changes: Partial<BinlogStreamOptions> = {}): Promise<BinlogStream> {
    return openBinlogStream(this.options({ gtidSet }, changes), AbortSignal.timeout(300_000));
  }

  /** Runs the statements and gives what the binlog says of them (and of what else was committed meanwhile, without its rows). */
  async changesOf(statements: readonly string[], changes: Partial<BinlogStreamOptions> = {}): Promise<Collected> {
    const start = await this.committed();
    for (const statement of statements) await this.root.execute(statement);
    return await this.changesSince(start, changes);
  }

  /** What the binlog has from `start`, an earlier `committed()`, up to now. */
  async changesSince(start: string, changes: Partial<BinlogStreamOptions> = {}): Promise<Collected> {
    const end = await this.committed();
    await using stream = await this.stream(start, changes);
    return await collectUntil(stream, this.#missing(start, end), this.flavor);
  }

  #missing(start: string, end: string): string {
    if (this.flavor === 'mariadb') return end;
    return GtidSet.parse(end).subtract(GtidSet.parse(start)).toString();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.root.execute(`DROP DATABASE IF EXISTS ${this.database}`).catch(() => undefined);
    await this.root[Symbol.asyncDispose]();
  }
}
