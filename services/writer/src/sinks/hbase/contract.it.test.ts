import { afterAll, beforeAll, describe, test } from '@jest/globals';
import { contractCases } from '@tapline/sink';
import { MovingAddress, testServers } from '@tapline/test-stack';
import { HBaseBench, type Link } from './testing/bench.ts';
import { HBaseEyes } from './testing/eyes.ts';

let eyes: HBaseEyes;
let masters: string;
let reachAt: Record<string, string>;
let links: Link[] = [];
let places = 0;
const RUN = Math.random().toString(36).slice(2, 8);

beforeAll(async () => {
  const { hbase } = await testServers('hbase');
  eyes = new HBaseEyes(hbase.master);
  links = await Promise.all([hbase.master, hbase.regionServer].map(linkTo));
  const [master, regionServer] = links.map(({ address }) => `${address.host}:${address.port}`);
  masters = master ?? '';
  reachAt = { [hbase.master]: masters, [hbase.regionServer]: regionServer ?? '' };
});

afterAll(async () => {
  for (const { address } of links) await address[Symbol.asyncDispose]();
  await eyes?.[Symbol.asyncDispose]();
});

async function linkTo(server: string): Promise<Link> {
  const target = Number(server.slice(server.lastIndexOf(':') + 1));
  return { address: await MovingAddress.open(target), target };
}

const without = {
  spoil: 'a row takes whatever is written to it: nothing that stands there is in the way of a cell',
} as const;

describe.each([
  { name: 'in one family', table: 'contract_one', config: {} },
  { name: 'in two families', table: 'contract_two', config: { families: { name: 'n', blob: 'n', note: 'n' } } },
])('hbase $name', ({ table, config }) => {
  test.each(contractCases(without))('$name', async (one) => {
    const place = `${RUN}${++places}`;
    await one.run(new HBaseBench({ eyes, config: { masters, reachAt, ...config }, table, place, links }));
  });
});
