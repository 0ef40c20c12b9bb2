import type { SinkContext } from '@tapline/sink';
import type { MysqlConfig } from './config.ts';
import { DdlReplicator } from './ddl/replicator.ts';
import { Session, SessionPool } from './session.ts';
import type { OffsetsUse } from './state.ts';
import { TargetTables } from './tables.ts';

/** What the sink of either order is made of. */
export interface SinkParts {
  readonly pool: SessionPool;
  readonly tables: TargetTables;
  /** Undefined: nobody knows how far the writer is. */
  readonly ddl: DdlReplicator | undefined;
}

/** Tables know of statements that changes wait for, and statements make tables be looked at again. */
export function sinkParts(config: MysqlConfig, context: SinkContext, offsets?: OffsetsUse): SinkParts {
  const { name, log, tables: catalog, progress } = context;
  const pool = new SessionPool((signal) => Session.open(config, signal));
  let ddl: DdlReplicator | undefined;
  const tables = new TargetTables({
    pool,
    config,
    catalog,
    log,
    versionOf: (topic) => ddl?.versionOf(topic),
    hasHistory: (topic) => ddl?.hasHistory(topic) === true,
    ...(offsets === undefined ? {} : { offsets }),
  });
  if (progress !== undefined)
    ddl = new DdlReplicator({ config, pool, name, catalog, progress, log, altered: () => tables.forget() });
  return { pool, tables, ddl };
}
