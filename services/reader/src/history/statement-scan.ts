import {
  type BinlogPosition,
  type BinlogStart,
  type BinlogStream,
  FilePosition,
  openBinlogStream,
} from '@tapline/binlog';
import { dialectOf, type HistoryPlace, readDdl } from '@tapline/schema';
import type { StatesParts } from './states-at.ts';
import { type Touch, touchOf } from './touch.ts';

/** A statement on tables or databases, and where it ends. */
export interface ScannedStatement {
  readonly at: HistoryPlace;
  readonly touch: Touch;
}

const HEARTBEAT_MS = 100;

/** Reads the statements of a part of the binlog, ahead of everything else: its rows are passed over undecoded. */
export class StatementScan implements AsyncDisposable {
  readonly #stream: BinlogStream;
  readonly #dialect: StatesParts['dialect'];
  readonly #passed = FilePosition.parse('');
  /** In the order of the binlog. */
  readonly statements: ScannedStatement[] = [];

  private constructor(stream: BinlogStream, dialect: StatesParts['dialect']) {
    this.#stream = stream;
    this.#dialect = dialect;
  }

  /** Throws as `openBinlogStream` does. */
  static async open(start: BinlogStart, { source, dialect, serverId, signal }: StatesParts): Promise<StatementScan> {
    const stream = await openBinlogStream(
      {
        address: source.address,
        serverId,
        flavor: source.info.flavor,
        start,
        wants: () => false,
        bufferBytes: 1024 * 1024,
        heartbeatMs: HEARTBEAT_MS,
      },
      signal,
    );
    return new StatementScan(stream, dialect);
  }

  /** Reads on until everything in front of `end` is passed. */
  async upTo(end: BinlogPosition): Promise<void> {
    while (!this.#passed.contains('', end)) {
      for (const event of await this.#stream.pull()) {
        if (event.kind === 'commit' || event.kind === 'prepared' || event.kind === 'heartbeat') {
          this.#passed.add('', event.position);
        } else if (event.kind === 'statement') {
          if (!event.inTransaction) this.#passed.add('', event.position);
          const ddl = readDdl(event.sql, event.database, dialectOf(this.#dialect.server, event.session));
          if (ddl === undefined) continue;
          const { file, position } = event.position;
          const touch = touchOf(ddl, event.database);
          this.statements.push({ at: { gtid: event.gtid, file, position }, touch });
        }
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stream[Symbol.asyncDispose]();
  }
}
