import {
  type BeginEvent,
  type BinlogEvent,
  type BinlogPosition,
  type BinlogStream,
  locateRowError,
  type PreparedEvent,
  type RowsEvent,
  type StatementEvent,
  type XaDecision,
} from '@tapline/binlog';
import { killPoint } from '@tapline/kernel';
import type { Executed } from '../source/executed.ts';

/** What the pump drives; each method is called in binlog order. */
export interface PumpTarget {
  /** A transaction starts. */
  begin(event: BeginEvent): void;
  /** A whole transaction that prepares an XA transaction: nothing is published until another one decides it. */
  prepared(event: PreparedEvent): void;
  /** The transaction that decided a prepared one has come to its end. */
  decided(decision: XaDecision): void;
  /**
   * Before the first of `events` is handed on: what several of them need may be fetched together. There is no statement among them, so that every table is
   * as it is now. Fails never.
   */
  openAhead(events: readonly BinlogEvent[]): Promise<void> | undefined;
  /** The transaction that has begun is not to be published: its rows are passed over. */
  readonly silent: boolean;
  /** Whether these rows are the reader's own, which are not published: the target has taken from them what it needs. */
  own(event: RowsEvent): boolean;
  /** Before the first row of `event`; undefined when nothing has to be waited for. */
  prepare(event: RowsEvent): Promise<void> | undefined;
  /** The current row of `event`; a promise when it must stay the current one for a while. */
  change(event: RowsEvent): Promise<void> | undefined;
  /** DDL (outside of a transaction), or statement-format DML (inside of one). A promise when what comes behind it must wait. */
  statement(event: StatementEvent): Promise<void> | undefined;
  /** A transaction, or a statement outside of one, comes to its end at `position`; its place counts as passed after it. A promise when that must wait. */
  end(position: BinlogPosition): Promise<void> | undefined;
  /** Resolves when there is room for more records, rejects when publishing has failed; undefined when there is room now. */
  room(): Promise<void> | undefined;
  /** Lets what is buffered leave now: nothing more is at hand. */
  flush(): void;
  /** Between two transactions, after a pulled batch of events. `executed` and `position` are what the stream has passed. */
  boundary(): Promise<void>;
  /** Resolves when `boundary` has something to do although no event came; undefined when only events can change that. The same object until then. */
  readonly wake: Promise<void> | undefined;
}

export interface PumpOptions {
  readonly stream: BinlogStream;
  readonly target: PumpTarget;
  /** What the stream has passed; the pump adds each transaction at its end. */
  readonly executed: Executed;
  /** The stream is followed by the places in its files. */
  readonly byFile: boolean;
  /** Rejects when publishing has failed for good. */
  readonly failed: Promise<never>;
}

/**
 * One thing to wait for that several things can end. `Promise.race` over promises that outlive the loop would keep one reaction a round
 * alive for each of them, which is a leak in a process that runs for months.
 */
class Bell {
  #rung = false;
  #listener: (() => void) | undefined;

  ring(): void {
    this.#rung = true;
    this.#listener?.();
  }

  async rung(): Promise<void> {
    if (!this.#rung) {
      await new Promise<void>((resolve) => {
        this.#listener = resolve;
      });
    }
    this.#listener = undefined;
    this.#rung = false;
  }
}

/**
 * The reader's loop: pulls events, hands them on in order, waits where the producer has no room.
 *
 * Back-pressure: while this loop waits for room it does not pull, and the binlog stream then pauses the socket.
 */
export class Pump {
  readonly #options: PumpOptions;
  #stop: AbortSignal | undefined;
  #gtid = '';
  #inTransaction = false;
  #decides: XaDecision | undefined;
  #position: BinlogPosition | undefined;
  /** Row changes seen, of captured tables. */
  rows = 0;
  /** Transactions passed, of any table. */
  transactions = 0;

  constructor(options: PumpOptions) {
    this.#options = options;
  }

  /** After the last whole transaction; undefined before the first event. */
  get position(): BinlogPosition | undefined {
    return this.#position;
  }

  get atBoundary(): boolean {
    return !this.#inTransaction;
  }

