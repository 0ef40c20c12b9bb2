import { FilePosition } from '@tapline/binlog';
import { type Logger, TaplineError } from '@tapline/kernel';
import { addressText, connect, type MysqlAddress, readBinlogEnd, readReplicationStatus } from '@tapline/mysql';
import type { AnchorStart, ChangeCounts } from '../failover/anchor.ts';
import type { OffsetRange } from '../progress/snapshot-progress.ts';
import type { SkipWitness } from '../publish/topic-lanes.ts';
import type { VersionClock } from '../publish/version-clock.ts';
import type { Executed } from '../source/executed.ts';
import type { PublishedTail } from './published-tail.ts';

interface ReplayOptions {
  readonly start: AnchorStart;
  readonly published: PublishedTail;
  readonly address: MysqlAddress;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

/** What is left to skip, in all topics. */
interface Skipping {
  readonly skipping: number;
}

/**
 * A replay on another server, from an anchor to where the topics end.
 *
 * - Until it is there, no progress record is written: the offsets of a place in between are known as counts only, and until then the new server has not been
 *   proved to have all that was published. A death meanwhile begins with the search for the anchor again.
 * - Where the old record stood, the version clock goes on as that says: rows of a load may have taken versions, too.
 * - What is skipped is held against the topics, record by record. When the server ends, or goes on with other changes, and records were not met, it has
 *   lost the tail of what was published (SOURCE_LOST_TAIL).
 */
export class AnchorReplay implements SkipWitness {
  readonly #options: ReplayOptions;
  #book: Skipping | undefined;
  /** Left to skip where the old record stands. */
  #beyond = 0;
  #raised = false;
  #end: Executed | undefined;
  #waits = false;

  constructor(options: ReplayOptions) {
    this.#options = options;
  }

  /** Before the first change. */
  begins(book: Skipping): void {
    this.#book = book;
    this.#beyond = book.skipping - sumOf(this.#options.start.behind);
  }

  get holdsProgress(): boolean {
    return (this.#book?.skipping ?? 0) > 0;
  }

  /** Before each transaction. */
  atBegin(clock: VersionClock): void {
    if (this.#raised || this.#book === undefined || this.#book.skipping > this.#beyond) return;
    this.#raised = true;
    clock.raise(this.#options.start.from.version);
  }

  skipped(topic: string, partition: number, key: Buffer | null, version: Buffer): void {
    if (!this.#options.published.meets(topic, partition, key, version.readBigInt64BE(0))) throw this.#lost();
  }

  /** Between two transactions. @throws TaplineError SOURCE_LOST_TAIL when the server has no more, and nobody gives it any. */
  async atBoundary(executed: Executed): Promise<void> {
    if (!this.holdsProgress || (this.#end !== undefined && !executed.includes(this.#end))) return;
    const { address, log, signal } = this.#options;
    await using connection = await connect(address, signal);
    // The order matters: what it is given comes in front of the end that is read next.
    const follows = await readReplicationStatus(connection, signal);
    const [row] = await connection.query('SELECT @@GLOBAL.read_only', signal);
    const { file, position } = await readBinlogEnd(connection, signal);
    const end = FilePosition.parse(`${file}:${position}`) as Executed;
    this.#end = end;
    if (!executed.includes(end)) return;
    const mayGetMore = row?.[0] !== '0' || follows?.some(({ applierRuns }) => applierRuns) === true;
    if (!mayGetMore) throw this.#lost();
    if (!this.#waits)
      log.info('waits for a replica that has not got all that was published', { address: addressText(address) });
    this.#waits = true;
  }

  #lost(): TaplineError {
    const { address, published } = this.#options;
    const ranges = published.lost();
    const records = ranges.reduce((sum, { from, to }) => sum + Number(to - from), 0);
    return new TaplineError('SOURCE_LOST_TAIL', {
      message: `The server never got what was published last: ${records} records, ${ranges.slice(0, SHOWN).map(rangeText).join(', ')}${ranges.length > SHOWN ? ', …' : ''}.`,
      place: { address: addressText(address) },
    });
  }
}

const SHOWN = 5;

function rangeText({ topic, partition, from, to }: OffsetRange): string {
  return `${topic}[${partition}]@${from}…${to - 1n}`;
}

function sumOf(counts: ChangeCounts): number {
  let sum = 0;
  for (const ofTopic of counts.values()) for (const count of ofTopic.values()) sum += count;
  return sum;
}
