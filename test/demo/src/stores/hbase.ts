import { type Cell, HBaseEyes } from '@tapline/writer/testing/hbase';
import type { ShopTable } from '../shop.ts';
import { type DemoStore, type OpenStore, rowName, type StoredRow } from './store.ts';

const FAMILY = 'd';

const tableOf = (table: ShopTable): string => `demo_${table.name}`;

/** A row a row, its columns as text in one family. */
export const openHBase: OpenStore = async (stack) => {
  const server = await stack.add('hbase');
  const { master } = server.address;
  const eyes = new HBaseEyes(master);
  const store: DemoStore = {
    title: 'HBase',
    address: master,
    server,
    sink: { type: 'hbase', masters: master, table: 'demo_${table}', family: FAMILY },
    pollMs: 3,
    async row(table, key) {
      try {
        const cells = await eyes.row(tableOf(table), Buffer.from(rowName(key)), [FAMILY]);
        return cells.length === 0 ? undefined : texts(cells);
      } catch (error) {
        eyes.cluster.forget(tableOf(table));
        throw error;
      }
    },
    async rows(table) {
      const rows = new Map<string, StoredRow>();
      for await (const { row, cells } of eyes.rows(tableOf(table), [FAMILY])) rows.set(row.toString(), texts(cells));
      return rows;
    },
    [Symbol.asyncDispose]: () => eyes[Symbol.asyncDispose](),
  };
  return store;
};

function texts(cells: readonly Cell[]): StoredRow {
  return Object.fromEntries(cells.map(({ column, value }) => [column, value.toString()]));
}
