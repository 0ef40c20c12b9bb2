export type { TableAction } from './ddl/alter-table.ts';
export { Catalog, type CatalogOptions, type TableChange } from './ddl/catalog.ts';
export type { CharsetInfo, CollationBook, TextDefaults } from './ddl/collations.ts';
export type { TableName } from './ddl/cursor.ts';
export { type DdlDialect, type DdlServer, type DdlSession, dialectOf, serverVersionNumber } from './ddl/dialect.ts';
export { withFills } from './ddl/fill.ts';
export { hiddenColumns } from './ddl/hidden-columns.ts';
export { type Rewriting, rewriteDdl } from './ddl/rewrite.ts';
export { type Ddl, databaseOfDdl, readDdl, tablesOfDdl, type Unread } from './ddl/statement.ts';
export { type Key, type TableState, tableOfState } from './ddl/table-state.ts';
export {
  ANCHOR_DATABASE,
  compileTableFilter,
  SYSTEM_DATABASES,
  type TableFilter,
  type TableFilterOptions,
} from './filter.ts';
export { applyChanges, stateChanges, unknownState } from './history/changes.ts';
export { columnText, diffCatalogs, keyText } from './history/diff.ts';
export {
  type Barrier,
  type DatabaseChange,
  type DdlRecord,
  decodeHistoryRecord,
  encodeHistoryRecord,
  type HistoryPlace,
  type HistoryRecord,
  hashOfSql,
  keptSql,
  type LaterState,
  type SnapshotBegin,
  type StateChange,
} from './history/record.ts';
export { HistoryTimeline, type HistoryView, tableKey } from './history/timeline.ts';
export {
  compileKeys,
  type KeyChoice,
  type KeysConfig,
  type KeysOptions,
  keyColumnsOf,
  type TableKeys,
  uniqueColumnsOf,
} from './keys.ts';
export { compileTablePattern, type LowerCaseTableNames, patternOf, type TablePattern } from './pattern.ts';
export { type Column, SPATIAL_TYPES, type Table, type UniqueKey } from './table.ts';
