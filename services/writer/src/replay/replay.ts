import { partitionName } from '@tapline/kafka';
import { anySignal, createMetrics, isAbort, type Logger, orAbort, sleep, TaplineError } from '@tapline/kernel';
import type { Engine } from '@tapline/sink';
import type { WriterConfig } from '../config.ts';
import { engineOf, openParking } from '../engine.ts';
import { WriterTools } from '../tools.ts';
import { topicsNow } from '../topics.ts';
import { Bookmark } from './bookmark.ts';
import { Feed } from './feed.ts';
import { chosenTopics, findRanges } from './find-ranges.ts';
import { LiveWriter } from './live-writer.ts';
import { type Range, recordsAtMost, type TimedRange, timed } from './range.ts';
import { openSecondTarget, type SecondTarget } from './second-target.ts';
import { replayStart } from './start.ts';
import { targetText } from './target-text.ts';

export interface ReplayOptions {
  /** As `--from` has it. Default `earliest`. */
  readonly from?: string;
  /** As `--tables` has them. Default: all of the writer's topics. */
  readonly tables?: readonly string[];
  /** Goes on with an unfinished replay, if there is one. */
  readonly resume?: boolean;
  /** Forgets an unfinished replay. */
  readonly restart?: boolean;
  /** Default 0: as fast as it goes. */
  readonly recordsPerSecond?: number;
  /** Fills a second target of this name, as `--into` has it. */
  readonly into?: string | undefined;
  /** Then exchanges the two. */
  readonly swap?: boolean | undefined;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

/** What a replay would do. */
export interface ReplayPlan {
  /** The consumer group that holds how far it has come. */
  readonly group: string;
  readonly asked: string;
  /** It goes on where an earlier one was ended. */
  readonly resumed: boolean;
  readonly ranges: readonly TimedRange[];
  /** Records to read, at most. */
  readonly recordsAtMost: number;
  readonly target: string;
  /** What is exchanged at the end. */
  readonly exchange: string | undefined;
}

/** How far a replay is. */
export interface ReplayProgress {
  /** Offsets passed, of `total`. */
  readonly passed: number;
  /** It grows while a second target follows the writer. */
  readonly total: number;
  readonly applied: number;
  /** The store had them already, or newer ones. */
  readonly stale: number;
  readonly filtered: number;
  readonly deadLetters: number;
  /** Why it does not go on at the moment. */
  readonly waiting: { readonly code: string; readonly message: string } | undefined;
}

export interface ReplayResult extends ReplayProgress {
  /** False: it was stopped before its end, and may be gone on with. */
  readonly finished: boolean;
  /** What is where now, if something was exchanged. */
  readonly exchanged: readonly string[];
}

const PROGRESS_MS = 1000;
/** A second target that followed the writer's last steps in this time is near enough for the exchange, which the writer has to wait for. */
const NEAR_MS = 3000;
/** How long brokers may be away before the replay ends; it can be gone on with. */
const PATIENCE_MS = 120_000;

/**
 * Gives records of a writer's topics to its sink once more, beside the writer: from a place in the past up to the ends as they were at the beginning; what
 * comes after them is the writer's. The sink compares versions, so that nothing it has is taken back.
 *
 * Into a second target it follows the writer, never further than the writer itself has come. For the exchange it joins the writer's group and takes all of its partitions: the
 * writer's members settle, commit and wait. Then it gives the second target what is left up to these offsets, so that it holds just what the live one does; the two
 * are exchanged in one step of the store; and the partitions go back to the members, which go on from their offsets under the old name. Should this process die on the
 * way, the members go on after its session, and the next run finds out by the store whether the exchange was done. Rejected: to exchange first and to give the
 * rest afterwards, which needs no hold, but for whose while readers would see rows go back; and to write to both, which needs a writer that knows of both.
 */
export class Replay implements AsyncDisposable {
  readonly plan: ReplayPlan;
  readonly #tools: WriterTools;
  readonly #resources: AsyncDisposableStack;
  readonly #bookmark: Bookmark;
  readonly #options: ReplayOptions;
  readonly #second: SecondTarget | undefined;
  readonly #live: LiveWriter;
  /** By what is to be given of each partition now. */
  #ranges: readonly Range[];

