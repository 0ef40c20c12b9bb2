export {
  addressText,
  MYSQL_ADDRESS_FIELDS,
  type MysqlAddress,
  type MysqlTls,
  readTlsMaterial,
  type TlsMaterial,
} from './address.ts';
export { hasReached, isEarlierFile } from './binlog-place.ts';
export type { ChunkKey } from './chunk-key.ts';
export { ChunkReader, type ChunkRequest, type TextChunk } from './chunk-reader.ts';
export { readCollationBook } from './collation-book.ts';
export { type Collation, readCollations } from './collations.ts';
export { type ConnectOptions, connect, type MysqlConnection, type StringRow } from './connection.ts';
export { classifyMysqlError, missingGrantRemedy } from './errors.ts';
export { type CascadingForeignKey, readCascadingForeignKeys } from './foreign-keys.ts';
export { type Grants, parseGrants, readGrants } from './grants.ts';
export { ORIGIN, originComment, originOfStatement, originOfTable, originTable } from './origin-mark.ts';
export { readPreparedXa } from './prepared-xa.ts';
export { quoteName, quoteTable, quoteText } from './quote.ts';
export { type ReplicationStatus, readReplicationStatus } from './replication-status.ts';
export { readRowEstimates } from './row-estimates.ts';
export type { RowBatch, TextRow } from './row-stream.ts';
export { readSchemaState, type SchemaState } from './schema-state.ts';
export {
  type BinlogFile,
  readBinlogEnd,
  readBinlogFiles,
  readGtids,
  readOldestPosition,
  readServerInfo,
  type ServerInfo,
} from './server-info.ts';
export { refuseUnfitSource, sourceFindings } from './source-checks.ts';
export { readTables, tablesNamed } from './tables.ts';
export { waitUntilVisible } from './visible.ts';
