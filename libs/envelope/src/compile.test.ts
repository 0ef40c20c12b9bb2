import { describe, expect, test } from '@jest/globals';
import { GrowingSink } from './byte-sink.ts';
import { compileEnvelope } from './compile.ts';
import { avscDecode, column, hex, imageOf, tableOf } from './testing/encode.ts';
import { type ChangeMeta, TransactionContext } from './transaction.ts';

const table = tableOf(
  [
    column('id', 'int'),
    column('name', 'varchar', { charset: 'utf8mb4', nullable: true }),
    column('price', 'decimal', { precision: 12, scale: 2 }),
    column('at', 'datetime', { nullable: true }),
  ],
  { name: 'order-items', primaryKey: ['id'] },
);
const gtid = '04e31c79-e4f3-11f1-85ee-02fc00000001:3652';

function meta(rest: Partial<ChangeMeta> = {}): ChangeMeta {
  const transaction = new TransactionContext().start({
    gtid,
    commitMicros: 1_795_191_781_586_016n,
    file: 'binlog.000005',
    serverId: 4_294_967_295,
  });
  return {
    transaction,
    position: 420_834_924,
    row: 7,
    readMs: 1_795_191_781_612,
    totalOrder: 3,
    tableOrder: 2,
    ...rest,
  };
}

function compiled(keyColumns: readonly string[] | undefined = ['id']): ReturnType<typeof compileEnvelope> {
  const envelope = compileEnvelope({ source: 'main', table, keyColumns });
  envelope.bind(keyColumns ? { key: 7, value: 0x0102_0304 } : { value: 0x0102_0304 });
  return envelope;
}

const before = imageOf([hex('01000000'), Buffer.from('Änn'), hex('8000000001 00'), hex('99b9200000')]);
const after = imageOf([hex('01000000'), null, hex('8000000001 32'), null]);

describe('envelope', () => {
  test('an update carries both images, its source and its transaction; plain avsc reads it', () => {
    const envelope = compiled();
    const sink = new GrowingSink(1);
    envelope.writeValue(sink, 'u', before, after, meta());
    const bytes = sink.written();
    expect(bytes.subarray(0, 5)).toEqual(hex('00 01020304'));
    expect(avscDecode(envelope.valueSchema, bytes.subarray(5))).toEqual({
      before: { id: 1, name: 'Änn', price: hex('64'), at: 1_771_200_000_000n },
      after: { id: 1, name: null, price: hex('0096'), at: null },
      source: {
        version: expect.any(String),
        connector: 'mysql',
        name: 'main',
        db: 'shop',
        table: 'order-items',
        sequence: null,
        ts_ms: 1_795_191_781_586n,
        ts_us: 1_795_191_781_586_016n,
        snapshot: 'false',
        server_id: 4_294_967_295n,
        gtid,
        file: 'binlog.000005',
        pos: 420_834_924n,
        row: 7,
        thread: null,
        query: null,
      },
      op: 'u',
      ts_ms: 1_795_191_781_612n,
      transaction: { id: gtid, total_order: 3n, data_collection_order: 2n },
    });
  });
});
