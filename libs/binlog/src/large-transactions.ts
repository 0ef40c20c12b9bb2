import { HeldRows } from './held-rows.ts';
import { Spill, type SpillLog } from './spill.ts';
import type { BeginEvent, BinlogEvent, BinlogStats, BinlogStream, CommitEvent, RowsEvent } from './types.ts';

export interface LargeTransactionOptions {
  /** Transactions with more binlog than this are left out. */
  readonly maxBytes: number;
  /** Only those that do nothing but delete rows of wanted tables. */
  readonly deletesOnly: boolean;
  /** Where rows wait while it is open what becomes of them; the system's folder for such files when absent or ''. */
  readonly spillFolder?: string;
}

/** Bytes of held rows that a pull gives out at most. */
const PULL_BYTES = 1 << 20;

/** A transaction whose beginning has not been given out. */
interface OpenTransaction {
  readonly begin: BeginEvent;
  /** Changes of each table, in the order in which the tables first come. */
  readonly tables: Map<string, number>;
  /** undefined: it is left out, whatever comes. */
  held: { readonly rows: HeldRows[]; readonly log: SpillLog } | undefined;
}

/**
 * The stream without its large transactions: of them there is a `begin` that says what was left out (where they concern wanted tables), and the commit.
 *
 * Where the server says in front of a transaction how long it is, nothing waits, unless it must be known that it only deletes. Otherwise rows wait, in memory
 * or in a temporary file, until the transaction ends, is too large, or does something else than to delete. They are given out as they came, with their places.
 */
export function withoutLargeTransactions(stream: BinlogStream, options: LargeTransactionOptions): BinlogStream {
  return new LargeTransactions(stream, options);
}

class LargeTransactions implements BinlogStream {
  readonly #stream: BinlogStream;
  readonly #maxBytes: number;
  readonly #deletesOnly: boolean;
  readonly #spill: Spill;
  /** What the stream gave last, and how far it is taken. */
  #events: readonly BinlogEvent[] = [];
  #next = 0;
  #open: OpenTransaction | undefined;
  #releasing: Generator<RowsEvent> | undefined;

  constructor(stream: BinlogStream, { maxBytes, deletesOnly, spillFolder = '' }: LargeTransactionOptions) {
    this.#stream = stream;
    this.#maxBytes = maxBytes;
    this.#deletesOnly = deletesOnly;
    this.#spill = new Spill({ folder: spillFolder });
  }

  get stats(): BinlogStats {
    const { stats } = this.#stream;
    return {
      ...stats,
      waitingBytes: stats.waitingBytes + this.#spill.memoryBytes,
      spilledBytes: stats.spilledBytes + this.#spill.fileBytes,
    };
  }

  async pull(): Promise<readonly BinlogEvent[]> {
    const out: BinlogEvent[] = [];
    while (out.length === 0) {
      if (this.#releasing !== undefined) {
        this.#release(this.#releasing, out);
        continue;
      }
      // Only when all of them are taken: a pull invalidates the buffers of the one before.
      if (this.#next === this.#events.length) {
        this.#events = await this.#stream.pull();
        this.#next = 0;
      }
      while (this.#next < this.#events.length && this.#releasing === undefined) {
        if (this.#take(this.#events[this.#next] as BinlogEvent, out)) this.#next++;
      }
    }
    return out;
  }

  /** @returns false when the event is to be taken again, behind what is released first. */
  #take(event: BinlogEvent, out: BinlogEvent[]): boolean {
    const open = this.#open;
    if (open === undefined) {
      if (event.kind !== 'begin' || !this.#holdsBack(event)) out.push(event);
      return true;
    }
    if (event.kind === 'rows') return this.#rows(event, open, out);
    if (event.kind === 'commit') return this.#end(event, open, out);
    if (open.held === undefined) return true;
    // What is logged as a statement may do anything.
    this.#give(open, out);
    return false;
  }

  #holdsBack(begin: BeginEvent): boolean {
    const { bytes, decides } = begin;
    // The rows of an XA transaction come from where it was prepared.
    if (decides !== undefined || (bytes !== undefined && bytes <= this.#maxBytes)) return false;
    const isLarge = bytes !== undefined && !this.#deletesOnly;
    this.#open = { begin, tables: new Map(), held: isLarge ? undefined : { rows: [], log: this.#spill.log() } };
    return true;
  }

  #rows(event: RowsEvent, open: OpenTransaction, out: BinlogEvent[]): boolean {
    const { begin, held, tables } = open;
    if (held !== undefined) {
      if (this.#deletesOnly && event.op !== 'delete') {
        this.#give(open, out);
        return false;
      }
      if (!this.#deletesOnly && event.position.position - begin.position.position > this.#maxBytes) this.#drop(open);
      else held.rows.push(HeldRows.of(event, held.log));
    }
    const table = `${event.table.database}.${event.table.table}`;
    let changes = 0;
    while (event.next()) changes++;
    tables.set(table, (tables.get(table) ?? 0) + changes);
    return true;
  }

  #end(commit: CommitEvent, open: OpenTransaction, out: BinlogEvent[]): boolean {
    const { begin, held, tables } = open;
    // The GTID event stands in front of `begin`: as good as nothing beside what is large.
    const bytes = begin.bytes ?? commit.position.position - begin.position.position;
    if (held !== undefined && bytes <= this.#maxBytes) {
      this.#give(open, out);
      return false;
    }
    this.#drop(open);
    this.#open = undefined;
    out.push(tables.size === 0 ? begin : { ...begin, leftOut: { bytes, tables: [...tables] } }, commit);
    return true;
  }

  #drop(open: OpenTransaction): void {
    open.held?.log[Symbol.dispose]();
    open.held = undefined;
  }

  /** The transaction is published: what was held goes first. */
  #give({ begin, held }: OpenTransaction, out: BinlogEvent[]): void {
    this.#open = undefined;
    out.push(begin);
    if (held !== undefined) this.#releasing = HeldRows.given(held.rows, held.log);
  }

  #release(releasing: Generator<RowsEvent>, out: BinlogEvent[]): void {
    for (let bytes = 0; bytes < PULL_BYTES; ) {
      const { value, done } = releasing.next();
      if (done === true) {
        this.#releasing = undefined;
        return;
      }
      out.push(value);
      bytes += HeldRows.bytesOf(value);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stream[Symbol.asyncDispose]();
    this.#spill[Symbol.dispose]();
  }
}
