import { expect, test } from '@jest/globals';
import { loadConfig } from '@tapline/kernel';
import { change, tombstone } from '@tapline/sink';
import { elasticsearchSink } from '../sinks/elasticsearch/index.ts';
import { SEARCH_FIELDS } from './config.ts';

const DECLARATION = {
  name: 'test',
  doc: 'Test.',
  fields: { sink: { type: 'group', fields: SEARCH_FIELDS as typeof SEARCH_FIELDS } },
} as const;

function previewed(given: Readonly<Record<string, unknown>>): readonly string[] | undefined {
  const { sink } = loadConfig(DECLARATION, { value: { sink: given } }).value;
  const changes = [
    change(9n, { id: 1 }, { id: 1, big: 2n ** 63n - 1n, note: null }),
    change(10n, { id: 1 }),
    tombstone(11n, { id: 1 }),
  ];
  return elasticsearchSink.preview?.(changes, sink);
}

test('a dry run shows the lines of a bulk', () => {
  expect(previewed({})).toEqual([
    '{"index":{"_index":"item","_id":"1","version":9,"version_type":"external"}}\n{"id":1,"big":9223372036854775807,"note":null}',
    '{"delete":{"_index":"item","_id":"1","version":10,"version_type":"external"}}',
    '{"delete":{"_index":"item","_id":"1","version":11,"version_type":"external"}}',
  ]);
});

test('marks in place of deletes, and nothing for a tombstone that does not say where the row was', () => {
  expect(previewed({ onDelete: 'mark', index: '${table}-${row.id}' })).toEqual([
    expect.stringContaining('"_index":"item-1"'),
    '{"index":{"_index":"item-1","_id":"1","version":10,"version_type":"external"}}\n{"_deleted":true}',
    '',
  ]);
});

test('what a change says of a document of several tables', () => {
  const document = {
    root: 'shop.orders',
    many: [{ table: 'shop.item', on: { order_id: 'id' }, as: 'items' }],
    one: [{ table: 'shop.item', on: { item_id: 'id' }, as: 'item' }],
  };
  const { sink } = loadConfig(DECLARATION, { value: { sink: { document } } }).value;
  const changes = [change(9n, { id: 1 }, { id: 1, order_id: 2n }), tombstone(11n, { id: 1 })];
  expect(elasticsearchSink.preview?.(changes, sink)).toEqual([
    'items of document "2": {"id":1,"order_id":2}\nitem "1" of all documents: {"id":1,"order_id":2}',
    'items of no document: none\nitem "1" of all documents: none',
  ]);
});
