import { describe, expect, test } from '@jest/globals';
import { compileEnvelope, GrowingSink } from '@tapline/envelope';
import { encodeHeaders } from '@tapline/kafka';
import { decoder } from './decode.ts';

const table = {
  database: 'shop',
  name: 'item',
  columns: [{ name: 'id', type: 'bigint', columnType: 'bigint', nullable: false, unsigned: false }],
  primaryKey: ['id'],
  uniqueKeys: [],
};
const envelope = compileEnvelope({ source: 'shop', table, keyColumns: ['id'] });
envelope.bind({ key: 1, value: 2 });
const registry = { schema: () => Promise.resolve(envelope.keySchema ?? '') };
const claims = { value: () => Promise.reject(new Error('no claims here')) };
const place = { topic: 'shop.shop.item', partition: 0 };

function tombstoneWith(headers: Buffer): unknown {
  const key = new GrowingSink(64);
  envelope.writeKeyFromText(key, [Buffer.from('7')]);
  const record = { offset: 3n, timestampMs: 0, key: Buffer.from(key.written()), value: null, headers };
  return decoder({ registry, claims, signal: new AbortController().signal })(place, record);
}

describe('the decoder', () => {
  const version = Buffer.alloc(8);
  version.writeBigInt64BE(2n ** 62n + 3n);

  test.each([
    ['alone', { v: version }],
    ['among others', { trace: Buffer.from('x'), v: version, w: null }],
  ])('finds the version %s', async (_, headers) => {
    await expect(tombstoneWith(encodeHeaders(headers))).resolves.toMatchObject({
      version: 2n ** 62n + 3n,
      key: { id: 7n },
      tombstone: true,
    });
  });

  test.each([
    ['no version', {}],
    ['a short one', { v: Buffer.alloc(7) }],
    ['another header of the same size', { w: version }],
  ])('a record with %s is poison', async (_, headers) => {
    await expect(tombstoneWith(encodeHeaders(headers))).rejects.toMatchObject({
      code: 'ENVELOPE_UNREADABLE',
      disposition: 'poison',
      place: { offset: '3' },
    });
  });
});
