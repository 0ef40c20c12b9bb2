import type { StringRow } from '@tapline/mysql';
import type { Session } from './session.ts';

/**
 * Statements of one transaction, in their order, in as few packets as their answers allow: each packet is a wait for the server, and for our own turn when it has answered.
 * One that is refused ends its packet, so nothing is committed behind it.
 */
export class Script {
  readonly #session: Session;
  readonly #signal: AbortSignal;
  #waiting: string[] = [];

  constructor(session: Session, signal: AbortSignal) {
    this.#session = session;
    this.#signal = signal;
  }

  /** Leaves with the next one that is run. */
  later(...statements: readonly string[]): void {
    this.#waiting.push(...statements);
  }

  /** @returns the rows of this one. */
  run(sql: string): Promise<StringRow[]> {
    const statements = [...this.#waiting, sql];
    this.#waiting = [];
    return this.#session.script(statements, this.#signal);
  }
}
