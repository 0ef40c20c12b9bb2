import { describe, expect, test } from '@jest/globals';
import { GrowingSink } from '../byte-sink.ts';
import { compileEnvelope, type TableEnvelope } from '../compile.ts';
import { ChangeReader } from '../reader/change-reader.ts';
import { UNAVAILABLE_VALUE } from '../reduce.ts';
import { changeMeta, GTID } from '../testing/change-meta.ts';
import { column, hex, imageOf, tableOf, written } from '../testing/encode.ts';
import { type ChangeMeta, TransactionContext } from '../transaction.ts';
import { compileJsonEnvelope, type JsonOptions } from './compile-json.ts';
import { keyPayload } from './key-text.ts';

const table = tableOf(
  [
    column('id', 'bigint'),
    column('the "name"', 'varchar', { charset: 'utf8mb4', nullable: true }),
    column('price', 'decimal', { precision: 12, scale: 2 }),
    column('at', 'time', { nullable: true, fsp: 3 }),
  ],
  { name: 'order-items', primaryKey: ['id'] },
);
const version = Buffer.alloc(8);
version.writeBigInt64BE(1_838_276_384_344_080_384n);

const meta = (rest: Partial<ChangeMeta> = {}): ChangeMeta => changeMeta({ version, ...rest });

const snapshotMeta = (): ChangeMeta =>
  meta({
    transaction: new TransactionContext().start({
      gtid: '',
      commitMicros: 1_000n,
      file: 'f',
      serverId: 0,
      snapshot: 'true',
    }),
  });

function compiled(rest: Partial<JsonOptions> = {}): TableEnvelope {
  const options = { source: 'main', table, keyColumns: ['id'], schemas: false, cloudEvents: false };
  return compileJsonEnvelope({ ...options, ...rest });
}

const big = hex('0100000000002000');
const before = imageOf([big, Buffer.from('Änn "x"\n'), hex('8000000001 00'), hex('800000 0000')]);
const after = imageOf([big, null, hex('8000000001 32'), null]);
const beforeText = '{"id":9007199254740993,"the \\"name\\"":"Änn \\"x\\"\\n","price":"ZA==","at":0}';
const afterText = '{"id":9007199254740993,"the \\"name\\"":null,"price":"AJY=","at":null}';
const sourceHead =
  '"source":{"version":"0.1.0","connector":"mysql","name":"main","db":"shop","table":"order-items","sequence":null,';
const source = `${sourceHead}"ts_ms":1795191781586,"ts_us":1795191781586016,"snapshot":"false","server_id":4294967295,"gtid":"${GTID}","file":"binlog.000005","pos":420834924,"row":7,"thread":null,"query":null}`;
const rest = (op: string): string =>
  `${source},"op":"${op}","ts_ms":1795191781612,"transaction":{"id":"${GTID}","total_order":3,"data_collection_order":2}}`;
const text = (write: (sink: GrowingSink) => void): string => written(write).toString();

