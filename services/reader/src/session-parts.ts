import { type BinlogPosition, type BinlogStream, openBinlogStream, withoutLargeTransactions } from '@tapline/binlog';
import type { Kafka, OrderedProducer } from '@tapline/kafka';
import type { AdminAnswer, Logger } from '@tapline/kernel';
import { withFills } from '@tapline/schema';
import { isAnchorTable } from './anchors/anchor-table.ts';
import { openReplay } from './anchors/open-replay.ts';
import { SessionAnchors } from './anchors/session-anchors.ts';
import { withNewTables } from './captured/new-tables.ts';
import type { ReaderConfig } from './config.ts';
import type { FailoverMemory } from './failover/memory.ts';
import { PassedTrace } from './failover/passed-trace.ts';
import { begunAnew } from './failover/policy.ts';
import { ServerWatch } from './failover/server-watch.ts';
import { type Settled, settleOnServer } from './failover/settle.ts';
import { tellWhatStays } from './failover/staying.ts';
import type { Life } from './fencing/life.ts';
import type { LifeKeeper } from './fencing/life-keeper.ts';
import { CatalogCheck } from './history/catalog-check.ts';
import { approveForm } from './history/form-change.ts';
import { historyTopicOf } from './history/history-topic.ts';
import { answerSchema } from './history/http.ts';
import { openHistory } from './history/open-history.ts';
import type { SchemaHistory } from './history/schema-history.ts';
import { tableOfRow } from './history/table-of-row.ts';
import { Checkpointer } from './progress/checkpointer.ts';
import type { ProgressRecord } from './progress/record.ts';
import { loadOf, type SnapshotProgress } from './progress/snapshot-progress.ts';
import { openFormat, requireFormat } from './publish/format.ts';
import { Oversize } from './publish/oversize.ts';
import { Publisher } from './publish/publisher.ts';
import { Routes } from './publish/routes.ts';
import type { TopicBook } from './publish/topic-book.ts';
import { TopicMaker } from './publish/topic-maker.ts';
import { ensureTopics, TopicOpener } from './publish/topic-opener.ts';
import { originReader, TransactionTopic, withoutUnusedTopic } from './publish/transaction-topic.ts';
import { VersionClock } from './publish/version-clock.ts';
import { firstStart } from './resume/first-start.ts';
import { takeOverTopics } from './resume/lost-progress.ts';
import { reopen } from './resume/reopen.ts';
import { configOfTail, isOtherConfig, replayConfigOf } from './resume/replay-config.ts';
import { readTails } from './resume/tails.ts';
import { tableName } from './snapshot/mysql-source.ts';
import { type Executed, executedOf, parseExecuted, placeOf, startOf } from './source/executed.ts';
import { openSource, type Source } from './source/open-source.ts';
import { serverIdOf } from './source/server-id.ts';
import { SkippedOrigins } from './source/skipped-origins.ts';

/** How often the server is asked whether it still has what came from it. */
const WATCH_MS = 2000;

/** What a session works with, all of it open and at the place where the life before ended. */
export interface SessionParts {
  /** Owns everything here that must be closed. */
  readonly resources: AsyncDisposableStack;
  readonly config: ReaderConfig;
  /** The configuration is an earlier one: for as long as there is something to be met again. */
  readonly isTail: boolean;
  readonly log: Logger;
  readonly source: Source;
  readonly origins: SkippedOrigins;
  readonly kafka: Kafka;
  readonly life: Life;
  readonly producer: OrderedProducer;
  readonly checkpointer: Checkpointer;
  readonly book: TopicBook;
  readonly clock: VersionClock;
  readonly trace: PassedTrace;
  /** Rejects when the server is not any more what it was. */
  readonly failed: Promise<never>;
  readonly oversize: Oversize;
  readonly publisher: Publisher;
  readonly routes: Routes;
  readonly history: SchemaHistory;
  readonly anchors: SessionAnchors;
  readonly catalogCheck: CatalogCheck;
  readonly answerSchema: (url: URL) => Promise<AdminAnswer>;
  readonly executed: Executed;
  /** What the stream starts after; a place in the files, without GTIDs. */
  readonly gtidSet: string;
  /** As in the progress record. */
  readonly startAfter: string;
  readonly xaFrom: string | null;
  readonly snapshot: SnapshotProgress;
  readonly stream: BinlogStream;
  readonly start: BinlogPosition;
}

