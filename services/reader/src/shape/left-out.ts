import type { LeftOut } from '@tapline/binlog';
import type { Logger } from '@tapline/kernel';
import type { ReaderConfig } from '../config.ts';
import type { Publisher } from '../publish/publisher.ts';

/** Counts and tells of the large transactions that are not published. */
export class LeftOutTransactions {
  readonly #announces: boolean;
  readonly #log: Logger;
  readonly #publisher: Publisher;
  count = 0;

  constructor(parts: { readonly config: ReaderConfig; readonly log: Logger; readonly publisher: Publisher }) {
    this.#announces = parts.config.transactions.oversize === 'announce';
    this.#log = parts.log;
    this.#publisher = parts.publisher;
  }

  /** The transaction that has begun is one. */
  add(gtid: string, { bytes, tables }: LeftOut): void {
    this.count++;
    if (!this.#announces) return;
    this.#log.info('a large transaction is left out', { gtid, bytes, tables: Object.fromEntries(tables) });
    this.#publisher.leaveOut(tables);
  }
}
