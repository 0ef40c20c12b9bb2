import { type MysqlConnection, readCollationBook } from '@tapline/mysql';
import { type CatalogOptions, type DdlServer, serverVersionNumber } from '@tapline/schema';
import type { Source } from '../source/open-source.ts';

/** What statements mean on this source. */
export interface SourceDialect {
  readonly server: DdlServer;
  readonly catalog: CatalogOptions;
}

export async function readSourceDialect(
  connection: MysqlConnection,
  { info }: Pick<Source, 'info'>,
  signal: AbortSignal,
): Promise<SourceDialect> {
  const [row] = await connection.query(
    'SELECT @@GLOBAL.character_set_server, @@GLOBAL.collation_server, @@GLOBAL.explicit_defaults_for_timestamp',
    signal,
  );
  const [charset, collation, explicitTimestamps] = row ?? [];
  return {
    server: {
      flavor: info.flavor,
      version: serverVersionNumber(info.version),
      explicitTimestamps: explicitTimestamps === '1' || explicitTimestamps === 'ON',
    },
    catalog: {
      lowerCaseTableNames: info.lowerCaseTableNames,
      book: await readCollationBook(connection, signal),
      serverText: { charset: charset ?? 'utf8mb4', collation: collation ?? 'utf8mb4_general_ci' },
    },
  };
}
