import { TaplineError } from '@tapline/kernel';

interface Last {
  readonly serverId: number;
  readonly sequence: bigint;
}

const GTID = /^([0-9]{1,10})-([0-9]{1,10})-([0-9]{1,20})$/;

/**
 * A MariaDB GTID position, as of `gtid_slave_pos`: the last transaction of each replication domain, `domain-server-sequence`, comma-separated.
 * Within a domain the binlog has one order, so the last one stands for all before it.
 */
export class MariadbPosition {
  readonly #domains = new Map<number, Last>();

  /** @throws TaplineError SOURCE_GTID_INVALID */
  static parse(text: string): MariadbPosition {
    const position = new MariadbPosition();
    for (const entry of text.replace(/\s+/g, '').split(',')) {
      if (entry === '') continue;
      const { domain, last } = parseGtid(entry);
      if (position.#domains.has(domain)) throw invalid(text, `domain ${domain} is there twice`);
      position.#domains.set(domain, last);
    }
    return position;
  }

  get isEmpty(): boolean {
    return this.#domains.size === 0;
  }

  /**
   * The transaction is now the last of its domain, even with a lower sequence number: after a failover another server counts on from what it
   * had. @throws SOURCE_GTID_INVALID
   */
  add(gtid: string): void {
    const { domain, last } = parseGtid(gtid);
    this.#domains.set(domain, last);
  }

  /** The last transaction of the same domain, behind which this one would come; '' when it would be the first. @throws SOURCE_GTID_INVALID */
  lastInDomainOf(gtid: string): string {
    const { domain } = parseGtid(gtid);
    const last = this.#domains.get(domain);
    return last === undefined ? '' : `${domain}-${last.serverId}-${last.sequence}`;
  }

  /**
   * Whether the transaction is at or before the position. Sequence numbers of another server than the last one cannot be compared: that is
   * "no", so that in doubt a transaction is read again rather than skipped. @throws SOURCE_GTID_INVALID
   */
  contains(gtid: string): boolean {
    const { domain, last } = parseGtid(gtid);
    const known = this.#domains.get(domain);
    return known !== undefined && known.serverId === last.serverId && last.sequence <= known.sequence;
  }

  /** Whether everything up to `other` is at or before this position, as far as can be known (see `contains`). */
  includes(other: MariadbPosition): boolean {
    return other.#entries().every((gtid) => this.contains(gtid));
  }

  /**
   * Whether it is sure that something up to `other` is not at or before this position. `ordered`: sequence numbers grow within a domain whichever
   * server gives them (gtid_strict_mode); without it, those of two servers cannot be compared, and nothing is sure.
   */
  lacks(other: MariadbPosition, ordered: boolean): boolean {
    return [...other.#domains].some(([domain, last]) => {
      const known = this.#domains.get(domain);
      if (known === undefined) return true;
      return (ordered || known.serverId === last.serverId) && known.sequence < last.sequence;
    });
  }

  equals(other: MariadbPosition): boolean {
    return this.toString() === other.toString();
  }

  /** Sorted by domain. */
  toString(): string {
    return this.#entries().join(',');
  }

  #entries(): string[] {
    const sorted = [...this.#domains].sort(([a], [b]) => a - b);
    return sorted.map(([domain, { serverId, sequence }]) => `${domain}-${serverId}-${sequence}`);
  }
}

function parseGtid(text: string): { readonly domain: number; readonly last: Last } {
  const [, domainText, serverText, sequenceText] = GTID.exec(text) ?? [];
  const domain = Number(domainText);
  const serverId = Number(serverText);
  const sequence = BigInt(sequenceText ?? 0);
  if (!(domain < 2 ** 32 && serverId < 2 ** 32 && sequence < 2n ** 64n))
    throw invalid(text, 'it is not domain-server-sequence');
  return { domain, last: { serverId, sequence } };
}

function invalid(text: string, why: string): TaplineError {
  return new TaplineError('SOURCE_GTID_INVALID', {
    message: `"${text.slice(0, 200)}" is not a MariaDB GTID position: ${why}`,
  });
}
