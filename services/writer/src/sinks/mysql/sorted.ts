import type { Change, Place, Places } from '@tapline/sink';
import type { AppendItem } from './append.ts';
import type { PlacedItem, Share } from './placed.ts';
import { type Item, itemOf } from './plan.ts';
import type { Guard, Target } from './target.ts';

/** A change of a table that has offsets, which say nothing of changes that come as this one does. */
export interface Visitor {
  readonly index: number;
  readonly change: Change;
  readonly target: Target;
  readonly place: Place | undefined;
}

/** The changes of a call by what guards them. */
export class Sorted {
  /** By the versions of rows. */
  readonly items: Item[] = [];
  /** Of tables without a key. */
  readonly appended: AppendItem[] = [];
  readonly visitors: Visitor[] = [];
  /** Known to be applied already. */
  readonly stale: number[] = [];
  /** By table: it may be looked at anew in the middle of a call, and its changes still belong together, or later ones would make earlier ones stale. */
  readonly #shares = new Map<string, Map<number, Share>>();
  readonly #places: Places | undefined;

  constructor(places: Places | undefined) {
    this.#places = places;
  }

  /** By offsets: a share for each partition and table. */
  get shares(): Share[] {
    return [...this.#shares.values()].flatMap((partitions) => [...partitions.values()]);
  }

  add(index: number, change: Change, target: Target): void {
    const { guard } = target;
    if (change.key === null) {
      const place = this.#places?.at(index) ?? { topic: change.topic, partition: 0 };
      this.appended.push({ index, change, target, place });
    } else if (guard.kind === 'versions') {
      if (guard.before !== undefined && isApplied(guard.before, change, this.#places?.at(index)))
        this.stale.push(index);
      else this.items.push(itemOf(index, change, target));
    } else {
      const place = this.#places?.at(index);
      if (!guard.own || place === undefined) this.visitors.push({ index, change, target, place });
      else this.#share(target, guard, place).push({ index, change, offset: place.offset });
    }
  }

  #share(target: Target, { offsets }: Extract<Guard, { kind: 'offsets' }>, { partition }: Place): PlacedItem[] {
    let partitions = this.#shares.get(offsets.sql);
    if (partitions === undefined) {
      partitions = new Map();
      this.#shares.set(offsets.sql, partitions);
    }
    let share = partitions.get(partition);
    if (share === undefined) {
      share = { target, offsets, partition, items: [] };
      partitions.set(partition, share);
    } else if (share.target !== target) {
      share = { ...share, target };
      partitions.set(partition, share);
    }
    return share.items;
  }
}

/** Whether what is known of its partition says that a change is applied. */
export function isApplied(
  known: { readonly topic: string; readonly applied: ReadonlyMap<number, bigint> },
  { version }: Change,
  place: Place | undefined,
): boolean {
  return place?.topic === known.topic && version <= (known.applied.get(place.partition) ?? -1n);
}
