import { backoffMs, sleep, TaplineError } from '@tapline/kernel';
import type { Change } from '@tapline/sink';
import { ATTEMPTS, type LaneOptions, rollBack } from './lane.ts';
import { type Applied, lockApplied, type Offsets, storeApplied } from './offsets.ts';
import { RowByRow } from './row-by-row.ts';
import { type RowEntry, rowEntry, rowStatements } from './row-statements.ts';
import { Script } from './script.ts';
import { type Settled, settle } from './settled.ts';
import { keyTexts, type Target } from './target.ts';

/** A change of a table whose offsets guard it. */
export interface PlacedItem {
  /** Its place in the call. */
  readonly index: number;
  readonly change: Change;
  readonly offset: number;
}

/** What a call has of one partition for one table, in its order. */
export interface Share {
  readonly target: Target;
  readonly offsets: Offsets;
  readonly partition: number;
  readonly items: PlacedItem[];
}

/** Parts shares into lanes of about as many changes each; a partition stays whole, as it has one offset. */
export function lanesOf(shares: readonly Share[], laneCount: number): Share[][] {
  const lanes: { readonly shares: Share[]; count: number }[] = [];
  for (const share of shares.toSorted((left, right) => right.items.length - left.items.length)) {
    if (lanes.length < laneCount) lanes.push({ shares: [share], count: share.items.length });
    else {
      const lane = lanes.reduce((best, other) => (other.count < best.count ? other : best));
      lane.shares.push(share);
      lane.count += share.items.length;
    }
  }
  return lanes.map((lane) => lane.shares);
}

/**
 * Applies what a call has of some partitions as one transaction: their offsets are locked, what is not above them is left out, the rest is written, and the offsets
 * with it. A row is one key of one partition, so the changes of a row become one, and rows go in statements of many, in any order.
 *
 * Who is late, as a member that was away while another one took over its partitions, finds its changes below the offsets.
 */
export async function applyPlaced(shares: readonly Share[], options: LaneOptions): Promise<void> {
  const { session, signal } = options;
  let apply = inStatements;
  for (let attempt = 1; ; attempt++) {
    try {
      return await apply(shares, options);
    } catch (error) {
      signal.throwIfAborted();
      await rollBack(session, signal);
      if (!(error instanceof TaplineError)) throw error;
      if (error.disposition === 'poison' && apply === inStatements) apply = oneByOne;
      else if (error.code !== 'SINK_MYSQL_BUSY' || attempt === ATTEMPTS || !session.usable) throw error;
      else await sleep(backoffMs(attempt, { firstDelayMs: 5, maxDelayMs: 200 }), signal);
    }
  }
}

async function inStatements(shares: readonly Share[], options: LaneOptions): Promise<void> {
  const { session, config, outcome, signal } = options;
  const stale: number[] = [];
  const script = new Script(session, signal);
  script.later(...session.beginning);
  for (const own of byTarget(shares)) {
    const { target, offsets } = newest(own);
    const applied = await lockApplied(script, offsets, partitionsOf(own));
    const rows = new Map<string, RowEntry>();
    const ends = new Map<number, Applied>();
    for (const { partition, items } of own) {
      const fresh = above(items, applied.get(partition) ?? 0n, (index) => stale.push(index));
      for (const { change } of fresh) {
        const key = keyTexts(target, change.key ?? {});
        const row = key.join();
        rows.set(row, rowEntry(key, change, rows.get(row)));
      }
      const end = fresh.at(-1);
      if (end !== undefined) ends.set(partition, endOf(end));
    }
    if (ends.size === 0) continue;
    await sendAll(rowStatements(target, [...rows.values()], config), script);
    script.later(storeApplied(offsets, ends));
  }
  await script.run('COMMIT');
  for (const index of stale) outcome.set(index, 'stale');
}

/** One after the other; each is made while the server is at the one before. The last one leaves with what comes behind it. */
async function sendAll(statements: Iterable<string>, script: Script): Promise<void> {
  let running: Promise<unknown> = Promise.resolve();
  let made: string | undefined;
  for (const sql of statements) {
    await running;
    if (made !== undefined) running = script.run(made);
    // Told above, when the next one is made, or below.
    running.catch(() => undefined);
    made = sql;
  }
  await running;
  if (made !== undefined) script.later(made);
}

/**
 * Each change for itself. What is refused is the end of its partition: all that comes behind it is to be given again, so that the offset never passes a change that is not
 * applied.
 */
async function oneByOne(shares: readonly Share[], options: LaneOptions): Promise<void> {
  const { session, config, outcome, signal } = options;
  const settled = new Map<number, Settled>();
  const rows = new RowByRow(session, config.mode, signal);
  const script = new Script(session, signal);
  script.later(...session.beginning);
  for (const own of byTarget(shares)) {
    const { target, offsets } = newest(own);
    const applied = await lockApplied(script, offsets, partitionsOf(own));
    const ends = new Map<number, Applied>();
    for (const { partition, items } of own) {
      const fresh = above(items, applied.get(partition) ?? 0n, (index) => settled.set(index, 'stale'));
      let refused: TaplineError | undefined;
      for (const item of fresh) {
        const { index, change } = item;
        const verdict = refused ?? (await rows.write({ target, key: keyTexts(target, change.key ?? {}), change }));
        settled.set(index, refused === undefined ? verdict : behind(refused));
        if (verdict instanceof TaplineError) refused = verdict;
        else ends.set(partition, endOf(item));
      }
    }
    if (ends.size > 0) script.later(storeApplied(offsets, ends));
  }
  await script.run('COMMIT');
  for (const [index, verdict] of settled) settle(outcome, index, verdict);
}

/** Those with greater versions than all before them. */
function above(items: readonly PlacedItem[], version: bigint, stale: (index: number) => void): PlacedItem[] {
  const fresh: PlacedItem[] = [];
  let last = version;
  for (const item of items) {
    if (item.change.version <= last) stale(item.index);
    else {
      last = item.change.version;
      fresh.push(item);
    }
  }
  return fresh;
}

function endOf({ offset, change }: PlacedItem): Applied {
  return { next: offset + 1, version: change.version };
}

/** In one order for all lanes, as they lock the offsets one table after the other. */
function byTarget(shares: readonly Share[]): Share[][] {
  const tables = Map.groupBy(shares, ({ offsets }) => offsets.sql);
  return [...tables].sort(([left], [right]) => (left < right ? -1 : 1)).map(([, own]) => own);
}

/** Of a table that was looked at anew within the call, the share that has the last look. */
function newest(shares: readonly Share[]): Share {
  const lastOf = ({ items }: Share): number => items.at(-1)?.index ?? -1;
  return shares.reduce((best, other) => (lastOf(other) > lastOf(best) ? other : best));
}

function partitionsOf(shares: readonly Share[]): number[] {
  return shares.map(({ partition }) => partition).sort((left, right) => left - right);
}

function behind(cause: TaplineError): TaplineError {
  return new TaplineError('SINK_MYSQL_BUSY', { message: 'A change in front of it was refused.', cause });
}
