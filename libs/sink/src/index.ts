export type { Change, Row, Value } from '@tapline/envelope';
export { type ApplyResult, allApplied, allRetry, type Sink, type Verdict } from './contract.ts';
export type { SinkContext, SinkDefinition } from './definition.ts';
export { type ContractCase, change, neverAborted, type SinkBench, tombstone } from './suite/bench.ts';
export { SINK_CONTRACT } from './suite/index.ts';
