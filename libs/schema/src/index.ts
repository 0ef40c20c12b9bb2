export { compileTableFilter, SYSTEM_DATABASES, type TableFilter, type TableFilterOptions } from './filter.ts';
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
export type { Column, Table, UniqueKey } from './table.ts';
