/** The half-open range of offsets `[from, to)` of one topic-partition. */
export interface OffsetRange {
  readonly topic: string;
  readonly partition: number;
  readonly from: bigint;
  readonly to: bigint;
}

/** A table that is to be loaded, and how far that is. */
export interface TableLoad {
  /** `db.table`. */
  readonly table: string;
  /** The key of the last row of its last finished chunk (text literals, key order); none: from its start. */
  readonly after?: readonly string[];
  /**
   * Where the partitions of its topic ended when the load began; absent before. A key that stands below, and is met neither in the table nor in the
   * stream from then on, is not in the table any more.
   */
  readonly from?: readonly bigint[];
  /** All rows are read, and keys that are not in the table any more are being deleted. So many of the passes are done. */
  readonly deletes?: { readonly done: number; readonly passes: number };
}

/** How far the load of tables is. */
export interface SnapshotProgress {
  readonly state: 'running' | 'done';
  /** The tables to load, in order; one that is loaded to its end is not among them any more. */
  readonly queue: readonly TableLoad[];
  /**
   * True between the two records that enclose the publishing of a chunk. Then everything beyond `offsets` is rows of that
   * chunk and nothing else; otherwise everything beyond `offsets` is changes from the binlog and nothing else. That is what lets
   * a restart tell what it finds in the topics without marking the records.
   */
  readonly publishing: boolean;
  /** Where rows of unfinished chunks stand already, left there by lives of the reader that ended while publishing them. */
  readonly published: readonly OffsetRange[];
  /** In a record from before there was a queue: every captured table waits but these, which are loaded. */
  readonly allBut?: readonly string[];
}

/** Nothing is to be loaded. */
export const LOADED: SnapshotProgress = { state: 'done', queue: [], publishing: false, published: [] };

/** These tables are to be loaded. */
export function loadOf(tables: readonly string[]): SnapshotProgress {
  return tables.length === 0 ? LOADED : { ...LOADED, state: 'running', queue: tables.map((table) => ({ table })) };
}

/** The same with these tables to be loaded from their start besides. */
export function withLoads(progress: SnapshotProgress, loads: readonly TableLoad[]): SnapshotProgress {
  if (loads.length === 0) return progress;
  const fresh = new Set(loads.map(({ table }) => table));
  const queue = [...progress.queue.filter(({ table }) => !fresh.has(table)), ...loads];
  return { ...progress, state: 'running', queue };
}

/** The same without the tables that are not to be loaded any more. */
export function onlyLoads(progress: SnapshotProgress, isWanted: (table: string) => boolean): SnapshotProgress {
  const queue = progress.queue.filter(({ table }) => isWanted(table));
  const waits = queue.length > 0 || progress.allBut !== undefined;
  return { ...progress, state: waits ? 'running' : 'done', queue };
}

/** {@link SnapshotProgress} out of JSON that has 64-bit numbers as texts. */
export function decodeSnapshot(raw: RawSnapshot): SnapshotProgress {
  const { state, publishing } = raw;
  const published = raw.published.map((range) => ({ ...range, from: BigInt(range.from), to: BigInt(range.to) }));
  if (raw.queue !== undefined) {
    const queue = raw.queue.map(({ from, ...load }) => (from ? { ...load, from: from.map(BigInt) } : load));
    return { state, queue, publishing, published, ...(raw.allBut === undefined ? {} : { allBut: raw.allBut }) };
  }
  const { table, after, finished = [] } = raw;
  const begun = table === undefined ? [] : [{ table, ...(after === undefined ? {} : { after }) }];
  return { state, queue: begun, publishing, published, ...(state === 'done' ? {} : { allBut: finished }) };
}

export interface RawSnapshot extends Pick<SnapshotProgress, 'state' | 'publishing' | 'allBut'> {
  readonly queue?: readonly (Omit<TableLoad, 'from'> & { readonly from?: readonly string[] })[];
  readonly published: readonly {
    readonly topic: string;
    readonly partition: number;
    readonly from: string;
    readonly to: string;
  }[];
  /** Until there was a queue: the table at hand, and those loaded to their end. */
  readonly table?: string;
  readonly after?: readonly string[];
  readonly finished?: readonly string[];
}
