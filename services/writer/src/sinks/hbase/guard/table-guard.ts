import { type Logger, Turns } from '@tapline/kernel';
import { notOpen } from '../not-open.ts';
import type { Cluster } from '../rpc/cluster.ts';
import { type Region, regionOfRow } from '../rpc/regions.ts';
import { type CellName, isEmptyRegion, type OpenRegion, readCell, replaceCell } from '../rpc/single.ts';
import { claimed, type GuardState, markOf, parseState, printState, raised } from './state.ts';

/** The row of a table that has its marks, in the family of versions. */
export const GUARD_ROW: Buffer = Buffer.from('__tapline.guard');
const GUARD_COLUMN = 'guard';

/** What is known of a table's marks is looked at again after this time, so that who has lost a partition knows it by then. */
const KNOWN_MS = 1000;

/** What a call has of one partition for one table. */
export interface Share {
  readonly topic: string;
  readonly partition: number;
  /** The greatest of its offsets. */
  readonly last: number;
  /** Whether the row key has all of the key in it, so that a row is one key. */
  readonly isWholeKey: boolean;
}

/**
 * - `owner`: its partitions are its own, and their changes come in order.
 * - `guest`: it gives the same changes beside the writer whose name it has.
 * - `stranger`: nothing is known of the order of its changes.
 */
export type Role = 'owner' | 'guest' | 'stranger';

interface TableGuardOptions {
  readonly cluster: Cluster;
  readonly table: string;
  readonly versionFamily: string;
  readonly role: Role;
  /** Of this sink, as no other has it. */
  readonly id: string;
  readonly writer: string;
  readonly rowKey: string;
  readonly log: Logger;
  /** Of an owner: how many partitions the topic has now. */
  readonly partitionsOf: (topic: string) => Promise<number>;
}

/** The changes of a partition from this offset on need no question. */
export type From = number;
const NONE: From = Infinity;

/**
 * Knows of which changes a table cannot hold anything newer. An older put that comes late is hidden by what is newer, but for what a major compaction has taken away; so
 * it is asked for rows of which something newer may have been sent. A change at an offset that nobody has reached is no such, as a row's changes come through one
 * partition in the order of their versions. How far anybody may have come is noted in the table itself, before it is sent:
 *
 * - what is sent is in front of its partition's mark; who wants to send what is behind it raises the mark first;
 * - one sink at a time owns the partition, and leaves questions out from where the mark was when it took the partition over;
 * - others write in front of that place only, and ask; behind it they become the owner.
 *
 * All of it is one cell, changed only from what it was seen to be: so of two who change it at once one looks again. Where a partition's order does not say it of a
 * row, the table is asked for all of them from then on, by all who write to it.
 */
export class TableGuard {
  readonly #options: TableGuardOptions;
  readonly #cell: CellName;
  readonly #claimed = new Set<number>();
  #assignments = 0;
  #state: GuardState | undefined;
  #value: Buffer | undefined;
  #timestamp = 0;
  #knownMs = -Infinity;
  /** As many as the topic has now, where that counts. */
  #partitions: number | undefined;
  readonly #turns = new Turns();
  #renewing = false;

  constructor(options: TableGuardOptions) {
    this.#options = options;
    this.#cell = { row: GUARD_ROW, family: options.versionFamily, qualifier: GUARD_COLUMN };
  }

  /** The partitions come from their committed offsets again, and another sink may have had them meanwhile. */
  reassigned(partitions: Iterable<number>): void {
    this.#assignments++;
    for (const partition of partitions) this.#claimed.delete(partition);
  }

  /** The table may be another one by now. */
  forget(): void {
    this.#knownMs = -Infinity;
  }

