/* Records in the shapes that the producers' manuals show. */

/** Canal (flatMessage): everything is text; binary columns are one character a byte, ENUM and SET numbers. */
export const CANAL_INSERT: Readonly<Record<string, unknown>> = {
  data: [
    {
      id: '9007199254740993',
      n: '7',
      total: '12.5',
      rate: '0.5',
      paid: '1',
      flags: '5',
      status: '1',
      tags: '5',
      doc: '{"a": 1}',
      data: '\u00ff\u0000A',
      day: '2026-02-28',
      at: '2026-02-28 23:59:59.12',
      seen: '2026-02-28 23:59:59',
      spent: '-838:59:59',
      note: null,
    },
    { id: '2', note: 'x' },
  ],
  database: 'shop',
  es: 1_772_323_199_000,
  id: 9,
  isDdl: false,
  mysqlType: {
    id: 'bigint(20) unsigned',
    n: 'INTEGER',
    total: 'decimal(10,2)',
    rate: 'FLOAT',
    paid: 'bit(1)',
    flags: 'bit(8)',
    status: "enum('open','paid')",
    tags: "set('a','b','c')",
    doc: 'json',
    data: 'varbinary(16)',
    day: 'date',
    at: 'datetime(3)',
    seen: 'timestamp',
    spent: 'time',
    note: 'varchar(10)',
  },
  old: null,
  pkNames: ['id'],
  sql: '',
  sqlType: { id: -5 },
  table: 'orders',
  ts: 1_772_323_199_798,
  type: 'INSERT',
};

export const CANAL_UPDATE: Readonly<Record<string, unknown>> = {
  ...CANAL_INSERT,
  type: 'UPDATE',
  data: [{ id: '1', status: 'paid' }],
  old: [{ status: 'open' }],
  mysqlType: { id: 'int(11)', status: 'varchar(10)' },
};

export const CANAL_OTHERS: readonly Readonly<Record<string, unknown>>[] = [
  { ...CANAL_INSERT, isDdl: true, type: 'ALTER', data: null, sql: 'ALTER TABLE orders ADD x INT' },
  { ...CANAL_INSERT, type: 'TRUNCATE', data: null, isDdl: true },
  { ...CANAL_INSERT, type: 'QUERY', data: null, mysqlType: null, pkNames: null },
];

/** Maxwell: text, for the digits of its numbers. */
export const MAXWELL_INSERT: string =
  '{"database":"shop","table":"orders","type":"insert","ts":1772323199,"xid":940752,"commit":true,"position":"binlog.000005:1234","gtid":null,' +
  '"data":{"id":7,"total":12.50,"tags":["a","b"],"doc":{"price":1.50,"big":9007199254740993},"note":null}}';
export const MAXWELL_UPDATE: string =
  '{"database":"shop","table":"orders","type":"update","ts":1772323199,"xid":940786,"commit":true,"data":{"id":7,"note":"new"},"old":{"note":"old"}}';
export const MAXWELL_DELETE: string =
  '{"database":"shop","table":"orders","type":"delete","ts":1772323199,"xid":940790,"commit":true,"data":{"id":7,"note":"new"}}';

const field = (name: string, type: string, rest: object = {}): object => ({
  type,
  optional: true,
  field: name,
  ...rest,
});
const ROW = [
  field('id', 'int32', { optional: false }),
  field('total', 'bytes', {
    name: 'org.apache.kafka.connect.data.Decimal',
    parameters: { scale: '2', 'connect.decimal.precision': '10' },
  }),
  field('at', 'int64', { name: 'io.debezium.time.Timestamp' }),
  field('day', 'int32', { name: 'io.debezium.time.Date' }),
];

/** Debezium's JSON with schemas, as Kafka Connect's JsonConverter writes it; `payload` alone is what it writes without. */
export const DEBEZIUM = {
  key: {
    schema: {
      type: 'struct',
      fields: [field('id', 'int32', { optional: false })],
      optional: false,
      name: 'shop.shop.orders.Key',
    },
    payload: { id: 7 },
  },
  value: {
    schema: {
      type: 'struct',
      name: 'shop.shop.orders.Envelope',
      fields: [
        { type: 'struct', fields: ROW, optional: true, name: 'shop.shop.orders.Value', field: 'before' },
        { type: 'struct', fields: ROW, optional: true, name: 'shop.shop.orders.Value', field: 'after' },
        { type: 'struct', fields: [field('db', 'string'), field('table', 'string')], optional: false, field: 'source' },
        field('op', 'string'),
      ],
    },
    payload: {
      before: null,
      after: { id: 7, total: 'BOI=', at: 1_772_323_199_000, day: 20_512 },
      source: {
        version: '3.6.1.Final',
        connector: 'mysql',
        name: 'shop',
        ts_ms: 1_772_323_199_000,
        snapshot: 'false',
        db: 'shop',
        table: 'orders',
        server_id: 1,
        gtid: null,
        file: 'binlog.000005',
        pos: 1234,
        row: 0,
      },
      op: 'c',
      ts_ms: 1_772_323_199_100,
    },
  },
} as const;