describe('JSON without schemas', () => {
  test('is Debezium’s payload, with all digits and exact escapes', () => {
    const envelope = compiled();
    const value = text((sink) => envelope.writeValue(sink, 'u', before, after, meta()));
    expect(value).toBe(`{"before":${beforeText},"after":${afterText},${rest('u')}`);
    expect(text((sink) => envelope.writeKey(sink, before))).toBe('{"id":9007199254740993}');
  });

  test('an insert has no before, a delete no after; a snapshot row has neither transaction nor before', () => {
    const envelope = compiled();
    const value = (op: 'c' | 'd', ...images: [typeof before | undefined, typeof before | undefined]): string =>
      text((sink) => envelope.writeValue(sink, op, ...images, meta()));
    expect(value('c', undefined, after)).toBe(`{"before":null,"after":${afterText},${rest('c')}`);
    expect(value('d', before, undefined)).toBe(`{"before":${beforeText},"after":null,${rest('d')}`);
    const row = [Buffer.from('9007199254740993'), null, Buffer.from('1.50'), null];
    expect(text((sink) => envelope.writeSnapshotValue(sink, row, snapshotMeta()))).toBe(
      `{"before":null,"after":${afterText},${sourceHead}"ts_ms":1,"ts_us":1000,"snapshot":"true","server_id":0,"gtid":null,"file":"f","pos":420834924,"row":7,"thread":null,"query":null},"op":"r","ts_ms":1795191781612,"transaction":null}`,
    );
  });

  test('what is cached of a transaction or a moment is made anew for the next one', () => {
    const envelope = compiled();
    const context = new TransactionContext();
    const change = (txn: string, readMs: number): unknown => {
      if (txn !== '') context.start({ gtid: txn, commitMicros: 5n, file: 'f', serverId: 1 });
      const value = text((sink) =>
        envelope.writeValue(sink, 'c', undefined, after, meta({ transaction: context, readMs })),
      );
      const { source: block, ts_ms, transaction } = JSON.parse(value) as Record<string, Record<string, unknown>>;
      return [block?.['gtid'], ts_ms, transaction?.['id']];
    };
    expect(change('u:1', 1)).toEqual(['u:1', 1, 'u:1']);
    expect(change('', 2)).toEqual(['u:1', 2, 'u:1']);
    expect(change('u:22', 2)).toEqual(['u:22', 2, 'u:22']);
  });

  test('a value that cannot be encoded is an error as in Avro, and the sink is as before', () => {
    const envelope = compiled();
    const sink = new GrowingSink();
    sink.position = 3;
    const broken = imageOf([big, null, hex('80'), null]);
    expect(() => envelope.writeValue(sink, 'u', before, broken, meta())).toThrow(
      expect.objectContaining({ code: 'SCHEMA_MISMATCH', message: expect.stringContaining('price') }),
    );
    expect(sink.position).toBe(3);
    envelope.writeValue(sink, 'u', before, after, meta());
    expect(sink.written().toString('utf8', 3)).toBe(`{"before":${beforeText},"after":${afterText},${rest('u')}`);
  });

  test('a table that is appended to has no key', () => {
    const envelope = compiled({ keyColumns: undefined });
    const internal = expect.objectContaining({ code: 'INTERNAL' });
    expect(() => envelope.writeKey(new GrowingSink(), before)).toThrow(internal);
    expect(() => envelope.writeKeyFromText(new GrowingSink(), [])).toThrow(internal);
    expect(envelope.keyChanged(before, after)).toBe(false);
  });

  test('a value written last can be reduced; any other cannot', () => {
    const envelope = compiled();
    const other = compiled();
    const value = written((sink) => envelope.writeValue(sink, 'u', before, after, meta()));
    const reduced = text((sink) => envelope.writeReduced(sink, value, 4));
    expect(reduced).toBe(value.toString().replace('"Änn \\"x\\"\\n"', `"${UNAVAILABLE_VALUE}"`));
    other.writeValue(new GrowingSink(), 'c', undefined, after, meta());
    expect(() => envelope.writeReduced(new GrowingSink(), value, 4)).toThrow(
      expect.objectContaining({ code: 'INTERNAL' }),
    );
  });
});