  private constructor(
    tools: WriterTools,
    { bookmark, second, live }: { bookmark: Bookmark; second: SecondTarget | undefined; live: LiveWriter },
    plan: ReplayPlan,
    options: ReplayOptions,
    resources: AsyncDisposableStack,
  ) {
    this.#tools = tools;
    this.#resources = resources;
    this.#bookmark = bookmark;
    this.plan = plan;
    this.#second = second;
    this.#ranges = plan.ranges;
    this.#live = live;
    this.#options = options;
  }

  /**
   * Finds out what is to be done; nothing is written yet. `file`: the configuration's, from whose folder transform modules are found.
   *
   * @throws TaplineError CONFIG_INVALID, KAFKA_*, TOPIC_MISSING, REPLAY_PLACE, REPLAY_UNFINISHED, REPLAY_INTO.
   */
  static async open(config: WriterConfig, file: string | undefined, options: ReplayOptions): Promise<Replay> {
    const { signal, log, from = 'earliest' } = options;
    const start = replayStart(from, Date.now());
    checkInto(options);
    await using opened = new AsyncDisposableStack();
    const tools = opened.use(await WriterTools.open(config, file, signal, { patienceMs: PATIENCE_MS, log }));
    const { kafka } = tools;
    const bookmark = new Bookmark(kafka.offsets(`${config.name}.replay.${options.into ?? 'live'}`), signal);
    const unfinished = options.restart ? undefined : await bookmark.find();
    if (unfinished !== undefined && !options.resume) {
      throw new TaplineError('REPLAY_UNFINISHED', {
        message: `A replay of ${config.name} from ${unfinished.asked} was begun and is not finished, or runs still.`,
      });
    }
    const topics = chosenTopics(await topicsNow(kafka, config.source.topics, signal), options.tables ?? []);
    const { into, swap = false } = options;
    const wanted = await findRanges(kafka, topics, start, signal);
    const live = new LiveWriter(config, kafka, signal);
    const ranges = unfinished?.ranges ?? (swap ? await live.beyond([]) : wanted);
    const second =
      into === undefined ? undefined : await openSecondTarget(config.sink, into, { writer: config.name, log, signal });
    opened.use(second?.exchange);
    const plan = {
      group: bookmark.group,
      asked: unfinished?.asked ?? from,
      resumed: unfinished !== undefined,
      ranges: await timed(ranges, kafka, signal),
      recordsAtMost: ranges.reduce((sum, range) => sum + recordsAtMost(range), 0),
      target: targetText(second?.sink ?? config.sink),
      exchange: swap ? second?.exchange.text : undefined,
    };
    return new Replay(tools, { bookmark, second, live }, plan, options, opened.move());
  }

