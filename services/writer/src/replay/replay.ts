import { anySignal, createMetrics, isAbort, type Logger, orAbort, sleep, TaplineError } from '@tapline/kernel';
import type { Engine } from '@tapline/sink';
import type { WriterConfig } from '../config.ts';
import { engineOf, openParking } from '../engine.ts';
import { WriterTools } from '../tools.ts';
import { topicsNow } from '../topics.ts';
import { Bookmark } from './bookmark.ts';
import { Feed } from './feed.ts';
import { chosenTopics, findRanges } from './find-ranges.ts';
import { type Range, recordsAtMost, type TimedRange, timed } from './range.ts';
import { replayStart } from './start.ts';
import { targetText } from './target-text.ts';

export interface ReplayOptions {
  /** As `--from` has it. */
  readonly from: string;
  /** As `--tables` has them; none: all of the writer's topics. */
  readonly tables: readonly string[];
  /** Goes on with an unfinished replay, if there is one. */
  readonly resume: boolean;
  /** Forgets an unfinished replay. */
  readonly restart: boolean;
  /** 0: as fast as it goes. */
  readonly recordsPerSecond: number;
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
}

/** How far a replay is. */
export interface ReplayProgress {
  /** Offsets passed, of `recordsAtMost` of the plan. */
  readonly passed: number;
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
}

const PROGRESS_MS = 1000;
/** How long brokers may be away before the replay ends; it can be gone on with. */
const PATIENCE_MS = 120_000;

/**
 * Gives records of a writer's topics to its sink once more, beside the writer: from a place in the past up to the ends as they were at the beginning; what
 * comes after them is the writer's. The sink compares versions, so that nothing it has is taken back.
 */
export class Replay implements AsyncDisposable {
  readonly plan: ReplayPlan;
  readonly #tools: WriterTools;
  readonly #bookmark: Bookmark;
  readonly #options: ReplayOptions;

  private constructor(tools: WriterTools, bookmark: Bookmark, plan: ReplayPlan, options: ReplayOptions) {
    this.#tools = tools;
    this.#bookmark = bookmark;
    this.plan = plan;
    this.#options = options;
  }

  /**
   * Finds out what is to be done; nothing is written yet. `file`: the configuration's, from whose folder transform modules are found.
   *
   * @throws TaplineError CONFIG_INVALID, KAFKA_*, TOPIC_MISSING, REPLAY_PLACE, REPLAY_UNFINISHED.
   */
  static async open(config: WriterConfig, file: string | undefined, options: ReplayOptions): Promise<Replay> {
    const { signal, log } = options;
    const start = replayStart(options.from, Date.now());
    await using opened = new AsyncDisposableStack();
    const tools = opened.use(await WriterTools.open(config, file, signal, { patienceMs: PATIENCE_MS, log }));
    const { kafka } = tools;
    const bookmark = new Bookmark(kafka.offsets(`${config.name}.replay.live`), signal);
    const unfinished = options.restart ? undefined : await bookmark.find();
    if (unfinished !== undefined && !options.resume) {
      throw new TaplineError('REPLAY_UNFINISHED', {
        message: `A replay of ${config.name} from ${unfinished.asked} was begun and is not finished, or runs still.`,
      });
    }
    const topics = chosenTopics(await topicsNow(kafka, config.source.topics, signal), options.tables);
    const ranges = unfinished?.ranges ?? (await findRanges(kafka, topics, start, signal));
    const plan = {
      group: bookmark.group,
      asked: unfinished?.asked ?? options.from,
      resumed: unfinished !== undefined,
      ranges: await timed(ranges, kafka, signal),
      recordsAtMost: ranges.reduce((sum, range) => sum + recordsAtMost(range), 0),
      target: targetText(config.sink),
    };
    opened.move();
    return new Replay(tools, bookmark, plan, options);
  }

  /**
   * Runs to the end, or until `stop`. Killed at any moment it may be gone on with.
   *
   * @throws TaplineError what ends it: a record that can never be applied (with `onError: stop`), a sink or brokers that are not there.
   */
  async run(stop: AbortSignal, told: (progress: ReplayProgress) => void): Promise<ReplayResult> {
    const { ranges, asked, group } = this.plan;
    const { kafka, config, pipeline } = this.#tools;
    const { log, recordsPerSecond, signal } = this.#options;
    const sink = await this.#tools.openSink(signal);
    await using parking = await openParking(config, kafka, signal);
    const metrics = createMetrics('replay');
    const engine = engineOf(config, { sink, decode: pipeline.decode, parking, log, metrics });
    const over = new AbortController();
    const ending = anySignal(stop, over.signal);
    try {
      await this.#bookmark.begin(ranges, asked);
      await engine.assign(ranges);
      const feed = new Feed({ reader: kafka.reader, engine, recordsPerSecond, signal: ending });
      const beside = this.#keepTold(engine, told, ending);
      const finished = await settledOrStopped(feed.give(ranges), engine, stop);
      over.abort();
      await beside;
      if (!finished) await engine.drain();
      await this.#save(engine);
      if (finished) await this.#bookmark.remove();
      log.info(finished ? 'replay finished' : 'replay stopped', { group });
      return { ...progressOf(engine, ranges), finished };
    } finally {
      over.abort();
      engine.abort();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#tools[Symbol.asyncDispose]();
  }

  /** Makes durable how far it has come, and says it, again and again. */
  async #keepTold(engine: Engine, told: (progress: ReplayProgress) => void, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await sleep(PROGRESS_MS, signal).catch(() => undefined);
      if (signal.aborted) return;
      await this.#save(engine).catch((error: unknown) => {
        this.#options.log.warn('how far the replay has come was not stored; it will be again', { error });
      });
      told(progressOf(engine, this.plan.ranges));
    }
  }

  async #save(engine: Engine): Promise<void> {
    const offsets = engine.uncommitted();
    if (offsets.length === 0) return;
    await this.#bookmark.save(offsets);
    engine.committed(offsets);
  }
}

/** False when it was stopped. @throws what stopped the engine, or the reading. */
async function settledOrStopped(work: Promise<void>, engine: Engine, stop: AbortSignal): Promise<boolean> {
  work.catch(() => undefined);
  try {
    await orAbort(Promise.race([work, engine.stopped]), stop);
    return true;
  } catch (error) {
    if (isAbort(error, stop)) return false;
    throw error;
  }
}

function progressOf(engine: Engine, ranges: readonly Range[]): ReplayProgress {
  const { counts, partitions, error } = engine.describe() as unknown as Described;
  const { applied, stale, filtered, deadLetters } = counts;
  let passed = 0;
  for (const [index, { position }] of ranges.entries()) {
    passed += Math.max(0, (partitions[index]?.appliedBelow ?? 0) - Number(position));
  }
  const waiting = error === undefined ? undefined : { code: error.code, message: error.message };
  return { passed, applied, stale, filtered, deadLetters, waiting };
}

/** What is used of what an engine says of itself. */
interface Described {
  readonly counts: Record<'applied' | 'stale' | 'filtered' | 'deadLetters', number>;
  readonly partitions: readonly { readonly appliedBelow: number }[];
  readonly error?: { readonly code: string; readonly message: string };
}
