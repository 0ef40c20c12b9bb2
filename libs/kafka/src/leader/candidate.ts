import { type Deferred, deferred, isRetryable, sleep, TaplineError } from '@tapline/kernel';
import type { Cluster } from '../cluster.ts';
import { GroupMembership } from '../membership.ts';
import {
  ELECTION_PROTOCOL,
  ELECTION_PROTOCOL_TYPE,
  type Elected,
  elect,
  encodeCandidacy,
  encodeElected,
  readElected,
} from './election.ts';

export interface CandidateOptions {
  /** Its members are candidates; one of them leads. */
  readonly group: string;
  /** A member that is silent so long is a member no more. Brokers take 6,000 to 1,800,000, if nobody changed that. */
  readonly sessionTimeoutMs: number;
  /** For people: host and process. */
  readonly name: string;
  /** Called when another member than before was elected. */
  onElected?(elected: Elected, me: boolean): void;
}

/** While this member leads. */
export interface Term {
  /** Aborted with a TaplineError KAFKA_FENCED when this member does not lead any more. */
  readonly lost: AbortSignal;
  /** Why nothing more should be sent: the term is lost, or this member has not been heard for a session, so that another one may lead. */
  over(): TaplineError | undefined;
}

export type Role = 'joining' | 'standby' | 'leader';

/** How soon a member notices that the group changes: what a hand-over waits for. */
const BEAT_MS = 250;
const WATCH_MS = 500;

/**
 * A member of a group in which one leads.
 *
 * Kafka's coordinator knows who is alive (heartbeats, within the session timeout), and its rebalances are the elections: the members say whether
 * they lead, and whoever Kafka makes the group's leader works out who shall (election.ts). When members come or go, the one that leads goes on leading while the
 * group finds itself anew, and is elected again.
 *
 * This only says who *should* work. That nobody else *can* is the fence's (see Fence): a member that was silent for a session may still be in
 * the middle of sending.
 *
 * Heartbeats run in the event loop that does the work, not in a thread of their own: a reader whose loop hangs should lose its office.
 */
export class Candidate implements AsyncDisposable {
  readonly #cluster: Cluster;
  readonly #options: CandidateOptions;
  readonly #stop = new AbortController();
  readonly #membership: GroupMembership;
  readonly #running: Promise<void>;
  readonly #watch: NodeJS.Timeout;
  #term: OpenTerm | undefined;
  #waiting: Deferred<Term> = deferred<Term>();
  #memberSince = -1;
  #joining = true;
  #heardMs = 0;
  /** Who leads, as of the last election that this member took part in. */
  elected: Elected | undefined;

