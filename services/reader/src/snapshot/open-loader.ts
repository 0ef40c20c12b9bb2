import type { BinlogPosition } from '@tapline/binlog';
import type { Table } from '@tapline/schema';
import type { ProgressRecord } from '../progress/record.ts';
import type { SnapshotProgress } from '../progress/snapshot-progress.ts';
import { keyText } from '../publish/publisher.ts';
import type { SessionEvents } from '../session-facts.ts';
import type { SessionParts } from '../session-parts.ts';
import type { StandingKey } from './deletes.ts';
import { readLeftovers } from './leftovers.ts';
import { type RowTarget, SnapshotLoader } from './loader.ts';
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

/** What loads tables: from where the progress record says on, and whatever is added later. */
export async function openLoader(
  parts: SessionParts,
  session: LoaderSession,
): Promise<{ loader: SnapshotLoader; report: SnapshotReport }> {
  const { config, kafka, publisher, routes, checkpointer, log, source } = parts;
  const { signal } = session;
  const { chunkRows, chunkBytes } = config.snapshot;
  const { keys, shape, tracking, address } = source;
  const isLoaded = (table: Table): boolean =>
    keys.columnsOf(table) !== undefined && shape.destinationOf(table).outbox === undefined;
  const chunks = parts.resources.use(
    new MysqlChunkSource({ address, tracking, routes, isLoaded, settle: () => parts.anchors.settle() }),
  );
  const progress = withAll(parts);
  const report = new SnapshotReport({ address, log, signal });
  const loader = new SnapshotLoader({
    progress,
    source: chunks,
    leftovers: await readLeftovers(progress.published, keyText, { kafka, signal }),
    limits: { rows: chunkRows, bytes: chunkBytes },
    target: targetOf(parts),
    checkpoint: async (next) => {
      await checkpointer.now(session.describe(next));
      if (next.publishing) publisher.beginChunk(session.position(), Date.now());
    },
    on: {
      chunk: (table, rows, deletes) => {
        session.snapshotRows(table, rows);
        report.chunk(table, rows, deletes);
      },
      finished: () => report.tableDone(),
      keyless: (table) =>
        log.warn('a table without a key, or an outbox, is not loaded: its topic has what changes from now on', {
          table,
        }),
    },
    signal,
  });
  report.add(progress.queue.map(({ table }) => table));
  return { loader, report };
}

/** The load as recorded; a record from before there was a queue leaves it to the source which tables wait. */
function withAll({ snapshot, source }: SessionParts): SnapshotProgress {
  const { allBut, ...progress } = snapshot;
  if (allBut === undefined) return progress;
  const known = new Set([...allBut, ...progress.queue.map(({ table }) => table)]);
  const others = source.tables.map(tableName).filter((table) => !known.has(table));
  return { ...progress, queue: [...progress.queue, ...others.map((table) => ({ table }))] };
}

function targetOf({ kafka, producer, publisher, routes, book }: SessionParts): RowTarget {
  const topicOf = (table: string): string => routes.topicOf(table);
  return {
    topicOf,
    // What other tables have written to a topic is not to be deleted because it is not in this one.
    ends: (table) => (routes.findTable(table)?.isShared ? [] : book.get(topicOf(table))?.next.map(BigInt)),
    keyOf: (table, row) => publisher.keyOf(routes.ofTable(table), row),
    publish: (table, row, columns) => publisher.snapshotRow(routes.ofTable(table), row, columns),
    delete(table, key, what) {
      const lanes = book.get(topicOf(table));
      if (lanes !== undefined) publisher.delete(lanes, routes.findTable(table), key, what);
    },
    async *records(table, to, signal) {
      const topic = topicOf(table);
      for (const [partition, end] of to.entries()) {
        if (end === 0n) continue;
        for await (const records of kafka.reader.read({ topic, partition, to: end, signal })) {
          yield records.flatMap(({ offset, key, value }): StandingKey[] =>
            key === null ? [] : [{ partition, offset, key, text: keyText(key), isRow: value !== null }],
          );
        }
      }
    },
    room: () => producer.room(),
    acknowledged: () => producer.mark(),
  };
}
