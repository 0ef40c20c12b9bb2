import type { BinlogPosition } from '@tapline/binlog';
import type { ProgressRecord, SnapshotProgress } from '../progress/record.ts';
import { keyText } from '../publish/publisher.ts';
import { readKeys } from '../resume/reopen.ts';
import type { SessionEvents } from '../session-facts.ts';
import type { SessionParts } from '../session-parts.ts';
import { SnapshotLoader } from './loader.ts';
import { MysqlChunkSource, tableName } from './mysql-source.ts';
import { SnapshotReport } from './report.ts';

/** What the loader needs of the session it works in. */
export interface LoaderSession extends SessionEvents {
  /** The progress record of this moment, with the load as given. */
  describe(snapshot: SnapshotProgress): ProgressRecord;
  /** Where the stream is. */
  position(): BinlogPosition;
  readonly signal: AbortSignal;
}

/** The load of the captured tables, from where the progress record says on. */
export async function openLoader(
  parts: SessionParts,
  session: LoaderSession,
): Promise<{ loader: SnapshotLoader; report: SnapshotReport }> {
  const { config, kafka, publisher, routes, producer, checkpointer, log, snapshot: progress } = parts;
  const { keys, info, address } = parts.source;
  const { signal } = session;
  const tables = parts.source.tables.filter((table) => keys.columnsOf(table) !== undefined);
  for (const table of parts.source.tables) {
    if (!tables.includes(table))
      log.warn('the first load leaves out a table without a key', { table: `${table.database}.${table.name}` });
  }
  const { chunkRows, chunkBytes } = config.snapshot;
  const source = parts.resources.use(
    new MysqlChunkSource({ address, flavor: info.flavor, routes, tables, chunkRows, chunkBytes }),
  );
  const report = await SnapshotReport.open({ address, tables, finished: progress.finished, log, signal });
  const loader = new SnapshotLoader({
    tables: tables.map(tableName),
    progress,
    source,
    publishedKeys: await readKeys(progress.published, keyText, { kafka, signal }),
    target: {
      keyOf: (table, row) => publisher.keyOf(routes.ofTable(table), row),
      publish: (table, row, columns) => publisher.snapshotRow(routes.ofTable(table), row, columns),
      room: () => producer.room(),
    },
    checkpoint: async (next) => {
      await checkpointer.now(session.describe(next));
      if (next.publishing) publisher.beginChunk(session.position(), Date.now());
    },
    onChunk: (table, rows, finished) => {
      session.snapshotRows(table, rows);
      report.chunk(table, rows, finished);
    },
    signal,
  });
  return { loader, report };
}