  constructor(cluster: Cluster, options: CandidateOptions) {
    this.#cluster = cluster;
    this.#options = options;
    const { group, sessionTimeoutMs } = options;
    this.#membership = new GroupMembership(
      cluster,
      {
        group,
        protocolType: ELECTION_PROTOCOL_TYPE,
        protocol: ELECTION_PROTOCOL,
        sessionTimeoutMs,
        rebalanceTimeoutMs: sessionTimeoutMs,
        metadata: () => this.#candidacy(),
        share: (peers) => {
          const elected = encodeElected(elect(peers));
          return new Map(peers.map(({ memberId }) => [memberId, elected]));
        },
      },
      this.#stop.signal,
    );
    this.#waiting.promise.catch(() => undefined);
    // Also while it waits for an answer that does not come.
    this.#watch = setInterval(() => {
      if (this.#silent() !== undefined) this.#end('it was not heard for a session');
    }, WATCH_MS);
    this.#watch.unref();
    this.#running = this.#run().catch((error: unknown) => {
      if (this.#stop.signal.aborted) return;
      this.#end('its membership failed');
      this.#waiting.reject(error);
    });
  }

  get role(): Role {
    if (this.#term !== undefined) return 'leader';
    return this.#memberSince < 0 ? 'joining' : 'standby';
  }

  /** Resolves when this member leads: at once while it does. @throws TaplineError KAFKA_* for good; AbortError. */
  async lead(signal: AbortSignal): Promise<Term> {
    const { promise: stopped, reject } = Promise.withResolvers<never>();
    const onAbort = (): void => reject(signal.reason);
    signal.throwIfAborted();
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      return this.#term ?? (await Promise.race([this.#waiting.promise, stopped]));
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }

  /** Leaves the group: another member leads as soon as it notices. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#stop.signal.aborted) {
      this.#stop.abort(new DOMException('The candidate was closed', 'AbortError'));
      this.#end('it left the group');
    }
    clearInterval(this.#watch);
    await this.#running;
    await this.#membership.leave();
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      this.#joining = true;
      const elected = readElected(await this.#membership.join());
      this.#joining = false;
      this.#heardMs = performance.now();
      const { memberId, generation } = this.#membership.current;
      if (this.#memberSince < 0) this.#memberSince = generation;
      if (this.elected?.memberId !== elected.memberId)
        this.#options.onElected?.(elected, elected.memberId === memberId);
      this.elected = elected;
      if (elected.memberId === memberId) this.#begin(memberId, generation);
      else this.#end(`${elected.name} leads`);
      await this.#beat();
    }
  }

  /** Until the group changes, does not know this member any more, or is to elect anew. */
  async #beat(): Promise<void> {
    const { signal } = this.#stop;
    const { sessionTimeoutMs, group } = this.#options;
    while (!signal.aborted) {
      await sleep(Math.min(BEAT_MS, sessionTimeoutMs / 10), signal).catch(() => undefined);
      if (signal.aborted) return;
      const askedMs = performance.now();
      try {
        if (!(await this.#membership.heartbeat())) break;
        this.#heardMs = askedMs;
        // Heard again after its term was over and before the coordinator missed it: for the group it leads still, and nobody else would be elected.
        if (this.#term === undefined && this.elected?.memberId === this.#membership.current.memberId) break;
      } catch (error) {
        if (signal.aborted) return;
        if (!isRetryable(error)) throw error;
        this.#cluster.logger.debug('Kafka: a heartbeat failed', { error, group });
        if (performance.now() - this.#heardMs > sessionTimeoutMs) break;
      }
    }
    // Silent for a session, or unknown to the coordinator: others may lead. While the group only finds itself anew, the leader goes on.
    const known = this.#membership.current.memberId === this.#term?.memberId;
    if (!known) this.#end('the group does not know this member any more');
    else if (this.#silent() !== undefined) this.#end('it was not heard for a session');
    if (this.#membership.current.memberId === '') this.#memberSince = -1;
  }

  #candidacy(): Buffer {
    const term = this.#term;
    const leads = term !== undefined && term.memberId === this.#membership.current.memberId;
    return encodeCandidacy({
      name: this.#options.name,
      leadsSince: leads ? term.since : -1,
      memberSince: this.#memberSince,
    });
  }

  #begin(memberId: string, since: number): void {
    if (this.#term?.memberId === memberId) return;
    this.#end('it leads as another member');
    this.#term = new OpenTerm(memberId, since, () => this.#silent());
    this.#waiting.resolve(this.#term);
  }

  #end(why: string): void {
    const term = this.#term;
    if (term === undefined) return;
    this.#term = undefined;
    this.#waiting = deferred<Term>();
    this.#waiting.promise.catch(() => undefined);
    term.end(fenced(why));
  }

  #silent(): TaplineError | undefined {
    // While the group finds itself anew, the coordinator waits for the others, and sends no answers.
    const { sessionTimeoutMs } = this.#options;
    const limitMs = this.#joining ? 2 * sessionTimeoutMs : sessionTimeoutMs;
    const silentMs = performance.now() - this.#heardMs;
    return silentMs > limitMs ? fenced(`it was not heard for ${Math.round(silentMs)} ms`) : undefined;
  }
}

class OpenTerm implements Term {
  readonly memberId: string;
  /** The generation of the group in which it began. */
  readonly since: number;
  readonly #silent: () => TaplineError | undefined;
  readonly #ended = new AbortController();

  constructor(memberId: string, since: number, silent: () => TaplineError | undefined) {
    this.memberId = memberId;
    this.since = since;
    this.#silent = silent;
  }

  get lost(): AbortSignal {
    return this.#ended.signal;
  }

  over(): TaplineError | undefined {
    return this.lost.aborted ? (this.lost.reason as TaplineError) : this.#silent();
  }

  end(reason: TaplineError): void {
    this.#ended.abort(reason);
  }
}

function fenced(why: string): TaplineError {
  return new TaplineError('KAFKA_FENCED', { message: `This reader does not lead any more: ${why}.` });
}
