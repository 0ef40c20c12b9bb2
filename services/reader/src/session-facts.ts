import type { BinlogPosition } from '@tapline/binlog';
import type { AnchorFacts } from './anchors/session-anchors.ts';
import type { FailoverMemory } from './failover/memory.ts';
import type { LifeKeeper } from './fencing/life-keeper.ts';
import type { XaFacts } from './progress/xa-follower.ts';
import type { WatchFacts } from './watch/source-watch.ts';

/** What a session tells while it happens. */
export interface SessionEvents {
  /** Rows of the first load that were published. */
  snapshotRows(table: string, rows: number): void;
}

/** What a session has from the reader that lives it. */
export interface SessionContext extends SessionEvents {
  readonly failover: FailoverMemory;
  readonly lives: LifeKeeper;
}

/** Numbers of a session, for metrics and /state. */
export interface SessionFacts {
  readonly rows: number;
  readonly transactions: number;
  readonly sent: number;
  readonly skipped: number;
  /** Values put aside in the claims topic. */
  readonly claims: number;
  readonly claimBytes: number;
  /** Transactions not published for their size. */
  readonly leftOut: number;
  readonly replaying: number;
  readonly binlogBytes: number;
  readonly position: BinlogPosition;
  readonly gtidSet: string;
  readonly lagSeconds: number;
  readonly progressMs: number;
  /** Of the source's binlog files. */
  readonly binlog: WatchFacts;
  readonly snapshot: Readonly<Record<string, unknown>>;
  /** The newest version of the schema history, and how many tables were found to be as the source shows them, and not. */
  readonly schema: { readonly version: number; readonly checked: number; readonly different: number };
  readonly xa: XaFacts;
  readonly anchors: AnchorFacts;
  /** Binlog that waits for the end of its transaction: in memory, and in the temporary file. */
  readonly waitingBytes: number;
  readonly spilledBytes: number;
}
