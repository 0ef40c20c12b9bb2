import type { ContractCase } from './bench.ts';
import { FAILURE_CASES } from './failure.ts';
import { ORDER_CASES } from './order.ts';
import { VALUE_CASES } from './values.ts';

/**
 * What every sink must do, as cases that know no test framework: a sink's own server test runs each of them on a fresh bench.
 * A test of the writer walks the registry of sinks and fails for one whose folder has no such test.
 */
export const SINK_CONTRACT: readonly ContractCase[] = [...ORDER_CASES, ...VALUE_CASES, ...FAILURE_CASES];
