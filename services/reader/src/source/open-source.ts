import type { Logger } from '@tapline/kernel';
import {
  addressText,
  type Collation,
  connect,
  type MysqlAddress,
  readCascadingForeignKeys,
  readCollations,
  readGrants,
  readServerInfo,
  readTables,
  refuseUnfitSource,
  type ServerInfo,
  sourceFindings,
} from '@tapline/mysql';
import { compileKeys, compileTableFilter, type Table, type TableFilter, type TableKeys } from '@tapline/schema';
import type { ReaderConfig } from '../config.ts';
import { checkShape } from '../shape/check.ts';
import { Shape } from '../shape/rules.ts';
import type { Tracking } from './executed.ts';

/** A source that has been looked at and found fit to be followed. */
export interface Source {
  readonly address: MysqlAddress;
  readonly info: ServerInfo;
  readonly tracking: Tracking;
  readonly filter: TableFilter;
  readonly keys: TableKeys;
  readonly shape: Shape;
  /** The captured tables as they are now, for the first load. */
  readonly tables: readonly Table[];
  readonly collations: ReadonlyMap<number, Collation>;
}

/**
 * Looks at the source before anything is streamed: everything that would make a capture wrong or incomplete is refused here, with what mends it.
 *
 * @throws TaplineError SOURCE_* for settings and grants, SCHEMA_NO_KEY for a captured table without a key, SHAPE_MISMATCH for one that does not fit its
 * rules, CONFIG_INVALID for table patterns.
 *
 * `isTail`: the configuration is an earlier one, and need not fit the tables as they are now.
 */
export async function openSource(
  address: MysqlAddress,
  config: ReaderConfig,
  { isTail, log, signal }: { readonly isTail: boolean; readonly log: Logger; readonly signal: AbortSignal },
): Promise<Source> {
  await using connection = await connect(address, signal);
  const info = await readServerInfo(connection, signal);
  const { include, exclude, ghostTables } = config.source;
  const { lowerCaseTableNames } = info;
  const filter = compileTableFilter({ include, exclude, ghostTables, lowerCaseTableNames });
  const keys = compileKeys(config.keys, { lowerCaseTableNames });
  const shape = Shape.compile(config.shape, lowerCaseTableNames);
  const findings = sourceFindings({
    info,
    grants: await readGrants(connection, signal),
    account: `'${address.user}'@'%'`,
    rowImage: config.source.rowImage,
    cascades: await readCascadingForeignKeys(connection, filter, signal),
  });
  refuseUnfitSource(findings, address);
  for (const { check, seen, mend } of findings.filter(({ level }) => level === 'warn')) log.warn(seen, { check, mend });

  const collations = await readCollations(connection, signal);
  const tables = await readTables(connection, filter, signal);
  if (!isTail) {
    for (const table of tables) keys.columnsOf(table);
    checkShape(shape, tables, { keys, config, log });
  }
  for (const pattern of filter.unmatched(tables)) {
    log.warn('a pattern of source.include matches no table now', { pattern });
  }
  for (const pattern of keys.unmatched(tables)) log.warn('an entry of keys matches no captured table now', { pattern });
  log.info('source is fit', {
    address: addressText(address),
    version: info.version,
    serverUuid: info.serverUuid,
    tables: tables.length,
  });
  const tracking = info.gtidMode === 'OFF' ? 'file' : info.flavor;
  return { address, info, tracking, filter, keys, shape, tables, collations };
}
