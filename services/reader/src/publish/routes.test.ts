import { expect, test } from '@jest/globals';
import type { TableMap } from '@tapline/binlog';
import type { Table } from '@tapline/schema';
import { Shape } from '../shape/rules.ts';
import type { TableFormat } from './format.ts';
import { Routes } from './routes.ts';
import type { TopicLanes } from './topic-lanes.ts';

const layout = (table: string): TableMap => ({ id: 1, database: 'shop', table, columns: [] });

interface Scene {
  readonly routes: Routes;
  /** What was asked for, in order. */
  readonly asked: string[];
  /** Tables whose topic is refused. */
  readonly refused: Set<string>;
}

function scene(): Scene {
  const asked: string[] = [];
  const refused = new Set<string>();
  const describe = async ({ database, table }: TableMap): Promise<Table> => ({
    database,
    name: table,
    columns: [],
    primaryKey: ['id'],
    uniqueKeys: [],
  });
  const openAll = async (wanted: readonly { readonly table: string }[]): Promise<void> => {
    asked.push(`topics ${wanted.map(({ table }) => table).join()}`);
    const bad = wanted.find(({ table }) => refused.has(table));
    if (bad !== undefined) throw new Error(`no topic for ${bad.table}`);
  };
  const routes = new Routes({
    source: 's',
    flavor: 'mysql',
    describe,
    completed: (table) => table,
    topicNumber: () => 1,
    keys: { columnsOf: () => ['id'], unmatched: () => [] },
    shape: Shape.compile({ rules: [] }, 0),
    rowImage: 'full',
    format: {
      originOf: async () => undefined,
      transactions: () => Promise.reject(new Error('not asked for here')),
      compile: () => ({ register: async (topic: string) => void asked.push(topic) }) as unknown as TableFormat,
    },
    topics: {
      openAll,
      async open(wanted) {
        if (refused.has(wanted.table)) await openAll([wanted]);
        return {} as TopicLanes;
      },
    },
  });
  return { routes, asked, refused };
}

test('tables that appear together have their topics opened in one go', async () => {
  const { routes, asked } = scene();
  const [a, b] = [layout('a'), layout('b')];
  await routes.openAhead([a, b]);
  expect(asked).toEqual(['topics shop.a,shop.b', 's.shop.a', 's.shop.b']);
  expect([a, b].map((of) => routes.find(of)?.name)).toEqual(['shop.a', 'shop.b']);
});

test('a table that cannot be opened stops nobody before its own rows come', async () => {
  const { routes, refused } = scene();
  const [a, b] = [layout('a'), layout('b')];
  refused.add('shop.b');
  await routes.openAhead([a, b]);
  await expect(routes.open(a)).resolves.toMatchObject({ name: 'shop.a' });
  await expect(routes.open(b)).rejects.toThrow('no topic for shop.b');
});
