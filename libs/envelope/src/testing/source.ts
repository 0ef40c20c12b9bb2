import { randomInt } from 'node:crypto';
import { openBinlogStream, type RowImage, type TableMap } from '@tapline/binlog';
import { connect, type MysqlAddress, type MysqlConnection, readTables } from '@tapline/mysql';
import type { Table } from '@tapline/schema';
import { testServers } from '@tapline/test-stack';

export type SourceName = 'mysql' | 'mysql80' | 'mariadb';

/** A row as the binlog had it, and the layout it came with. */
export interface WireRow {
  readonly table: TableMap;
  readonly after: RowImage;
}

/** One of the shared test servers, with a database of its own. */
export class EnvelopeSource implements AsyncDisposable {
  readonly root: MysqlConnection;
  readonly database: string = `envelope_${process.pid}_${randomInt(2 ** 32).toString(36)}`;
  readonly #name: SourceName;
  readonly #address: MysqlAddress;

  private constructor(name: SourceName, address: MysqlAddress, root: MysqlConnection) {
    this.#name = name;
    this.#address = address;
    this.root = root;
  }

  static async open(name: SourceName): Promise<EnvelopeSource> {
    const address = (await testServers(name))[name];
    const source = new EnvelopeSource(name, address, await connect(address));
    await source.root.execute(`CREATE DATABASE ${source.database} CHARACTER SET utf8mb4`);
    await source.root.execute(`USE ${source.database}`);
    await source.root.execute(`SET sql_mode = 'ALLOW_INVALID_DATES', time_zone = '+00:00'`);
    return source;
  }

  async table(name: string): Promise<Table> {
    const filter = {
      matches: (database: string, table: string) => database === this.database && table === name,
      mayMatchIn: (database: string) => database === this.database,
    };
    const [table] = await readTables(this.root, filter);
    if (table === undefined) throw new Error(`no table ${name}`);
    return table;
  }

  /** Runs the statements; gives the rows they inserted or updated, copied from the binlog, in order. */
  async rowsOf(statements: readonly string[]): Promise<WireRow[]> {
    const start = await this.#committed();
    for (const statement of statements) await this.root.execute(statement);
    // Marks the end in the binlog.
    await this.root.execute('CREATE TABLE IF NOT EXISTS done (n INT PRIMARY KEY AUTO_INCREMENT)');
    await this.root.execute('INSERT INTO done VALUES ()');
    const signal = AbortSignal.timeout(300_000);
    await using stream = await openBinlogStream(
      {
        address: this.#address,
        serverId: randomInt(100_000, 2 ** 32),
        flavor: this.#name === 'mariadb' ? 'mariadb' : 'mysql',
        start: { gtidSet: start },
        wants: (database) => database === this.database,
        bufferBytes: 1 << 20,
        heartbeatMs: 15_000,
      },
      signal,
    );
    const rows: WireRow[] = [];
    for (;;) {
      for (const event of await stream.pull()) {
        if (event.kind !== 'rows') continue;
        if (event.table.table === 'done') return rows;
        while (event.next()) rows.push({ table: event.table, after: copyOf(event.after) });
      }
    }
  }

  async #committed(): Promise<string> {
    const variable = this.#name === 'mariadb' ? '@@GLOBAL.gtid_binlog_pos' : '@@GLOBAL.gtid_executed';
    const [row] = await this.root.query(`SELECT ${variable}`);
    return (row?.[0] ?? '').replace(/\s+/g, '');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.root.execute(`DROP DATABASE IF EXISTS ${this.database}`).catch(() => undefined);
    await this.root[Symbol.asyncDispose]();
  }
}

/** Images are reused from row to row. */
function copyOf(image: RowImage): RowImage {
  return {
    buffer: Buffer.from(image.buffer),
    offsets: image.offsets.slice(),
    lengths: image.lengths.slice(),
    states: image.states.slice(),
  };
}
