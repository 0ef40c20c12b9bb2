export { type Comparison, compare } from './compare.ts';
export { type Load, type LoadOptions, type LoadStats, startLoad } from './load.ts';
export { createTables, LOAD_KEYS } from './load-tables.ts';
export { type Oracle, type OracleOptions, readOracle } from './oracle.ts';
export { chaosSeed, Random } from './random.ts';
export { tableImages } from './table-images.ts';
export { type TopicContents, TopicReader, type TopicRecord } from './topic.ts';
