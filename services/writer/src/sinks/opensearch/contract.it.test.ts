import { afterAll, beforeAll, describe, test } from '@jest/globals';
import { loadConfig } from '@tapline/kernel';
import { contractCases, SuiteTables } from '@tapline/sink';
import { MovingAddress, testServers } from '@tapline/test-stack';
import { SearchBench } from '../../search/testing/bench.ts';
import { OPENSEARCH_CONFIG } from './config.ts';
import { opensearchSink } from './index.ts';

let url: string;
let proxy: MovingAddress;
let places = 0;

beforeAll(async () => {
  const { opensearch } = await testServers('opensearch');
  ({ url } = opensearch);
  proxy = await MovingAddress.open(Number(new URL(url).port));
});

afterAll(async () => {
  await proxy?.[Symbol.asyncDispose]();
});

const open: ConstructorParameters<typeof SearchBench>[0]['open'] = (given, context) => {
  const declaration = { name: 'test', doc: 'Test.', fields: { sink: OPENSEARCH_CONFIG } } as const;
  return opensearchSink.open(loadConfig(declaration, { value: { sink: given } }).value.sink, context);
};

const without = {
  spoil: 'any document can be overwritten by a newer one',
  partialRows: 'a document is made of a whole row',
};

describe('opensearch', () => {
  test.each(contractCases(without))('$name', async (one) => {
    const tables = new SuiteTables(one.table);
    const place = `contract-${process.pid}-${++places}`;
    await one.run(new SearchBench({ url, proxy, open, tables, place, unsignedBigint: 'unsigned_long' }));
  });
});
