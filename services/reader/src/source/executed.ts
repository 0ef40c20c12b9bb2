/** What a server has executed, or a stream has passed: a GTID set (MySQL) or a GTID position (MariaDB). */
export interface Executed {
  /** Adds one transaction. */
  add(gtid: string): void;
  contains(other: Executed): boolean;
  /** As the server prints it; what a progress record keeps. */
  toString(): string;
}
