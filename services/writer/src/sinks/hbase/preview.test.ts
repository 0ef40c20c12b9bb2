import { expect, test } from '@jest/globals';
import { change } from '@tapline/sink';
import { preview } from './preview.ts';
import { hbaseConfig } from './testing/bench.ts';

test('shows what would be put and deleted, bytes too', () => {
  const config = hbaseConfig({ rowKey: '${key.id:int32}', encode: { id: 'int' }, families: { note: 'n' } });
  const changes = [change(7, { id: 1 }, { id: 1, note: 'a "b" ü', none: null }), change(8, { id: 1 })];
  expect(preview(changes, config)).toEqual([
    String.raw`put 'item', "\x80\x00\x00\x01", d:id="\x00\x00\x00\x01" n:note="a \x22b\x22 \xC3\xBC", 7`,
    String.raw`deleteall 'item', "\x80\x00\x00\x01", 8`,
  ]);
});
