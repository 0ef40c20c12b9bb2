import { randomInt } from 'node:crypto';
import { type BinlogEvent, type BinlogStream, GtidSet, MariadbPosition, openBinlogStream } from '@tapline/binlog';
import type { MysqlConnection } from '@tapline/mysql';

/** Reads what a server has just written to its binlog, in step with the statements that wrote it. */
export class BinlogFollower implements AsyncDisposable {
  readonly #connection: MysqlConnection;
  readonly #stream: BinlogStream;
  readonly #seen: Pick<GtidSet, 'add'> & { includes(other: never): boolean };
  #gtid = '';

  private constructor(connection: MysqlConnection, stream: BinlogStream, start: string) {
    this.#connection = connection;
    this.#stream = stream;
    this.#seen = positionOf(connection, start);
  }

  static async open(connection: MysqlConnection): Promise<BinlogFollower> {
    const start = await committed(connection);
    const { address, flavor } = connection;
    const stream = await openBinlogStream(
      {
        address,
        flavor,
        serverId: randomInt(100_000, 2 ** 32),
        start: { gtidSet: start },
        wants: (database) => database !== 'mysql',
        bufferBytes: 1 << 20,
        // Silence for four times as long would end it, on a machine that is busy with others too.
        heartbeatMs: 60_000,
      },
      new AbortController().signal,
    );
    return new BinlogFollower(connection, stream, start);
  }

  /** Gives `each` all events up to what the server has committed by now. */
  async catchUp(each: (event: BinlogEvent) => void): Promise<void> {
    const target = positionOf(this.#connection, await committed(this.#connection));
    while (!this.#seen.includes(target as never)) {
      for (const event of await this.#stream.pull()) {
        each(event);
        if (event.kind === 'begin') this.#gtid = event.gtid;
        else if (event.kind === 'commit') this.#seen.add(this.#gtid);
        else if (event.kind === 'prepared' || (event.kind === 'statement' && !event.inTransaction)) {
          this.#seen.add(event.gtid);
        }
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stream[Symbol.asyncDispose]();
  }
}

function positionOf({ flavor }: MysqlConnection, text: string): GtidSet | MariadbPosition {
  return flavor === 'mysql' ? GtidSet.parse(text) : MariadbPosition.parse(text);
}

async function committed(connection: MysqlConnection): Promise<string> {
  const variable = connection.flavor === 'mysql' ? '@@GLOBAL.gtid_executed' : '@@GLOBAL.gtid_binlog_pos';
  const [row] = await connection.query(`SELECT ${variable}`);
  return (row?.[0] ?? '').replaceAll(/\s/g, '');
}
