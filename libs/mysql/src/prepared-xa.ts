import { TaplineError } from '@tapline/kernel';
import type { MysqlConnection } from './connection.ts';

const ER_XAER_RMERR = 1401;

/**
 * The XA transactions that are prepared and undecided now, as `XA COMMIT` takes them. undefined: the account may not ask
 * (MySQL: XA_RECOVER_ADMIN; MariaDB answers anybody).
 */
export async function readPreparedXa(connection: MysqlConnection, signal?: AbortSignal): Promise<string[] | undefined> {
  try {
    if (connection.flavor === 'mariadb') {
      const rows = await connection.query("XA RECOVER FORMAT='SQL'", signal);
      return rows.map(([, , , xid]) => xid ?? '');
    }
    const rows = await connection.query('XA RECOVER CONVERT XID', signal);
    return rows.map(([format, gtridBytes, , data]) => {
      const hex = (data ?? '').slice(2).toLowerCase();
      const cut = Number(gtridBytes) * 2;
      return `X'${hex.slice(0, cut)}',X'${hex.slice(cut)}',${format ?? ''}`;
    });
  } catch (error) {
    const cause = error instanceof TaplineError ? (error.cause as { errno?: number } | undefined) : undefined;
    if (cause?.errno === ER_XAER_RMERR) return undefined;
    throw error;
  }
}
