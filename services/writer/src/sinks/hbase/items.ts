import type { Change, Place } from '@tapline/sink';
import type { Share } from './guard/table-guard.ts';
import { type Region, regionOfRow, type ServerAddress } from './rpc/regions.ts';

/** One change of a call: which, and what row of a table it is. */
export class Item {
  readonly index: number;
  readonly change: Change;
  readonly row: Buffer;
  /** Undefined: nobody says where it comes from. */
  readonly place: Place | undefined;
  /** Whether something newer of the row may be in the table. */
  asks = true;
  /** Where the row is, once that is known. */
  region: Region = NOWHERE;
  /** The row's first bytes as a number: it tells most rows apart. */
  readonly #prefix: number;

  constructor(index: number, change: Change, row: Buffer, place: Place | undefined) {
    this.index = index;
    this.change = change;
    this.row = row;
    this.place = place;
    this.#prefix = row.length >= PREFIX_BYTES ? row.readUIntBE(0, PREFIX_BYTES) : shortPrefix(row);
  }

  /** In the order of rows, and of changes of one row. */
  static compare(this: void, left: Item, right: Item): number {
    return left.#prefix - right.#prefix || Buffer.compare(left.row, right.row) || left.index - right.index;
  }
}

const PREFIX_BYTES = 6;
const NOWHERE: Region = {
  name: Buffer.alloc(0),
  startKey: Buffer.alloc(0),
  endKey: Buffer.alloc(0),
  server: undefined,
};

function shortPrefix(row: Buffer): number {
  return Buffer.concat([row, Buffer.alloc(PREFIX_BYTES - row.length)]).readUIntBE(0, PREFIX_BYTES);
}

/** Sorts the changes by their rows, and parts them so that each part has a row once: the first changes of all rows, then the second ones… */
export function wavesOf(items: Item[]): readonly (readonly Item[])[] {
  items.sort(Item.compare);
  let wave = 0;
  const waves: Item[][] = [];
  for (const [at, item] of items.entries()) {
    wave = at > 0 && item.row.equals((items[at - 1] as Item).row) ? wave + 1 : 0;
    (waves[wave] ??= []).push(item);
  }
  return waves;
}

/** What is to be sent to one server, by region; or by regions that are not open. */
interface Located {
  readonly byServer: ReadonlyMap<ServerAddress, readonly Item[]>;
  readonly elsewhere: readonly { readonly item: Item; readonly region: Region | undefined }[];
}

/** Finds the regions of sorted rows. */
export function locate(items: readonly Item[], regions: readonly Region[]): Located {
  const byServer = new Map<ServerAddress, Item[]>();
  const elsewhere: Located['elsewhere'][number][] = [];
  let region: Region | undefined;
  for (const item of items) {
    if (region === undefined || !isInFront(item.row, region)) region = regionOfRow(regions, item.row);
    if (region?.server === undefined) {
      elsewhere.push({ item, region });
      continue;
    }
    item.region = region;
    const own = byServer.get(region.server);
    if (own === undefined) byServer.set(region.server, [item]);
    else own.push(item);
  }
  return { byServer, elsewhere };
}

/** Whether a row that is not in front of the region is not behind it. */
function isInFront(row: Buffer, { endKey }: Region): boolean {
  return endKey.length === 0 || Buffer.compare(row, endKey) < 0;
}

/** What a call has of each partition; undefined where it is not known what partitions its changes are of. */
export function sharesOf(
  items: readonly Item[],
  isWholeKey: (change: Change) => boolean,
): readonly PartitionItems[] | undefined {
  const shares: PartitionItems[] = [];
  let share: PartitionItems | undefined;
  for (const item of items) {
    const { place, change } = item;
    if (place === undefined) return undefined;
    const { topic, partition, offset } = place;
    if (share?.partition !== partition || share.topic !== topic) {
      share = shares.find((one) => one.partition === partition && one.topic === topic);
      if (share === undefined) {
        share = { topic, partition, last: offset, isWholeKey: true, items: [] };
        shares.push(share);
      }
    }
    if (offset > share.last) share.last = offset;
    // Of each: a statement may have given the table another key in between.
    share.isWholeKey &&= isWholeKey(change);
    share.items.push(item);
  }
  return shares;
}

/** A share that is being gathered. */
interface PartitionItems extends Share {
  last: number;
  isWholeKey: boolean;
  readonly items: Item[];
}