/**
 * Connects to everything, finds where to go on, and opens the stream there.
 *
 * @throws TaplineError of the source, Kafka, the registry, or of what the progress record and the topics say.
 */
export async function openSessionParts(
  asked: ReaderConfig,
  log: Logger,
  memory: FailoverMemory,
  lives: LifeKeeper,
  signal: AbortSignal,
): Promise<SessionParts> {
  await using opened = new AsyncDisposableStack();
  const { kafka, life } = await lives.take(signal);
  const declare = (names: readonly string[]): Promise<void> => life.written.declare(names);
  const producer = opened.use(kafka.producer({ ...asked.kafka, life: life.fence, declare }));
  const format = await openFormat(asked, { kafka, log, resources: opened, signal });

  const kept = life.kept && withoutUnusedTopic(asked, life.kept);
  if (kept !== undefined) requireFormat(asked, kept.keyFormat);
  const tailParts = { kafka, life, originOf: originReader(asked, format), signal };
  const tails = kept && (await readTails(kept, tailParts));
  const settled = await settleOnServer({ config: asked, log, memory, record: kept, tails, ...tailParts });
  const hasTail = (settled.tails?.ranges.length ?? 0) > 0 || settled.replay !== undefined;
  const earlier = hasTail ? configOfTail(asked, kept?.replay) : undefined;
  const isTail = earlier !== undefined;
  const config = earlier ?? asked;
  const source = await openSource(settled.address, config, { isTail, log, signal });
  if (settled.lost !== undefined) tellWhatStays(settled.lost, source, log);
  const later = isTail ? [] : await ensureTopics(config, source, kafka, signal);
  const record = settled.record ?? (await begin({ config, source, kafka, life, log, signal }, settled.anew));
  const found = settled.tails ?? (await readTails(record, tailParts));
  const replay =
    settled.replay && (await openReplay(settled.replay, { kafka, tails: found, server: source, log, signal }));
  const { book, snapshot: recorded, publishedRows } = reopen(record, found, producer, replay);
  replay?.witness.begins(book);
  const snapshot = isTail ? recorded : withNewTables(recorded, { config, record, source, log });
  // Changes behind an anchor are counted under one configuration.
  const passed = isOtherConfig(config, record.replay) ? [] : record.anchors;
  const executed = parseExecuted(source.tracking, executedOf(record));
  const origins = new SkippedOrigins(config.source.skipOrigins);
  const { history, startAfter } = await openHistory({
    config,
    source,
    kafka,
    producer,
    record,
    isFirst: settled.record === undefined,
    executed: () => executed.toString(),
    altered: ({ database, name }) => routes.forget(database, name),
    isPassedOver: (sql) => origins.made(sql),
    barrierOf: (changes) => {
      const topics = changes.flatMap((change) => routes.topicsOf(change, change.topic));
      return Object.fromEntries(topics.map((topic) => [topic, book.nextOf(topic)]));
    },
    approve: (change) =>
      approveForm(change, {
        config: config.history,
        formOf: (table) => routes.formOf(table),
        isUsed: (topic) => book.get(topic)?.next.some((next) => next > 0) ?? false,
      }),
    log,
    signal,
  });
  const clock = new VersionClock(record.version);
  clock.skip(publishedRows);

  const checkpointer = new Checkpointer({
    acknowledged: () => producer.mark(),
    save: (next) => life.save(next, signal),
    intervalMs: config.progress.intervalMs,
  });
  // Durable before the first record is published: it says below which offsets nothing of this source's life stands.
  await checkpointer.now({
    ...(settled.replay?.from ?? {
      ...record,
      schemaVersion: history.version,
      startAfter,
      offsets: book.offsets(),
      version: clock.last,
      anchors: passed,
    }),
    snapshot,
    replay: replayConfigOf(config),
    fences: life.fences(book.gaps()),
    writtenMs: Date.now(),
  });
  const topics = new TopicOpener({ config, kafka, producer, book, checkpointer, signal });
  const routes = new Routes({
    source: config.name,
    flavor: source.info.flavor,
    describe: async (layout) => {
      await history.durable();
      return tableOfRow(layout, history, source);
    },
    completed: (table) => withFills(table, history.catalog.table(table)?.columns ?? []),
    topicNumber: (table) => history.topicNumber(table),
    keys: source.keys,
    shape: source.shape,
    rowImage: config.source.rowImage,
    format,
    topics,
  });
  const oversize = await Oversize.open({ config, kafka, producer, signal });
  const { tracking } = source;
  const publisher = new Publisher({
    producer,
    clock,
    versionsBy: source.info.flavor === 'mariadb' ? 'row' : 'commit',
    oversize,
    transactions: await TransactionTopic.open({ config, tracking, topics, format, producer, clock }),
    tombstones: config.topics.tombstones,
    beforeImage: config.beforeImage === 'full',
  });
  const anchors = await SessionAnchors.open({
    config,
    tracking: source.tracking,
    server: source.address,
    anchors: passed,
    replay: replay?.witness,
    book,
    clock,
    acknowledged: () => producer.mark(),
    log,
    resources: opened,
    signal,
  });
  const { maxBytes, oversize: large, only } = config.transactions;
  const whole = await openBinlogStream(
    {
      address: source.address,
      serverId: serverIdOf(config),
      flavor: source.info.flavor,
      start: startOf(record),
      wants: (database, table) =>
        source.filter.matches(database, table) || isAnchorTable(database, table) || origins.wants(table),
      bufferBytes: config.source.bufferBytes,
      spillFolder: config.source.spillFolder,
      heartbeatMs: config.source.heartbeatMs,
    },
    signal,
  );
  const deletesOnly = only === 'deletes';
  const { spillFolder } = config.source;
  const stream = opened.use(
    large === 'publish' || maxBytes === 0
      ? whole
      : withoutLargeTransactions(whole, { maxBytes, deletesOnly, spillFolder }),
  );
  // Places in files are known again by the stream itself.
  const watch =
    source.tracking === 'file'
      ? undefined
      : opened.use(
          new ServerWatch({ address: source.address, passed: () => executed.toString(), everyMs: WATCH_MS, signal }),
        );
  const maker = opened.use(new TopicMaker(later, { topics: kafka.topics, log, signal }));
  return {
    resources: opened.move(),
    config,
    isTail,
    log,
    source,
    origins,
    kafka,
    life,
    producer,
    checkpointer,
    book,
    clock,
    trace: new PassedTrace(record, source.tracking, clock),
    failed: Promise.race([producer.failed, maker.failed, ...(watch === undefined ? [] : [watch.failed])]),
    oversize,
    publisher,
    routes,
    history,
    anchors,
    catalogCheck: new CatalogCheck({
      history,
      source,
      policy: config.history.drift,
      afterMs: config.history.checkAfterMs,
      log,
      signal,
    }),
    answerSchema: (url) =>
      answerSchema(url, {
        topic: historyTopicOf(config.name),
        kafka,
        source,
        formOf: (table) => routes.formOf(table),
        isAvro: config.format.type === 'avro',
      }),
    executed,
    gtidSet: executedOf(record),
    startAfter,
    xaFrom: record.xaFrom,
    snapshot,
    stream,
    start: placeOf(record),
  };
}

/** The first record of a source, or of one that is begun anew. */
async function begin(
  parts: Parameters<typeof firstStart>[0] & { readonly life: Life },
  anew: Settled['anew'],
): Promise<ProgressRecord> {
  if (anew === undefined) {
    await takeOverTopics(parts.config, parts.source, parts);
    return await firstStart(parts);
  }
  // All tables are loaded as they are now: a start in the past would publish older values behind newer ones, if it is there at all.
  const config = { ...parts.config, start: { gtidSet: '', from: 'latest' } } as const;
  const fresh = await firstStart({ ...parts, config });
  return begunAnew(fresh, anew.before, anew.tails, loadOf(parts.source.tables.map(tableName)));
}
