import { afterAll, beforeAll, describe, test } from '@jest/globals';
import { loadConfig } from '@tapline/kernel';
import { contractCases, SuiteTables } from '@tapline/sink';
import { MovingAddress, testServers } from '@tapline/test-stack';
import { SearchBench } from '../../search/testing/bench.ts';
import { ELASTICSEARCH_CONFIG } from './config.ts';
import { elasticsearchSink } from './index.ts';

let url: string;
let proxy: MovingAddress;
let places = 0;

beforeAll(async () => {
  const { elasticsearch } = await testServers('elasticsearch');
  ({ url } = elasticsearch);
  proxy = await MovingAddress.open(Number(new URL(url).port));
});

afterAll(async () => {
  await proxy?.[Symbol.asyncDispose]();
});

const open: ConstructorParameters<typeof SearchBench>[0]['open'] = (given, context) => {
  const declaration = { name: 'test', doc: 'Test.', fields: { sink: ELASTICSEARCH_CONFIG } } as const;
  return elasticsearchSink.open(loadConfig(declaration, { value: { sink: given } }).value.sink, context);
};

const without = {
  spoil: 'any document can be overwritten by a newer one',
  partialRows: 'a document is made of a whole row',
};

describe('elasticsearch', () => {
  test.each(contractCases(without))('$name', async (one) => {
    const tables = new SuiteTables(one.table);
    const place = `contract-${process.pid}-${++places}`;
    await one.run(new SearchBench({ url, proxy, open, tables, place, unsignedBigint: 'keyword' }));
  });
});
