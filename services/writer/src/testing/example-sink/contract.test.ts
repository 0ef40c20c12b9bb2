import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, test } from '@jest/globals';
import { silentLogger } from '@tapline/kernel';
import {
  contractCases,
  NO_TABLES,
  neverAborted,
  type Row,
  type Sink,
  type SinkBench,
  SUITE_TOPIC,
} from '@tapline/sink';
import { sqliteSink } from './index.ts';
import { placeOf, texts } from './sink.ts';

/** One file, looked into past the sink. */
class SqliteBench implements SinkBench {
  readonly #file: string;
  readonly #eyes: DatabaseSync;

  private constructor(file: string) {
    this.#file = file;
    this.#eyes = new DatabaseSync(file, { timeout: 5_000 });
  }

  /** The sink makes its table when it is opened. */
  static async make(file: string): Promise<SqliteBench> {
    const bench = new SqliteBench(file);
    await (await bench.open())[Symbol.asyncDispose]();
    return bench;
  }

  async open(): Promise<Sink> {
    const context = { name: 'contract', log: silentLogger, signal: neverAborted(), tables: NO_TABLES };
    return await sqliteSink.open({ file: this.#file }, context);
  }

  async read(key: Row): Promise<unknown> {
    const content = this.#row(key)?.['content'];
    return typeof content === 'string' ? JSON.parse(content) : undefined;
  }

  expected(row: Row): unknown {
    return texts(row);
  }

  async version(key: Row): Promise<bigint | undefined> {
    return this.#row(key)?.['version'] as bigint | undefined;
  }

  async spoil(key: Row): Promise<void> {
    const place = placeOf({ topic: SUITE_TOPIC, key }).replaceAll("'", "''");
    this.#eyes.exec(`CREATE TRIGGER spoilt BEFORE INSERT ON rows WHEN NEW.place = '${place}'
      BEGIN SELECT RAISE(ABORT, 'spoilt'); END`);
  }

  async mend(): Promise<void> {
    this.#eyes.exec('DROP TRIGGER spoilt');
  }

  async refuseWrites(): Promise<AsyncDisposable> {
    this.#eyes.exec('BEGIN IMMEDIATE');
    return {
      [Symbol.asyncDispose]: async () => {
        this.#eyes.exec('ROLLBACK');
      },
    };
  }

  close(): void {
    this.#eyes.close();
  }

  #row(key: Row): Record<string, unknown> | undefined {
    const statement = this.#eyes.prepare('SELECT version, content FROM rows WHERE place = ?');
    statement.setReadBigInts(true);
    return statement.get(placeOf({ topic: SUITE_TOPIC, key }));
  }
}

/** What the store cannot have, with the reason. */
const without = {
  interrupt: 'a file has no connection that could be taken away',
  stall: 'and none that could be held back',
  partialRows: 'a row is one text of JSON, which is written whole',
};

describe('sqlite', () => {
  let folder = '';
  let files = 0;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'tapline-sqlite-'));
  });
  afterAll(() => {
    rmSync(folder, { recursive: true });
  });

  test.each(contractCases(without))('$name', async (one) => {
    const bench = await SqliteBench.make(join(folder, `${++files}.db`));
    try {
      await one.run(bench);
    } finally {
      bench.close();
    }
  });
});
