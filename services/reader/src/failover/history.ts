import { type Flavor, GtidSet, MariadbPosition } from '@tapline/binlog';

/** What a server has executed, as far as its binlog can tell: against it is held what was published. */
export interface History {
  has(gtid: string): boolean;
  /** What `passed` has and the server has not, as text; '' when it has all of it. */
  lacking(passed: string): string;
  /** What both have, as a start for a stream from this server. */
  common(passed: string): string;
  /** Whether it has transactions of a server that `passed` has nothing of. */
  hasOthersThan(passed: string): boolean;
  toString(): string;
}

export function historyOf(flavor: Flavor, executed: string): History {
  return flavor === 'mysql' ? new MysqlHistory(executed) : new MariadbHistory(executed);
}

/** `gtidSet` and these transactions behind it, in their order: what was passed, as text. @throws TaplineError SOURCE_GTID_INVALID. */
export function passedWith(flavor: Flavor, gtidSet: string, gtids: readonly string[]): string {
  const passed = flavor === 'mysql' ? GtidSet.parse(gtidSet) : MariadbPosition.parse(gtidSet);
  for (const gtid of gtids) passed.add(gtid);
  return passed.toString();
}

class MysqlHistory implements History {
  readonly #executed: GtidSet;

  constructor(executed: string) {
    this.#executed = GtidSet.parse(executed);
  }

  has(gtid: string): boolean {
    return this.#executed.contains(gtid);
  }

  lacking(passed: string): string {
    return GtidSet.parse(passed).subtract(this.#executed).toString();
  }

  common(passed: string): string {
    const set = GtidSet.parse(passed);
    return set.subtract(set.subtract(this.#executed)).toString();
  }

  hasOthersThan(passed: string): boolean {
    const known = sourcesOf(passed);
    return [...sourcesOf(this.#executed.toString())].some((uuid) => !known.has(uuid));
  }

  toString(): string {
    return this.#executed.toString();
  }
}

const UUID_LENGTH = 36;

function sourcesOf(gtidSet: string): Set<string> {
  return new Set(
    gtidSet
      .split(',')
      .filter((entry) => entry !== '')
      .map((entry) => entry.slice(0, UUID_LENGTH)),
  );
}

interface MariadbGtid {
  readonly domain: string;
  readonly server: string;
  readonly sequence: bigint;
}

/**
 * MariaDB's `gtid_binlog_state`: the last transaction of each server in each domain. A transaction is in the binlog, or was in the part that is purged,
 * when its own server's last one is not before it; sequence numbers of different servers say nothing of each other.
 */
class MariadbHistory implements History {
  readonly #text: string;
  readonly #last = new Map<string, bigint>();

  /** @param state entries of gtid_binlog_state, and of gtid_slave_pos for a server whose binlog began behind them. */
  constructor(state: string) {
    this.#text = state;
    for (const { domain, server, sequence } of entriesOf(state)) {
      const key = `${domain}-${server}`;
      if (sequence > (this.#last.get(key) ?? -1n)) this.#last.set(key, sequence);
    }
  }

  has(gtid: string): boolean {
    const [entry] = entriesOf(gtid);
    return entry !== undefined && entry.sequence <= this.#of(entry);
  }

  lacking(passed: string): string {
    return entriesOf(passed)
      .filter((entry) => entry.sequence > this.#of(entry))
      .map(({ domain, server, sequence }) => `${domain}-${server}-${sequence}`)
      .join(',');
  }

  common(passed: string): string {
    const shared = entriesOf(passed).flatMap((entry) => {
      const last = this.#of(entry);
      if (last < 0n) return [];
      const sequence = last < entry.sequence ? last : entry.sequence;
      return [`${entry.domain}-${entry.server}-${sequence}`];
    });
    return MariadbPosition.parse(shared.join(',')).toString();
  }

  hasOthersThan(passed: string): boolean {
    const known = new Set(entriesOf(passed).map(({ domain, server }) => `${domain}-${server}`));
    return [...this.#last.keys()].some((key) => !known.has(key));
  }

  toString(): string {
    return this.#text;
  }

  #of({ domain, server }: MariadbGtid): bigint {
    return this.#last.get(`${domain}-${server}`) ?? -1n;
  }
}

function entriesOf(text: string): MariadbGtid[] {
  return text
    .split(',')
    .filter((entry) => entry !== '')
    .map((entry) => {
      const [domain = '', server = '', sequence = ''] = entry.split('-');
      return { domain, server, sequence: BigInt(sequence) };
    });
}