  /**
   * Runs to the end, or until `stop`. Killed at any moment it may be gone on with.
   *
   * @throws TaplineError what ends it: a record that can never be applied (with `onError: stop`), a sink or brokers that are not there.
   */
  async run(stop: AbortSignal, told: (progress: ReplayProgress) => void): Promise<ReplayResult> {
    const { kafka, config, pipeline } = this.#tools;
    const { log, recordsPerSecond = 0, signal } = this.#options;
    const isExchanged = (await this.#second?.exchange.prepare(this.plan.resumed, signal)) === 'exchanged';
    const sink = await this.#tools.openSink(signal, this.#second?.sink);
    await using parking = await openParking(config, kafka, signal);
    const metrics = createMetrics('replay');
    const engine = engineOf(config, { sink, decode: pipeline.decode, parking, log, metrics });
    const over = new AbortController();
    const ending = anySignal(stop, over.signal);
    try {
      await this.#bookmark.begin(this.#ranges, this.plan.asked);
      await engine.assign(this.#ranges);
      const feed = new Feed({ reader: kafka.reader, engine, recordsPerSecond, signal: ending });
      const beside = this.#keepTold(engine, told, ending);
      const work = isExchanged ? Promise.resolve(['the two were exchanged already']) : this.#work(feed, engine);
      const exchanged = await doneOrStopped(work, engine, stop);
      over.abort();
      await beside;
      if (exchanged === undefined) await engine.drain();
      await this.#save(engine);
      if (exchanged !== undefined) await this.#finish();
      return { ...this.#progress(engine), finished: exchanged !== undefined, exchanged: exchanged ?? [] };
    } finally {
      over.abort();
      engine.abort();
    }
  }

  /** Gives what there is to give. Says what was exchanged. */
  async #work(feed: Feed, engine: Engine): Promise<readonly string[]> {
    await feed.give(this.#ranges);
    const { swap = false, signal } = this.#options;
    if (this.#second === undefined || !swap) return [];
    let startMs: number;
    do {
      startMs = performance.now();
      await this.#follow(feed, engine);
    } while (performance.now() - startMs > NEAR_MS);
    await using hold = await this.#live.hold(this.#ranges);
    await this.#follow(feed, engine);
    this.#options.log.info('the writer waits for the exchange', { partitions: hold.assigned.length });
    return await this.#second.exchange.exchange(signal);
  }

  /** Gives what the writer has applied since the last look. */
  async #follow(feed: Feed, engine: Engine): Promise<void> {
    const ranges = await this.#live.beyond(this.#ranges);
    const known = new Set(this.#ranges.map(partitionName));
    const fresh = ranges.filter((range) => !known.has(partitionName(range)));
    if (fresh.length > 0) await engine.assign(fresh);
    this.#ranges = ranges;
    this.#bookmark.note(ranges, this.plan.asked);
    await feed.give(ranges);
  }

  async #finish(): Promise<void> {
    const { swap = false, signal, log } = this.#options;
    // A second target that is not exchanged yet may be: then the replay goes on from here.
    if (this.#second !== undefined && !swap) return;
    await this.#bookmark.remove();
    await this.#second?.exchange.settled(signal);
    log.info('replay finished', { group: this.plan.group });
  }

  #progress(engine: Engine): ReplayProgress {
    return progressOf(engine, new Map(this.plan.ranges.map((range) => [partitionName(range), range])), this.#ranges);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#resources.disposeAsync();
  }

  /** Makes durable how far it has come, and says it, again and again. */
  async #keepTold(engine: Engine, told: (progress: ReplayProgress) => void, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await sleep(PROGRESS_MS, signal).catch(() => undefined);
      if (signal.aborted) return;
      await this.#save(engine).catch((error: unknown) => {
        this.#options.log.warn('how far the replay has come was not stored; it will be again', { error });
      });
      told(this.#progress(engine));
    }
  }

  async #save(engine: Engine): Promise<void> {
    const offsets = engine.uncommitted();
    if (offsets.length === 0) return;
    await this.#bookmark.save(offsets);
    engine.committed(offsets);
  }
}

/** A second target is built from all there is. @throws TaplineError CONFIG_INVALID. */
function checkInto({ into, swap = false, from = 'earliest', tables = [] }: ReplayOptions): void {
  const wrong = (message: string): TaplineError => new TaplineError('CONFIG_INVALID', { message });
  if (into === undefined && swap)
    throw wrong('--swap needs --into: the name of what is to be exchanged with the live target.');
  if (into === undefined) return;
  if (!/^[A-Za-z0-9._-]{1,64}$/.test(into) || into === 'live')
    throw wrong(`--into ${into}: letters, digits, dot, dash and underscore, at most 64, and not live.`);
  if (from !== 'earliest' || tables.length > 0)
    throw wrong('--into fills a target from the beginning, with all tables: it goes without --from and --tables.');
}

/** undefined when it was stopped. @throws what stopped the engine, or the work. */
async function doneOrStopped<T>(work: Promise<T>, engine: Engine, stop: AbortSignal): Promise<T | undefined> {
  work.catch(() => undefined);
  try {
    return await orAbort(Promise.race([work, engine.stopped]), stop);
  } catch (error) {
    if (isAbort(error, stop)) return undefined;
    throw error;
  }
}

/** `first`: where each partition began in this run. */
function progressOf(engine: Engine, first: ReadonlyMap<string, Range>, ranges: readonly Range[]): ReplayProgress {
  const { counts, partitions, error } = engine.describe() as unknown as Described;
  const { applied, stale, filtered, deadLetters } = counts;
  const below = new Map(partitions.map((partition) => [partitionName(partition), partition.appliedBelow]));
  let passed = 0;
  let total = 0;
  for (const range of ranges) {
    const start = Number((first.get(partitionName(range)) ?? range).position);
    total += Number(range.to) - start;
    passed += Math.max(0, (below.get(partitionName(range)) ?? 0) - start);
  }
  const waiting = error === undefined ? undefined : { code: error.code, message: error.message };
  return { passed, total, applied, stale, filtered, deadLetters, waiting };
}

/** What is used of what an engine says of itself. */
interface Described {
  readonly counts: Record<'applied' | 'stale' | 'filtered' | 'deadLetters', number>;
  readonly partitions: readonly { readonly topic: string; readonly partition: number; readonly appliedBelow: number }[];
  readonly error?: { readonly code: string; readonly message: string };
}
