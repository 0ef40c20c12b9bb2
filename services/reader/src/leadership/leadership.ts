import { hostname } from 'node:os';
import type { Candidate, Elected, Kafka, Term } from '@tapline/kafka';
import { type Logger, TaplineError } from '@tapline/kernel';
import type { ReaderConfig } from '../config.ts';
import { openReaderKafka } from '../fencing/life-keeper.ts';

export interface LeadershipFacts {
  /** `leader` without standbys too: it is the one that works. */
  readonly role: 'leader' | 'standby' | 'joining';
  /** Host and process of the one that leads; absent while that is not known. */
  readonly leader?: string;
  /** How often this process began to lead. */
  readonly takeovers: number;
}

/**
 * When this reader may work. Without standbys that is always; with them, while the group of the source's readers has elected it.
 *
 * It only keeps readers from working for nothing: what keeps them from writing both is the life's fence.
 */
export class Leadership implements AsyncDisposable {
  readonly #config: ReaderConfig;
  readonly #log: Logger;
  readonly #name: string = `${hostname()} (process ${process.pid})`;
  #kafka: Kafka | undefined;
  #candidate: Candidate | undefined;
  #term: Term | undefined;
  #takeovers = 0;

  constructor(config: ReaderConfig, log: Logger) {
    this.#config = config;
    this.#log = log;
  }

  get facts(): LeadershipFacts {
    const candidate = this.#candidate;
    const takeovers = this.#takeovers;
    if (!this.#config.leadership.enabled) return { role: 'leader', leader: this.#name, takeovers };
    const leader = candidate?.elected?.name;
    return { role: candidate?.role ?? 'joining', ...(leader === undefined ? {} : { leader }), takeovers };
  }

  /** How long others can wait for this one to stop; without end when there are none. */
  get handOverMs(): number {
    const { enabled, handOverMs } = this.#config.leadership;
    return enabled ? handOverMs : Number.POSITIVE_INFINITY;
  }

  /** Why this reader must not write now; undefined: it may. */
  over(): TaplineError | undefined {
    return this.#term?.over();
  }

  /** Resolves when this reader may work, with a signal that aborts when it may no longer. @throws what the group fails with for good; AbortError. */
  async lead(stop: AbortSignal): Promise<AbortSignal> {
    if (!this.#config.leadership.enabled) {
      if (this.#takeovers === 0) this.#takeovers++;
      return NEVER;
    }
    this.#candidate ??= this.#join();
    const term = await this.#candidate.lead(stop);
    if (term !== this.#term) {
      this.#term = term;
      this.#takeovers++;
      this.#log.info('leading', { name: this.#name });
    }
    return term.lost;
  }

  /** Whether the error says that another reader works now, for which this one stands by. */
  isLoss(error: unknown): boolean {
    return this.#config.leadership.enabled && error instanceof TaplineError && error.code === 'KAFKA_FENCED';
  }

  /** Leaves the group: a standby leads as soon as it notices. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#candidate?.[Symbol.asyncDispose]();
    await this.#kafka?.[Symbol.asyncDispose]();
  }

  #join(): Candidate {
    const { name, leadership } = this.#config;
    const group = leadership.group === '' ? `${name}.leader` : leadership.group;
    const onElected = (elected: Elected, me: boolean): void => {
      if (!me) this.#log.info('standing by', { group, leader: elected.name });
    };
    this.#log.info('joining the readers of this source', { group, name: this.#name });
    this.#kafka = openReaderKafka(this.#config, this.#log);
    return this.#kafka.candidate({ group, sessionTimeoutMs: leadership.sessionTimeoutMs, name: this.#name, onElected });
  }
}

const NEVER = new AbortController().signal;