describe('JSON with schemas', () => {
  const envelope = compiled({ schemas: true });
  const key = written((sink) => envelope.writeKey(sink, before));
  const value = written((sink) => envelope.writeValue(sink, 'u', before, after, meta()));

  test('the payload is the same, and the schema says what the text does not', () => {
    const { schema, payload } = JSON.parse(key.toString()) as { schema: unknown; payload: unknown };
    expect(payload).toEqual(JSON.parse('{"id":9007199254740993}'));
    expect(schema).toEqual({
      type: 'struct',
      fields: [{ type: 'int64', optional: false, parameters: { 'mysql.type': 'bigint' }, field: 'id' }],
      optional: false,
      name: 'main.shop.order_items.Key',
    });
    const bare = text((sink) => compiled().writeValue(sink, 'u', before, after, meta()));
    expect(value.toString()).toMatch(/^\{"schema":\{"type":"struct",/);
    expect(value.toString().endsWith(`,"payload":${bare}}`)).toBe(true);
  });

  test('a key’s payload is found, with a schema and without', () => {
    expect(key.toString('utf8', keyPayload(key))).toBe('{"id":9007199254740993}}');
    const odd = Buffer.from('{"payload":1,"schema":"{\\"type\\":\\"struct\\","}');
    expect(keyPayload(odd)).toBe(0);
    expect(keyPayload(hex('00 00000007 02'))).toBe(5);
    expect(envelope.printKey(key)).toBe('{"id":9007199254740993}');
  });

  test('ChangeReader gives what it gives of Avro', async () => {
    const avro = compileEnvelope({ source: 'main', table, keyColumns: ['id'] });
    avro.bind({ key: 1, value: 2 });
    const record = { topic: 't', partition: 0, offset: '0', headers: { v: version } };
    const schemas = [undefined, avro.keySchema, avro.valueSchema];
    const ofAvro = await new ChangeReader({ schema: async (id) => schemas[id] as string }).read({
      ...record,
      key: written((sink) => avro.writeKey(sink, before)),
      value: written((sink) => avro.writeValue(sink, 'u', before, after, meta())),
    });
    const reader = new ChangeReader({ schema: () => Promise.reject(new Error('not asked')) });
    expect(reader.read({ ...record, key, value })).toEqual(ofAvro);
    expect(reader.read({ ...record, key, value: null })).toMatchObject({ tombstone: true, key: ofAvro.key });
  });
});

describe('CloudEvents in structured mode', () => {
  const attributes = {
    specversion: '1.0',
    id: '1838276384344080384',
    source: '/tapline/mysql/main',
    type: 'io.debezium.connector.mysql.DataChangeEvent',
    time: '2026-11-20T17:03:01.586016Z',
    datacontenttype: 'application/json',
    iodebeziumop: 'u',
    subject: 'shop.order-items',
    iodebeziumdb: 'shop',
    iodebeziumtable: 'order-items',
  };

  test.each([true, false])('the value (schemas: %s) is the data of an event', (schemas) => {
    const event = text((sink) => compiled({ schemas, cloudEvents: true }).writeValue(sink, 'u', before, after, meta()));
    const value = text((sink) => compiled({ schemas }).writeValue(sink, 'u', before, after, meta()));
    expect(event.endsWith(`,"data":${value}}`)).toBe(true);
    const { data, ...seen } = JSON.parse(event) as Record<string, unknown>;
    expect(seen).toEqual({ ...attributes, time: new Date(1_795_191_781_586).toISOString().replace('Z', '016Z') });
    expect(data).toEqual(JSON.parse(value));
  });

  test('attributes follow the event; names that look like placeholders are only names', () => {
    const odd = tableOf([column('id', 'int')], { name: `~${'#'.repeat(20)}${'@'.repeat(30)}` });
    const envelope = compiled({ table: odd, cloudEvents: true });
    const image = imageOf([hex('01000000')]);
    const seen = (op: 'c' | 'd', id: bigint): unknown => {
      version.writeBigInt64BE(id);
      const value = text((sink) => envelope.writeValue(sink, op, undefined, image, meta()));
      const event = JSON.parse(value) as Record<string, unknown>;
      return [event['id'], event['iodebeziumop'], event['iodebeziumtable']];
    };
    expect(seen('c', 1n)).toEqual(['0000000000000000001', 'c', odd.name]);
    expect(seen('d', 2n ** 63n - 1n)).toEqual(['9223372036854775807', 'd', odd.name]);
    for (let bit = 0n; bit < 63n; bit++) {
      expect(seen('c', 2n ** bit - 1n)).toEqual([String(2n ** bit - 1n).padStart(19, '0'), 'c', odd.name]);
    }
  });

  test('ChangeReader reads the data', () => {
    const envelope = compiled({ schemas: true, cloudEvents: true });
    const key = written((sink) => envelope.writeKey(sink, before));
    const value = written((sink) => envelope.writeValue(sink, 'u', before, after, meta()));
    const reader = new ChangeReader({ schema: () => Promise.reject(new Error('not asked')) });
    const change = reader.read({ topic: 't', partition: 0, offset: '0', key, value, headers: { v: version } });
    expect(change).toMatchObject({ op: 'u', after: { price: '1.50', id: 9_007_199_254_740_993n } });
  });
});