  /** Resolves when the changes up to the share's last one may be sent: without a question from where this says. @throws TaplineError SINK_HBASE_…, KAFKA_… */
  allow(share: Share | undefined): From | Promise<From> {
    const sinceMs = performance.now() - this.#knownMs;
    const known = sinceMs < KNOWN_MS ? this.#known(share) : undefined;
    if (known === undefined) return this.#turns.take(() => this.#settle(share));
    if (sinceMs > KNOWN_MS / 2 && this.#state?.asked === undefined) this.#renew();
    return known;
  }

  /** What is known already; undefined: something is to be looked at, or noted. */
  #known(share: Share | undefined): From | undefined {
    const state = this.#state;
    if (state?.asked !== undefined) return NONE;
    if (state === undefined || share === undefined || this.#outgrown(state, share) !== undefined) return undefined;
    const { role } = this.#options;
    const mark = markOf(state, share.partition);
    if (mark === undefined) return undefined;
    const isMine = this.#owns(state, share.partition);
    if (role === 'guest') return share.last < (isMine ? mark.below : mark.from) ? NONE : undefined;
    return isMine && share.last < mark.below ? mark.from : undefined;
  }

  /** Looks again before it must, so that nothing waits for it. */
  #renew(): void {
    if (this.#renewing) return;
    this.#renewing = true;
    void this.#turns
      .take(() => this.#look())
      // Who needs it looks again, and is told.
      .catch(() => undefined)
      .finally(() => {
        this.#renewing = false;
      });
  }

  async #settle(share: Share | undefined): Promise<From> {
    for (;;) {
      if (performance.now() - this.#knownMs > KNOWN_MS) await this.#look();
      const known = this.#known(share);
      if (known !== undefined) return known;
      await this.#note(await this.#next(this.#state, share));
    }
  }

  /** What is to be noted, where something is not known that the share needs. */
  async #next(state: GuardState | undefined, share: Share | undefined): Promise<Step> {
    const { role, writer, rowKey, id, partitionsOf } = this.#options;
    if (role === 'stranger' || share === undefined) return this.#asked(state, 'changes come without an order');
    const { topic, partition, last } = share;
    if (state === undefined) {
      if (role === 'guest') return this.#asked(state, 'a replay came before its writer');
      if (!(await this.#isEmpty())) return this.#asked(state, 'it had rows before marks were kept');
      return { state: { writer, topic, partitions: await partitionsOf(topic), rowKey, marks: {} } };
    }
    const reason = this.#outgrown(state, share);
    if (reason !== undefined) return this.#asked(state, reason);
    if (this.#owns(state, partition)) return { state: raised(state, partition, last) };
    return { state: raised(claimed(state, partition, id), partition, last), claims: partition };
  }

  #owns(state: GuardState, partition: number): boolean {
    const { role, id } = this.#options;
    return markOf(state, partition)?.owner === id && (role === 'guest' || this.#claimed.has(partition));
  }

  /** Why marks do not say enough of the share; undefined: they do. */
  #outgrown(state: GuardState, { topic, isWholeKey }: Share): string | undefined {
    const { writer, rowKey } = this.#options;
    if (state.writer !== writer) return `writers ${state.writer} and ${writer} write to it`;
    if (state.topic !== topic) return `it has rows of topics ${state.topic} and ${topic}`;
    if (state.rowKey !== rowKey) return `its row keys were ${state.rowKey} and are ${rowKey}`;
    if (!isWholeKey) return 'its row keys do not have all of the key';
    if (this.#partitions !== undefined && state.partitions !== this.#partitions)
      return `topic ${topic} had ${state.partitions} partitions and has ${this.#partitions}`;
    return undefined;
  }

  #asked(state: GuardState | undefined, asked: string): Step {
    return { state: { ...(state ?? NOTHING), asked } };
  }

  /** What is noted is what is known, but where somebody else was faster, or nothing was noted before: then it is looked at again. */
  async #note({ state, claims }: Step): Promise<void> {
    const { cluster, table, log } = this.#options;
    const atMs = performance.now();
    const from = this.#value;
    const assignments = this.#assignments;
    const value = printState(state);
    const timestamp = from === undefined ? undefined : Math.max(Date.now(), this.#timestamp + 1);
    this.#knownMs = -Infinity;
    if (!(await replaceCell(cluster, await this.#region(), this.#cell, { from, to: { value, timestamp } }))) return;
    if (state.asked !== undefined) log.info('rows are asked for from now on', { table, because: state.asked });
    if (timestamp === undefined) return;
    if (claims !== undefined && assignments === this.#assignments) this.#claimed.add(claims);
    this.#value = value;
    this.#timestamp = timestamp;
    this.#state = state;
    this.#knownMs = atMs;
  }

  async #look(): Promise<void> {
    const { cluster, role, partitionsOf } = this.#options;
    const atMs = performance.now();
    const found = await readCell(cluster, await this.#region(), this.#cell);
    this.#value = found?.value;
    this.#timestamp = found?.timestamp ?? 0;
    this.#state = found === undefined ? undefined : parseState(found.value);
    const isOurs = role === 'owner' && this.#state !== undefined && this.#state.asked === undefined;
    this.#partitions = isOurs ? await partitionsOf(this.#state?.topic ?? '') : undefined;
    this.#knownMs = atMs;
  }

  async #region(): Promise<OpenRegion> {
    const { cluster, table } = this.#options;
    return requireOpen(table, regionOfRow(await cluster.regions(table), GUARD_ROW));
  }

  async #isEmpty(): Promise<boolean> {
    const { cluster, table } = this.#options;
    for (const region of await cluster.regions(table))
      if (!(await isEmptyRegion(cluster, requireOpen(table, region)))) return false;
    return true;
  }
}

interface Step {
  readonly state: GuardState;
  /** The partition that it makes this sink's. */
  readonly claims?: number;
}

const NOTHING: GuardState = { writer: '', topic: '', partitions: 0, rowKey: '', marks: {} };

function requireOpen(table: string, region: Region | undefined): OpenRegion {
  if (region?.server === undefined) throw notOpen(table, region);
  return { ...region, server: region.server };
}
