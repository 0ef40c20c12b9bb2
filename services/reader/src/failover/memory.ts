import { isRetryable, type Logger, TaplineError } from '@tapline/kernel';
import { addressText } from '@tapline/mysql';
import type { ProgressRecord } from '../progress/record.ts';
import type { Role, ServerFacts } from './candidate.ts';

/** What is told of the servers in /state. */
export interface FailoverFacts {
  readonly server?: { readonly address: string; readonly uuid: string; readonly role: Role };
  /** What was found at each configured server when one was last chosen. */
  readonly hosts: Readonly<Record<string, string>>;
  readonly failovers: number;
  readonly last?: { readonly from: string; readonly to: string; readonly atMs: number };
}

/** After an error of these codes, the comparison at the next session's start says what is the matter, or finds another server; not twice in this time. */
const LOOK_AGAIN_MS = 60_000;
const LOOK_AGAIN: ReadonlySet<string> = new Set(['SOURCE_DUMP_REFUSED', 'SOURCE_PURGED', 'SOURCE_BINLOG_RESET']);

/** What the lives of a reader in one process know of its servers in common. */
export class FailoverMemory {
  readonly #log: Logger;
  readonly #onFailover: () => void;
  #server: ServerFacts | undefined;
  #hosts: Readonly<Record<string, string>> = {};
  #failovers = 0;
  #last: FailoverFacts['last'];
  #refusal: TaplineError | undefined;
  #lookedAgainMs = Number.NEGATIVE_INFINITY;

  constructor(log: Logger, onFailover: () => void) {
    this.#log = log;
    this.#onFailover = onFailover;
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
    };
  }

  /** What was found at each server, whether or not one could be chosen. */
  looked(hosts: Readonly<Record<string, string>>): void {
    this.#hosts = hosts;
  }

  /** A server is read from now on; a failover when it is not the one that the record came from. */
  chose(server: ServerFacts, record: Pick<ProgressRecord, 'serverUuid'> | undefined): void {
    this.#server = server;
    if (record === undefined || record.serverUuid === server.uuid) return;
    this.#failovers++;
    this.#last = { from: record.serverUuid, to: server.uuid, atMs: Date.now() };
    this.#onFailover();
    this.#log.warn('another server than before is read from', {
      before: record.serverUuid,
      now: server.uuid,
      address: addressText(server.address),
      role: server.role,
    });
  }

  /** `error` is what the comparison of histories has come to. */
  refused(error: TaplineError): TaplineError {
    this.#refusal = error;
    return error;
  }

  /** Whether the next session may find a way where this error, which is fatal by itself, ended one. */
  mayTryAgain(error: unknown, nowMs: number = Date.now()): boolean {
    if (isRetryable(error)) return true;
    if (!(error instanceof TaplineError) || !LOOK_AGAIN.has(error.code) || error === this.#refusal) return false;
    const before = this.#lookedAgainMs;
    this.#lookedAgainMs = nowMs;
    return nowMs - before > LOOK_AGAIN_MS;
  }
}
