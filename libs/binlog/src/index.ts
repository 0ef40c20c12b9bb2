export { openBinlogStream } from './stream.ts';
export {
  type BeginEvent,
  type BinlogEvent,
  type BinlogPosition,
  type BinlogStart,
  type BinlogStats,
  type BinlogStream,
  type BinlogStreamOptions,
  COLUMN_STATE,
  type CommitEvent,
  type Flavor,
  type HeartbeatEvent,
  type RowImage,
  type RowsEvent,
  type StatementEvent,
  type TableMap,
  type WireColumn,
} from './types.ts';
export { WIRE_TYPE } from './wire-types.ts';
