export { absentColumns } from './absent-columns.ts';
export { bindTable } from './bind-table.ts';
export { type ByteSink, GrowingSink } from './byte-sink.ts';
export { decodeText } from './charsets/decode-text.ts';
export { EventFrame, type EventOrigin, eventAttributes } from './cloud-events/event-frame.ts';
export {
  type AvroEnvelope,
  compileEnvelope,
  type SchemaIds,
  type TableEnvelope,
  type TextRow,
} from './compile.ts';
export type { Connector, SnapshotValue } from './envelope-schema.ts';
export { bareValueReader } from './json/bare-values.ts';
export { compileJsonEnvelope, type JsonOptions } from './json/compile-json.ts';
export { parseExact } from './json/exact-json.ts';
export { keyPayload } from './json/key-text.ts';
export { avroNamespace } from './names.ts';
export { type Change, ChangeReader, type ChangeReaderOptions, type ChangeRecord } from './reader/change-reader.ts';
export { EncodedChange } from './reader/encoded-change.ts';
export type { RowVisitor } from './reader/encoded-image.ts';
export type { AbsentNames, Row } from './reader/records.ts';
export type { SourceBlock } from './reader/source-block.ts';
export { type SchemaTable, tableOfSchema } from './reader/table-of-schema.ts';
export type { Value } from './reader/values.ts';
export { UNAVAILABLE_VALUE } from './reduce.ts';
export type { ColumnShape, ColumnShapes } from './shape/column-shape.ts';
export { ColumnValue } from './shape/column-value.ts';
export type { RowImageMode } from './table-plan.ts';
export { type EnvelopeOptions, SOURCE_VERSION } from './table-plan.ts';
export { type ChangeMeta, TransactionContext, type TransactionStart } from './transaction.ts';
export {
  avroTransactionRecords,
  jsonTransactionRecords,
  readTransactionNote,
  type TransactionNote,
  type TransactionRecords,
  transactionIdOf,
} from './transaction-records.ts';
