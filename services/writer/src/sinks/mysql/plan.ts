import type { Change, Row } from '@tapline/sink';
import { keyTexts, type Target } from './target.ts';

/** One change on its way into the target. */
export interface Item {
  /** Its place in the call. */
  readonly index: number;
  readonly change: Change;
  readonly target: Target;
  /** The key's values as SQL. */
  readonly key: readonly string[];
  /** Names the row exactly, within the call. */
  readonly row: string;
  /** What it touches: its row, and the values of the unique keys that it gives up or takes; folded as the target's collations may compare them. */
  readonly writes: readonly string[];
}

/** @throws TaplineError SINK_KEY when the record's key is not the one that the target was opened for. */
export function itemOf(index: number, change: Change, target: Target): Item {
  const key = keyTexts(target, change.key ?? {});
  const row = `${target.name}\0${key.join('\0')}`;
  const own = target.key.map(({ name, fold }) => fold(change.key?.[name] ?? null)).join('\0');
  const writes = [`${target.name}\0${own}`];
  for (const [at, { columns }] of target.uniqueKeys.entries()) {
    for (const image of [change.before, change.after]) {
      const values = image === null ? undefined : uniqueValues(image, columns);
      if (values !== undefined) writes.push(`${target.name}\0${at}\0${values}`);
    }
  }
  return { index, change, target, key, row, writes };
}

/** undefined where a value is NULL, and so never equal to another, or not known. */
function uniqueValues(image: Row, columns: Target['key']): string | undefined {
  let text = '';
  for (const { name, fold } of columns) {
    const value = image[name];
    if (value === null || value === undefined) return undefined;
    text += `\0${fold(value)}`;
  }
  return text;
}

/** Changes that may be applied side by side: a list for each lane, each in its order. */
export type Wave = readonly (readonly Item[])[];

/**
 * Parts the changes of a call into waves of lanes. Changes that touch the same row or unique value are in one lane, in their order; where one touches what
 * several lanes have, the wave ends, and the next begins when all its lanes are done. So whatever order two changes need, they have.
 */
export function wavesOf(items: readonly Item[], laneCount: number): Wave[] {
  const waves: Wave[] = [];
  let lanes: Item[][] = [];
  let owners = new Map<string, number>();
  for (const item of items) {
    let lane = laneOf(item, owners);
    if (lane === 'several') {
      waves.push(lanes);
      lanes = [];
      owners = new Map();
      lane = undefined;
    }
    lane ??= shortest(lanes, laneCount);
    (lanes[lane] ??= []).push(item);
    for (const write of item.writes) owners.set(write, lane);
  }
  if (lanes.length > 0) waves.push(lanes);
  return waves;
}

function laneOf(item: Item, owners: ReadonlyMap<string, number>): number | 'several' | undefined {
  let lane: number | undefined;
  for (const write of item.writes) {
    const owner = owners.get(write);
    if (owner === undefined || owner === lane) continue;
    if (lane !== undefined) return 'several';
    lane = owner;
  }
  return lane;
}

function shortest(lanes: readonly Item[][], count: number): number {
  if (lanes.length < count) return lanes.length;
  let best = 0;
  for (let lane = 1; lane < lanes.length; lane++) {
    if ((lanes[lane] as Item[]).length < (lanes[best] as Item[]).length) best = lane;
  }
  return best;
}

/** What becomes of one row: the newest of its changes, and all that it stands for. */
export interface Entry {
  readonly item: Item;
  /** The row's columns afterwards; null when it is deleted. */
  readonly after: Row | null;
  /** Indexes of the changes that are in it. */
  readonly indexes: readonly number[];
}

/**
 * Merges a lane's changes to one entry a row and parts them into steps. Entries of a step touch nothing in common, so they fit into statements of many rows in
 * any order; steps follow one another. `stale` is told the changes that are older than one before them in the lane.
 */
export function stepsOf(lane: readonly Item[], stale: (index: number) => void): Entry[][] {
  const steps: Map<string, Draft>[] = [];
  const touched = new Map<string, { readonly row: string; readonly step: number }>();
  const steppedRows = new Map<string, number>();
  for (const item of lane) {
    let step = steppedRows.get(item.row) ?? 0;
    for (const write of item.writes) {
      const other = touched.get(write);
      if (other !== undefined) step = Math.max(step, other.row === item.row ? other.step : other.step + 1);
    }
    const draft = steps[step]?.get(item.row);
    if (draft !== undefined && item.change.version <= draft.item.change.version) {
      stale(item.index);
      continue;
    }
    (steps[step] ??= new Map()).set(item.row, merged(draft, item));
    steppedRows.set(item.row, step);
    for (const write of item.writes) touched.set(write, { row: item.row, step });
  }
  return steps.map((drafts) => [...drafts.values()]);
}

type Draft = Entry & { readonly indexes: number[] };

function merged(before: Draft | undefined, item: Item): Draft {
  const { after } = item.change;
  const indexes = before === undefined ? [item.index] : [...before.indexes, item.index];
  // What an update does not carry is as the change before left it.
  const whole = item.change.absent !== null && after !== null && before?.after ? { ...before.after, ...after } : after;
  return { item, after: whole, indexes };
}
