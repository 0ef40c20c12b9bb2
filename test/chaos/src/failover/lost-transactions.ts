import type { TopicContents, TopicRecord } from '../topic.ts';
import type { Lost } from './scene.ts';

/**
 * What no binlog has any more: the changes of lost transactions, with the tombstones behind their deletes, and what was published to take them back: rows (op r)
 * and deletes without a row before, since the failover.
 */
export class LostTransactions implements Lost {
  readonly #intervals: readonly Interval[];
  readonly #sinceMs: number;

  constructor(gtidSet: string, sinceMs: number) {
    this.#intervals = intervalsOf(gtidSet);
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
    const [uuid, number] = gtid?.split(':') ?? [];
    return this.#intervals.some(
      (one) => one.uuid === uuid && one.first <= Number(number) && Number(number) <= one.last,
    );
  }

  #takesBack({ op, before, timestampMs = 0 }: TopicRecord): boolean {
    return timestampMs >= this.#sinceMs && (op === 'r' || (op === 'd' && before === undefined));
  }
}

interface Interval {
  readonly uuid: string;
  readonly first: number;
  readonly last: number;
}

/** Of a GTID set without tags, apart from Tapline's own code. */
function intervalsOf(gtidSet: string): Interval[] {
  return gtidSet.split(',').flatMap((entry) => {
    const [uuid = '', ...intervals] = entry.split(':');
    return intervals.map((text) => {
      const [first = '', last = first] = text.split('-');
      return { uuid, first: Number(first), last: Number(last) };
    });
  });
}
