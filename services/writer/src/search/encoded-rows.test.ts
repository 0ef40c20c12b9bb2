import { expect, test } from '@jest/globals';
import { compileEnvelope, GrowingSink, TransactionContext } from '@tapline/envelope';
import { type Change, decoder, EncodedChange, neverAborted, SUITE_TOPIC, SuiteTables, suiteTable } from '@tapline/sink';
import type { SearchConfig } from './config.ts';
import { TableDocuments } from './document.ts';
import { EncodedRows } from './encoded-rows.ts';
import { JsonBytes } from './json-bytes.ts';

const TYPES: SearchConfig['types'] = {
  text: 'text',
  decimal: 'number',
  unsignedBigint: 'keyword',
  dates: 'date',
  zeroDates: 'null',
  json: 'flattened',
  geometry: 'geo',
};
const TABLE = suiteTable({
  id: 'int',
  'a "name"': 'varchar(100)',
  small: 'tinyint',
  big: 'bigint unsigned',
  price: 'decimal(20,4)',
  day: 'date',
  note: 'json',
  tags: "set('a','b')",
  flag: 'bit(1)',
  raw: 'blob',
  place: 'point',
  real: 'double',
});
const POINT = Buffer.from('e61000000101000000000000000000f83f00000000000000c0', 'hex');
const BIG = '18446744073709551615';
const texts = (...values: readonly (string | Buffer | null)[]): readonly (Buffer | null)[] =>
  values.map((value) => (typeof value === 'string' ? Buffer.from(value) : value));

const meta = {
  transaction: new TransactionContext().start({ gtid: '', commitMicros: 0n, file: 'f', serverId: 1 }),
  position: 0,
  row: 0,
  readMs: 0,
  totalOrder: 0,
  tableOrder: 0,
};

/** The change of a row that was read in a snapshot, out of its record. */
async function changeOf(row: readonly (Buffer | null)[], encoded: boolean): Promise<Change> {
  const envelope = compileEnvelope({ source: 's', table: TABLE, keyColumns: ['id'] });
  envelope.bind({ key: 1, value: 2 });
  const schemas = [envelope.keySchema ?? '', envelope.valueSchema];
  const registry = { schema: (id: number) => Promise.resolve(schemas[id - 1] ?? '') };
  const claims = { value: () => Promise.reject(new Error('there is none')) };
  const written = (write: (sink: GrowingSink) => void): Buffer => {
    const sink = new GrowingSink(64);
    write(sink);
    return Buffer.from(sink.written());
  };
  const record = {
    offset: 0n,
    timestampMs: 0,
    key: written((sink) => envelope.writeKeyFromText(sink, row)),
    value: written((sink) => envelope.writeSnapshotValue(sink, row, meta)),
    headers: Buffer.concat([Buffer.from([2, 2, 0x76, 16]), Buffer.alloc(8, 1)]),
  };
  const decode = decoder({ registry, claims, signal: neverAborted(), encoded });
  return await decode({ topic: SUITE_TOPIC, partition: 0 }, record);
}

test.each([
  ['plain', texts('7', 'plain text', '-128', BIG, '-0.5000', '2026-02-28', '{"a": 1}', '3', '\x01', 'x', POINT, '0.1')],
  ['NULL', texts('-2147483648', ...Array.from({ length: 11 }, () => null))],
  ['escapes', texts('0', 'a"b\\c\n\u0007', '0', '0', '0.0000', '0000-00-00', '[1,\n2]', '', '\0', '', POINT, '1e300')],
  ['no ASCII', texts('1', 'ä€𐍈\u2028', '9', '9', '9.0000', '2024-02-29', '"ü"', '2', '\0', 'ÿ', POINT, '-0.25')],
  [
    'long',
    texts(
      '2147483647',
      'y'.repeat(99),
      '1',
      '10',
      '1.0000',
      '2026-01-01',
      '{}',
      '2',
      '\0',
      Buffer.alloc(300_000),
      POINT,
      '1',
    ),
  ],
])('a row (%s) straight from its record is the document that it is as an object', async (_, row) => {
  const [encoded, plain] = [await changeOf(row, true), await changeOf(row, false)];
  expect(encoded).toBeInstanceOf(EncodedChange);
  const documents = new TableDocuments(new SuiteTables(TABLE), { types: TYPES, dialect: { flattened: 'flattened' } });
  const out = new JsonBytes();
  const rows = new EncodedRows(out);
  expect([documents.knows(encoded), documents.append(encoded, rows, out)]).toEqual([false, false]);
  await documents.learn(encoded, false, neverAborted());
  expect([documents.knows(encoded), documents.append(encoded, rows, out)]).toEqual([true, true]);
  const text = out.view().toString();
  expect(text).toBe(documents.write(plain.after ?? {}));
  out.clear();
  expect(documents.append(plain, rows, out)).toBe(true);
  expect(out.view().toString()).toBe(text);
});

test.each([0, 1, 7, 8, 9, 15, 16, 17, 24, 31])(
  'a text is written as JSON says, whatever stands at any of its places (length %i)',
  (length) => {
    const out = new JsonBytes();
    for (const place of Array.from({ length: length + 1 }).keys()) {
      for (const one of [
        '',
        '"',
        '\\',
        '\u0000',
        '\u001f',
        ' ',
        '!',
        '#',
        '[',
        ']',
        '~',
        '\u007f',
        '\u0080',
        'ä',
        '€',
        '😀',
        '\udc00',
      ]) {
        const text = `${'~'.repeat(place)}${one}${'~'.repeat(length - place)}`;
        for (const behind of ['"', '~']) {
          const source = Buffer.from(`xyz${text}${behind}`);
          out.text(source, 3, source.length - 1);
          expect(out.view().toString()).toBe(JSON.stringify(source.toString('utf8', 3, source.length - 1)));
          out.clear();
        }
      }
    }
  },
);
