export { type Change, EncodedChange, type Row, type RowVisitor, type Value } from '@tapline/envelope';
export { TopicTables } from './catalog/catalog.ts';
export {
  type ApplyResult,
  allApplied,
  allRetry,
  type Place,
  type Places,
  type Sink,
  type Verdict,
} from './contract.ts';
export {
  type Beside,
  type BesideContext,
  DEFAULT_TRAITS,
  type Exchange,
  type PartitionOrder,
  type SinkContext,
  type SinkDefinition,
  type SinkTraits,
  type Transactions,
  type WriterProgress,
} from './definition.ts';
export { claimedBytes } from './engine/claims.ts';
export { Consumption, type ConsumptionOptions, type Taking } from './engine/consumption.ts';
export { type ChangeDecode, decoder, type SchemaSource } from './engine/decode.ts';
export { type Decode, type Decoded, Engine, type EngineOptions, type Parking } from './engine/engine.ts';
export { ENGINE_METRICS } from './engine/metrics.ts';
export type { Lag } from './engine/partitions.ts';
export { PatientDecoder } from './engine/patient-decoder.ts';
export { copyOf, placedAt } from './engine/records.ts';
export { StateKeeper } from './engine/state.ts';
export { committedAt, Tally } from './engine/tally.ts';
export { type Capability, type ContractCase, change, neverAborted, type SinkBench, tombstone } from './suite/bench.ts';
export { contractCases } from './suite/index.ts';
export { SUITE_TOPIC, SuiteTables, suiteTable } from './suite/tables.ts';
export { type DescribeOptions, NO_TABLES, type TableCatalog, type TablePlace, type TableShape } from './tables.ts';
export type { AppliedPlace, TransactionSink } from './transactions.ts';
