import type { Capability, ContractCase } from './bench.ts';
import { FAILURE_CASES } from './failure.ts';
import { ORDER_CASES } from './order.ts';
import { OUTAGE_CASES } from './outage.ts';
import { SCHEMA_CASES } from './schema.ts';
import { VALUE_CASES } from './values.ts';

/**
 * What every sink must do, as cases that know no test framework: a sink's own server test runs each of them on a fresh bench made for `table`.
 * A test of the writer walks the registry of sinks and fails for one whose folder has no such test.
 */
export const SINK_CONTRACT: readonly ContractCase[] = [
  ...ORDER_CASES,
  ...VALUE_CASES,
  ...SCHEMA_CASES,
  ...FAILURE_CASES,
  ...OUTAGE_CASES,
];

/**
 * The cases that a store can have.
 *
 * @param without what the store does not have, with the reason.
 */
export function contractCases(without: Readonly<Partial<Record<Capability, string>>> = {}): readonly ContractCase[] {
  return SINK_CONTRACT.filter(({ needs }) => needs === undefined || without[needs] === undefined);
}
