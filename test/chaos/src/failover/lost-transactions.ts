import { GtidSet } from '@tapline/binlog';
import type { TopicContents, TopicRecord } from '../topic.ts';
import type { Lost } from './scene.ts';

/**
 * What no binlog has any more: the changes of lost transactions, with the tombstones behind their deletes, and what was published to take them back: rows (op r)
 * and deletes without a row before, since the failover.
 */
export class LostTransactions implements Lost {
  readonly #gtids: GtidSet;
  readonly #sinceMs: number;

  constructor(gtidSet: string, sinceMs: number) {
    this.#gtids = GtidSet.parse(gtidSet);
    this.#sinceMs = sinceMs;
  }

  without({ partitions, ...contents }: TopicContents): TopicContents {
    return { ...contents, partitions: partitions.map((records) => this.#kept(records)) };
  }

  #kept(records: readonly TopicRecord[]): TopicRecord[] {
    let inLost = false;
    return records.filter((record) => {
      // A tombstone goes with its delete.
      if (record.op !== 't') inLost = this.#isLost(record) || this.#takesBack(record);
      return !inLost;
    });
  }

  #isLost({ gtid }: TopicRecord): boolean {
    return gtid?.includes(':') === true && this.#gtids.contains(gtid);
  }

  #takesBack({ op, before, timestampMs = 0 }: TopicRecord): boolean {
    return timestampMs >= this.#sinceMs && (op === 'r' || (op === 'd' && before === undefined));
  }
}