  /** Runs until `signal`, then to the end of the transaction at hand. @throws what the stream, the target or publishing failed with. */
  async run(signal: AbortSignal): Promise<void> {
    const { stream, target, failed } = this.#options;
    this.#stop = signal;
    const bell = new Bell();
    const ring = (): void => bell.ring();
    signal.addEventListener('abort', ring, { once: true });
    let failure: { error: unknown } | undefined;
    failed.catch((error: unknown) => {
      failure ??= { error };
      bell.ring();
    });
    let events: readonly BinlogEvent[] | undefined;
    let pulling = false;
    let wake: Promise<void> | undefined;
    while (!signal.aborted || this.#inTransaction) {
      if (failure !== undefined) throw failure.error;
      if (events !== undefined) {
        const pulled = events;
        events = undefined;
        await this.#takeAll(pulled);
        target.flush();
      }
      if (!this.#inTransaction) await target.boundary();
      // Not while events wait to be taken: a pull invalidates the buffers of the one before.
      if (!pulling && events === undefined) {
        pulling = true;
        stream.pull().then(
          (pulled) => {
            pulling = false;
            events = pulled;
            bell.ring();
          },
          (error: unknown) => {
            failure ??= { error };
            bell.ring();
          },
        );
      }
      if (target.wake !== wake) {
        wake = target.wake;
        wake?.then(ring, ring);
      }
      if (events === undefined) await bell.rung();
    }
    // A pull may be under way still: the owner disposes the stream, and nobody waits for it.
    signal.removeEventListener('abort', ring);
  }

  /** What was pulled beyond the end of the transaction at hand comes again in the next life. */
  get #mayStop(): boolean {
    return !this.#inTransaction && this.#stop?.aborted === true;
  }

  async #takeAll(pulled: readonly BinlogEvent[]): Promise<void> {
    for (let from = 0; from < pulled.length; ) {
      const statement = pulled.findIndex(({ kind }, i) => i >= from && kind === 'statement');
      const events =
        statement === -1 && from === 0 ? pulled : pulled.slice(from, statement === -1 ? undefined : statement);
      const opening = this.#options.target.openAhead(events);
      if (opening !== undefined) await opening;
      for (const event of events) {
        if (this.#mayStop) return;
        await this.#take(event);
      }
      if (statement === -1 || this.#mayStop) return;
      await this.#take(pulled[statement] as BinlogEvent);
      from = statement + 1;
    }
  }

  async #take(event: BinlogEvent): Promise<void> {
    const { target } = this.#options;
    switch (event.kind) {
      case 'begin':
        this.#inTransaction = true;
        this.#gtid = event.gtid;
        this.#decides = event.decides;
        target.begin(event);
        return;
      case 'rows':
        return this.#rows(event);
      case 'commit':
        return this.#end(event.position);
      case 'statement': {
        const applied = target.statement(event);
        if (applied !== undefined) await applied;
        if (event.inTransaction) return;
        this.#gtid = event.gtid;
        return this.#end(event.position);
      }
      case 'prepared':
        this.#gtid = event.gtid;
        target.prepared(event);
        return this.#end(event.position);
      case 'heartbeat':
        if (this.#options.byFile) this.#idle(event.position);
        return;
    }
  }

  async #rows(event: RowsEvent): Promise<void> {
    const { target } = this.#options;
    if (target.silent || target.own(event)) return;
    const prepared = target.prepare(event);
    if (prepared !== undefined) await prepared;
    try {
      while (event.next()) {
        const changing = target.change(event);
        if (changing !== undefined) await changing;
        this.rows++;
        const room = target.room();
        if (room !== undefined) await room;
      }
    } catch (error) {
      throw locateRowError(error, event);
    }
    killPoint('mid-transaction');
  }

  /** Nothing is there up to `position`, which may be in a file that has just begun: the one before may be purged. */
  #idle(position: BinlogPosition): void {
    this.#options.executed.add('', position);
    this.#position = position;
  }

  async #end(position: BinlogPosition): Promise<void> {
    const ended = this.#options.target.end(position);
    if (ended !== undefined) await ended;
    // Without a GTID nothing but the place can tell that it was passed.
    if (this.#gtid !== '' || this.#options.byFile) this.#options.executed.add(this.#gtid, position);
    this.#gtid = '';
    if (this.#decides !== undefined) this.#options.target.decided(this.#decides);
    this.#decides = undefined;
    this.#inTransaction = false;
    this.#position = position;
    this.transactions++;
  }
}
