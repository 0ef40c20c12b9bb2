import { type Flavor, GtidSet, MariadbPosition } from '@tapline/binlog';

/** What a server has executed, or a stream has passed: a GTID set (MySQL) or a GTID position (MariaDB). */
export interface Executed {
  /** Adds one transaction. */
  add(gtid: string): void;
  /** Whether this one transaction is in here. */
  contains(gtid: string): boolean;
  /** Whether everything in `other`, which is of the same flavor, is in here too. */
  includes(other: Executed): boolean;
  /** As the server prints it; what a progress record keeps. */
  toString(): string;
}

/** @throws TaplineError SOURCE_GTID_INVALID. */
export function parseExecuted(flavor: Flavor, text: string): Executed {
  // Both take their own kind in `includes`, and one source has one flavor.
  return (flavor === 'mysql' ? GtidSet.parse(text) : MariadbPosition.parse(text)) as Executed;
}
