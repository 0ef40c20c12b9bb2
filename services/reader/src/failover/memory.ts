import { isRetryable, type Logger, TaplineError } from '@tapline/kernel';
import { addressText } from '@tapline/mysql';
import type { LostTail, ProgressRecord } from '../progress/record.ts';
import type { Role, ServerFacts } from './candidate.ts';

/** What is told of the servers in /state. */
export interface FailoverFacts {
  readonly server?: { readonly address: string; readonly uuid: string; readonly role: Role };
  /** What was found at each configured server when one was last chosen. */
  readonly hosts: Readonly<Record<string, string>>;
  readonly failovers: number;
  readonly last?: { readonly from: string; readonly to: string; readonly atMs: number };
  /** The newest transactions that were published and lost. */
  readonly lost?: LostTail;
}

/** After an error of these codes, the comparison at the next session's start says what is the matter, or finds another server; not twice in this time. */
const LOOK_AGAIN_MS = 60_000;
const LOOK_AGAIN: ReadonlySet<string> = new Set(['SOURCE_DUMP_REFUSED', 'SOURCE_PURGED', 'SOURCE_BINLOG_RESET']);

export interface FailoverEvents {
  failover(): void;
  lost(lost: LostTail): void;
}

/** What the lives of a reader in one process know of its servers in common. */
export class FailoverMemory {
  readonly #log: Logger;
  readonly #on: FailoverEvents;
  #server: ServerFacts | undefined;
  #hosts: Readonly<Record<string, string>> = {};
  #failovers = 0;
  #last: FailoverFacts['last'];
  #lost: LostTail | undefined;
  #refusal: TaplineError | undefined;
  /** Found by a session without GTIDs, which only meets what is published while it replays, and the server that it read from. */
  #unmet: { readonly uuid: string; readonly error: TaplineError } | undefined;
  #lookedAgainMs = Number.NEGATIVE_INFINITY;

  constructor(log: Logger, on: FailoverEvents) {
    this.#log = log;
    this.#on = on;
  }

  get facts(): FailoverFacts {
    const server = this.#server;
    return {
      ...(server === undefined
        ? {}
        : { server: { address: addressText(server.address), uuid: server.uuid, role: server.role } }),
      hosts: this.#hosts,
      failovers: this.#failovers,
      ...(this.#last === undefined ? {} : { last: this.#last }),
      ...(this.#lost === undefined ? {} : { lost: this.#lost }),
    };
  }

  /** What was found at each server, whether or not one could be chosen. */
  looked(hosts: Readonly<Record<string, string>>): void {
    this.#hosts = hosts;
  }

  /** A server is read from now on; a failover when it is not the one that the record came from. */
  chose(server: ServerFacts, record: Pick<ProgressRecord, 'serverUuid'> | undefined): void {
    const known = this.#server?.uuid ?? record?.serverUuid;
    this.#server = server;
    // A start of a session that came to nothing chooses the same one again.
    if (record === undefined || record.serverUuid === server.uuid || known === server.uuid) return;
    this.#failovers++;
    this.#last = { from: record.serverUuid, to: server.uuid, atMs: Date.now() };
    this.#on.failover();
    this.#log.warn('another server than before is read from', {
      before: record.serverUuid,
      now: server.uuid,
      address: addressText(server.address),
      role: server.role,
    });
  }

  lost(lost: LostTail): void {
    if (this.#lost?.gtidSet === lost.gtidSet) return;
    this.#lost = lost;
    this.#on.lost(lost);
  }

  /** `error` is what the comparison of histories has come to. */
  refused(error: TaplineError): TaplineError {
    this.#refusal = error;
    return error;
  }

  /** That the tail is lost on this server, where the session before has found it; only once, as a session that begins in the same way finds it again. */
  takeLost({ uuid }: Pick<ServerFacts, 'uuid'>): TaplineError | undefined {
    const unmet = this.#unmet;
    this.#unmet = undefined;
    return unmet?.uuid === uuid ? unmet.error : undefined;
  }

  /** Whether the next session may find a way where this error, which is fatal by itself, ended one. */
  mayTryAgain(error: unknown, nowMs: number = Date.now()): boolean {
    if (isRetryable(error)) return true;
    if (!(error instanceof TaplineError) || error === this.#refusal) return false;
    if (error.code === 'SOURCE_LOST_TAIL' && this.#server !== undefined) {
      this.#unmet = { uuid: this.#server.uuid, error };
      return true;
    }
    if (!LOOK_AGAIN.has(error.code)) return false;
    const before = this.#lookedAgainMs;
    this.#lookedAgainMs = nowMs;
    return nowMs - before > LOOK_AGAIN_MS;
  }
}
