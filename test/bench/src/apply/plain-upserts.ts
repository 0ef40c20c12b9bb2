import type { MysqlServer } from '@tapline/test-stack';
import { rowOf, TABLE } from '../rows.ts';
import type { TurnTaker } from './turns.ts';

const ROWS_PER_STATEMENT = 500;

type Connection = Awaited<ReturnType<MysqlServer['connect']>>;

/** Plain upserts of 500 rows, made beforehand, one after the other on one connection, without versions and offsets. */
export class PlainUpserts implements TurnTaker, AsyncDisposable {
  readonly what = `plain upserts of ${ROWS_PER_STATEMENT} rows`;
  readonly processes: TurnTaker['processes'];
  readonly #connection: Connection;
  readonly #statements: readonly string[];
  readonly #rows: number;
  #next = 0;

  private constructor(server: MysqlServer, connection: Connection, rows: number) {
    this.processes = { mysql: server.process.pid };
    this.#connection = connection;
    this.#rows = rows;
    this.#statements = Array.from({ length: Math.ceil(rows / ROWS_PER_STATEMENT) }, (_, index) => {
      const from = index * ROWS_PER_STATEMENT + 1;
      return upsertStatement(from, Math.min(from + ROWS_PER_STATEMENT - 1, rows));
    });
  }

  /** `place`: a database with the table. */
  static async open(
    server: MysqlServer,
    { place, rows }: { readonly place: string; readonly rows: number },
  ): Promise<PlainUpserts> {
    return new PlainUpserts(server, await server.connect({ database: place }), rows);
  }

  get left(): number {
    return this.#rows - this.#done;
  }

  /** Writes the first rows. */
  async launch(rows: number): Promise<void> {
    await this.#while(() => this.#done < rows);
  }

  async work(ms: number): Promise<number> {
    const before = this.#done;
    const endMs = performance.now() + ms;
    await this.#while(() => performance.now() < endMs);
    return this.#done - before;
  }

  async finish(): Promise<void> {
    await this.#while(() => true);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#connection.end();
  }

  get #done(): number {
    return Math.min(this.#next * ROWS_PER_STATEMENT, this.#rows);
  }

  async #while(more: () => boolean): Promise<void> {
    while (more()) {
      const sql = this.#statements[this.#next];
      if (sql === undefined) return;
      await this.#connection.query(sql);
      this.#next++;
    }
  }
}

function upsertStatement(from: number, to: number): string {
  const values: string[] = [];
  for (let id = from; id <= to; id++) {
    const { k, c, pad } = rowOf(id);
    values.push(`(${id},${k},'${c}','${pad}')`);
  }
  return `INSERT INTO ${TABLE} (id, k, c, pad) VALUES ${values.join(',')} AS new ON DUPLICATE KEY UPDATE k = new.k, c = new.c, pad = new.pad`;
}
