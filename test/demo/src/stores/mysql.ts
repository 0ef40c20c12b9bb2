import { createPool, type RowDataPacket } from 'mysql2/promise';
import { type ShopTable, selectRows, storedRow } from '../shop.ts';
import { type DemoStore, type OpenStore, rowName, type StoredRow } from './store.ts';

const BAD_FIELD = 1054;
const NO_SUCH_TABLE = 1146;

/** The same tables in a second server. */
export const openMysql: OpenStore = async (stack) => {
  const server = await stack.add('mysql', { name: 'copy', settings: { 'innodb-buffer-pool-size': '64M' } });
  const { host, port, user, password } = server.address;
  const pool = createPool({ ...server.address, connectionLimit: 2, supportBigNumbers: true, bigNumberStrings: true });

  /** A table or a column that has not come yet holds nothing. */
  async function select(table: ShopTable, rest: string): Promise<(string | null)[][]> {
    try {
      const [rows] = await pool.query<RowDataPacket[][]>({ sql: selectRows(table, rest), rowsAsArray: true });
      return rows as unknown as (string | null)[][];
    } catch (error) {
      const { errno } = error as { errno?: number };
      if (errno === BAD_FIELD || errno === NO_SUCH_TABLE) return [];
      throw error;
    }
  }

  const store: DemoStore = {
    title: 'MySQL copy',
    address: `mysql -h${host} -P${port} -u${user}`,
    server,
    sink: { type: 'mysql', host, port, user, password },
    pollMs: 3,
    async row(table, key) {
      const where = table.key.map((column, at) => `\`${column}\` = ${pool.escape(key[at])}`).join(' AND ');
      const [row] = await select(table, `WHERE ${where}`);
      return row === undefined ? undefined : storedRow(table, row);
    },
    async rows(table) {
      const rows = new Map<string, StoredRow>();
      for (const row of await select(table, '')) {
        const found = storedRow(table, row);
        rows.set(rowName(table.key.map((column) => found[column] ?? '')), found);
      }
      return rows;
    },
    [Symbol.asyncDispose]: () => pool.end(),
  };
  return store;
};
