export { locateRowError } from './event-errors.ts';
export { FilePosition } from './file-position.ts';
export { GtidSet } from './gtid-set.ts';
export { type LargeTransactionOptions, withoutLargeTransactions } from './large-transactions.ts';
export { MariadbPosition } from './mariadb-position.ts';
export { type BinlogRecording, replayBinlog } from './replay.ts';
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
  type LastEvent,
  type LeftOut,
  type PreparedEvent,
  type RowImage,
  type RowsEvent,
  type StatementEvent,
  type TableMap,
  type WireColumn,
  type XaDecision,
} from './types.ts';
export { readDecimal } from './values/decimal.ts';
export { writeJsonText } from './values/json-text.ts';
export { readBit, readEnum, readGeometry, readSet, readVector } from './values/scalars.ts';
export {
  readDate,
  readDatetime,
  readDatetime2,
  readTime,
  readTime2,
  readTimestamp,
  readTimestamp2,
  readYear,
} from './values/temporal.ts';
export { WIRE_TYPE } from './wire-types.ts';
