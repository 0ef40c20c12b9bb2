export type { Change, Row, Value } from '@tapline/envelope';
export { type ApplyResult, allApplied, allRetry, type Sink, type Verdict } from './contract.ts';
export type { SinkContext, SinkDefinition } from './definition.ts';
export { decoder, type SchemaSource } from './engine/decode.ts';
export { type Decode, Engine, type EngineOptions, type Parking, type Transform } from './engine/engine.ts';
export { ENGINE_METRICS } from './engine/metrics.ts';
export { type ContractCase, change, neverAborted, type SinkBench, tombstone } from './suite/bench.ts';
export { SINK_CONTRACT } from './suite/index.ts';
