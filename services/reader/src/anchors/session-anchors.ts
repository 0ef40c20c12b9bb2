import type { RowsEvent, TableMap } from '@tapline/binlog';
import { type Logger, sleep, TaplineError } from '@tapline/kernel';
import type { MysqlAddress } from '@tapline/mysql';
import type { ReaderConfig } from '../config.ts';
import type { TopicBook } from '../publish/topic-book.ts';
import type { VersionClock } from '../publish/version-clock.ts';
import type { Executed, Tracking } from '../source/executed.ts';
import { type Anchor, AnchorBook } from './anchor-book.ts';
import type { AnchorReplay } from './anchor-replay.ts';
import { type AnchorId, AnchorSight } from './anchor-table.ts';
import { AnchorWriter } from './anchor-writer.ts';

/** What is told of the anchors in /state. */
export interface AnchorFacts {
  /** off: none are wanted here. refused: they are, and cannot be written. failing: for now. */
  readonly state: 'off' | 'writing' | 'failing' | 'refused';
  readonly trouble?: string;
  /** The number of the newest one that the stream has passed. */
  readonly passed?: string;
  /** From writing an anchor to the acknowledgement of everything in front of it; undefined when none are written. */
  readonly roundTripSeconds?: number;
}

interface AnchorParts {
  readonly config: ReaderConfig;
  readonly tracking: Tracking;
  readonly server: MysqlAddress;
  /** Of the progress record. */
  readonly anchors: readonly Anchor[];
  readonly replay: AnchorReplay | undefined;
  readonly book: TopicBook;
  readonly clock: VersionClock;
  /** Resolves when everything sent by now is acknowledged. */
  acknowledged(): Promise<unknown>;
  readonly log: Logger;
  readonly resources: AsyncDisposableStack;
  readonly signal: AbortSignal;
}

/** How long a commit may take from the binlog to what a SELECT sees, where no anchor can tell. */
const COMMIT_MS = 100;

/** The anchors of one session: written, seen, remembered for the progress record, and replayed from. */
export class SessionAnchors {
  readonly #parts: AnchorParts;
  readonly #writer: AnchorWriter | undefined;
  readonly #refusal: TaplineError | undefined;
  readonly #sight: AnchorSight;
  /** Undefined where GTIDs make them needless. */
  readonly #book: AnchorBook | undefined;
  #seen: AnchorId | undefined;
  #passed: AnchorId | undefined;

  private constructor(parts: AnchorParts, writer: AnchorWriter | undefined, refusal: TaplineError | undefined) {
    this.#parts = parts;
    this.#writer = writer;
    this.#refusal = refusal;
    this.#sight = new AnchorSight(parts.config.name);
    if (parts.tracking === 'file') this.#book = new AnchorBook(parts.anchors, () => parts.book.counts());
  }

  /** @throws TaplineError of the writer, when anchors are `on`; SOURCE_UNREACHABLE. */
  static async open(parts: AnchorParts): Promise<SessionAnchors> {
    const { config, tracking, anchors, server, log, resources, signal } = parts;
    const { enabled } = config.source.anchors;
    if (enabled === 'off' || (enabled === 'auto' && tracking !== 'file')) {
      return new SessionAnchors(parts, undefined, undefined);
    }
    try {
      const writer = await AnchorWriter.open({ config, server, above: anchors[0]?.id ?? 0n, log, signal });
      return new SessionAnchors(parts, resources.use(writer), undefined);
    } catch (error) {
      if (enabled === 'on' || !(error instanceof TaplineError) || error.code === 'SOURCE_UNREACHABLE') throw error;
      log.warn('no anchors are written: this source can be followed on this server only', { error });
      return new SessionAnchors(parts, undefined, error);
    }
  }

  /** Whether the rows of this table are anchors, which are not published. */
  isAnchor(table: TableMap): boolean {
    return this.#sight.isOf(table);
  }

  saw(event: RowsEvent): void {
    this.#seen = this.#sight.read(event) ?? this.#seen;
  }

  /** Before each transaction. */
  atBegin(): void {
    this.#parts.replay?.atBegin(this.#parts.clock);
  }

  /** At the end of each transaction. `schemaVersion`: of the history here. `exact`: a record of this place would leave nothing out. */
  atEnd(schemaVersion: number, exact: boolean): void {
    const seen = this.#seen;
    if (seen === undefined) return;
    this.#seen = undefined;
    this.#passed = seen;
    if (exact) this.#book?.pass({ ...seen, version: this.#parts.clock.last, schemaVersion });
    const { roundTrip } = this.#writer ?? {};
    // A failure ends the session by itself.
    if (roundTrip !== undefined)
      this.#parts.acknowledged().then(
        () => roundTrip.returned(seen.id),
        () => undefined,
      );
  }

  /** Between two transactions. @throws TaplineError SOURCE_LOST_TAIL. */
  atBoundary(executed: Executed): Promise<void> | undefined {
    return this.#parts.replay?.atBoundary(executed);
  }

  /** No progress record may be written now: the replay from an anchor is not through. */
  get holdsProgress(): boolean {
    return this.#parts.replay?.holdsProgress ?? false;
  }

  /** For a progress record of this moment. `isLoad`: rows that are no changes follow, in front of which no count can begin. */
  describe(isLoad: boolean): readonly Anchor[] {
    if (isLoad) this.#book?.clear();
    return this.#book?.describe() ?? [];
  }

  /** Resolves when a SELECT sees everything that was in the binlog at the call. */
  async settle(): Promise<void> {
    if (this.#writer === undefined) await sleep(COMMIT_MS, this.#parts.signal);
    else await this.#writer.commit();
  }

  get facts(): AnchorFacts {
    const trouble = this.#writer?.trouble ?? this.#refusal;
    const passed = this.#passed ?? this.#book?.newest;
    return {
      state: this.#state(trouble),
      ...(trouble === undefined ? {} : { trouble: `${trouble.code}: ${trouble.message}` }),
      ...(passed === undefined ? {} : { passed: String(passed.id) }),
      ...(this.#writer === undefined ? {} : { roundTripSeconds: this.#writer.roundTrip.seconds }),
    };
  }

  #state(trouble: TaplineError | undefined): AnchorFacts['state'] {
    if (this.#refusal !== undefined) return 'refused';
    if (this.#writer === undefined) return 'off';
    return trouble === undefined ? 'writing' : 'failing';
  }
}
