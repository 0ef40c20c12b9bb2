import { type Finding, failedFinding, goodFinding } from '@tapline/kernel';
import { connect, type MysqlAddress, readGrants, type ServerInfo } from '@tapline/mysql';
import { ANCHOR_DATABASE } from '@tapline/schema';
import type { ReaderConfig } from '../config.ts';
import { ANCHOR_TABLE } from './anchor-table.ts';
import { anchorAddress, anchorGrant } from './anchor-writer.ts';

const CHECK = 'anchors';
const NEEDED = ['SELECT', 'INSERT', 'DELETE'] as const;

/** Whether anchors are written to this server, and could be; nothing where nobody needs them. */
export async function examineAnchors(
  config: Pick<ReaderConfig, 'source'>,
  server: MysqlAddress,
  info: ServerInfo,
): Promise<Finding[]> {
  const { enabled } = config.source.anchors;
  if (enabled === 'off' || (enabled === 'auto' && info.gtidMode !== 'OFF')) return [];
  // Without them another server cannot take over, which a reader that was not told to write them takes.
  const level = enabled === 'on' ? 'fail' : 'warn';
  const address = anchorAddress(config, server);
  try {
    await using connection = await connect(address);
    const grants = await readGrants(connection);
    const lacking = NEEDED.filter((privilege) => !grants.has(privilege, ANCHOR_DATABASE, ANCHOR_TABLE));
    if (lacking.length > 0) {
      const seen = `${address.user} cannot write anchors: it has no ${lacking.join(', ')} on ${ANCHOR_DATABASE}.`;
      return [{ check: CHECK, level, code: 'SOURCE_MISSING_GRANT', seen, mend: anchorGrant(address) }];
    }
    if (info.readOnly) {
      const seen = 'The server is read-only: no anchors are written to it.';
      const mend = 'Read from the source; or wait until this one is promoted.';
      return [{ check: CHECK, level, code: 'SOURCE_READ_ONLY_ANCHORS', seen, mend }];
    }
    return [goodFinding(CHECK, `${address.user} may write anchors.`)];
  } catch (error) {
    return [{ ...failedFinding(CHECK, error), level }];
  }
}
