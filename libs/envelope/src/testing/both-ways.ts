import { describe, expect, test } from '@jest/globals';
import type { RowImage } from '@tapline/binlog';
import type { Column } from '@tapline/schema';
import { compileEnvelope, type TextRow } from '../compile.ts';
import { compileJsonEnvelope } from '../json/compile-json.ts';
import { type Change, ChangeReader } from '../reader/change-reader.ts';
import type { EncodedChange } from '../reader/encoded-change.ts';
import type { Row } from '../reader/records.ts';
import type { Value } from '../reader/values.ts';
import { type ChangeMeta, TransactionContext } from '../transaction.ts';
import { avscDecode, imageOf, tableOf, written } from './encode.ts';

const meta: ChangeMeta = {
  transaction: new TransactionContext().start({ gtid: '', commitMicros: 0n, file: 'f', serverId: 1 }),
  position: 0,
  row: 0,
  readMs: 0,
  totalOrder: 0,
  tableOrder: 0,
};

interface Seen {
  /** What plain avsc reads. */
  readonly avro: unknown;
  /** What ChangeReader gives. */
  readonly value: Value;
}

/** Encodes a value from its wire bytes and from its text, expects the same bytes, and reads them back twice. */
async function bothWays(type: Column, wire: Buffer | null, text: string | Buffer | null): Promise<Seen> {
  const envelope = compileEnvelope({ source: 's', table: tableOf([type]), keyColumns: [type.name] });
  envelope.bind({ key: 1, value: 2 });
  const image = imageOf([wire]);
  const row = [typeof text === 'string' ? Buffer.from(text) : text];
  const key = written((sink) => envelope.writeKey(sink, image));
  expect(written((sink) => envelope.writeKeyFromText(sink, row))).toEqual(key);
  const value = written((sink) => envelope.writeValue(sink, 'c', undefined, image, meta));
  const snapshot = written((sink) => envelope.writeSnapshotValue(sink, row, meta));
  expect(snapshot.toString('latin1').replace('\x02r', '\x02c')).toBe(value.toString('latin1'));

  const decoded = avscDecode(envelope.valueSchema, value.subarray(5)) as { after: Record<string, unknown> };
  const schemas = new Map([
    [1, envelope.keySchema as string],
    [2, envelope.valueSchema],
  ]);
  const schema = async (id: number): Promise<string> => schemas.get(id) as string;
  const record = { topic: 't', partition: 0, offset: '0', key, value, headers: { v: Buffer.alloc(8) } };
  const change = await new ChangeReader({ schema }).read(record);
  expect(change.key).toEqual(change.after);
  const encoded = (await new ChangeReader({ schema, encoded: true }).read(record)) as EncodedChange;
  expect(rowsOf(encoded)).toEqual([change, change.after]);
  expect(await jsonBothWays(type, image, row)).toEqual({ key: change.key, after: change.after });
  return { avro: decoded.after[type.name], value: (change.after as Record<string, Value>)[type.name] as Value };
}

/** A change that was not read into objects: as one that was, and its row as a visitor is told it. */
function rowsOf(encoded: EncodedChange): [Change, Row] {
  const { topic, key, op, before, after, source, absent, version, tombstone, columns } = encoded;
  const told: Record<string, Value> = {};
  const take = (at: number, value: Value): void => {
    told[columns[at] as string] = value;
  };
  encoded.visitAfter({
    text: (at, bytes, start, end) => take(at, bytes.toString('utf8', start, end)),
    integer: take,
    value: take,
  });
  return [{ topic, key, op, before, after, source, absent, version, tombstone }, told];
}

/** The same through JSON with schemas: equal bytes from both sources, and what ChangeReader gives. */
async function jsonBothWays(type: Column, image: RowImage, row: TextRow): Promise<Pick<Change, 'key' | 'after'>> {
  const table = tableOf([type]);
  const envelope = compileJsonEnvelope({
    source: 's',
    table,
    keyColumns: [type.name],
    schemas: true,
    cloudEvents: false,
  });
  const key = written((sink) => envelope.writeKey(sink, image));
  expect(written((sink) => envelope.writeKeyFromText(sink, row))).toEqual(key);
  const value = written((sink) => envelope.writeValue(sink, 'c', undefined, image, meta));
  const snapshot = written((sink) => envelope.writeSnapshotValue(sink, row, meta));
  expect(snapshot.toString().replace('"op":"r"', '"op":"c"')).toBe(value.toString());
  const reader = new ChangeReader({ schema: () => Promise.reject(new Error('no registry is needed')) });
  const record = { topic: 't', partition: 0, offset: '0', key, value, headers: { v: Buffer.alloc(8) } };
  const change = await reader.read(record);
  return { key: change.key, after: change.after };
}

export type Case = readonly [Column, wire: Buffer, text: string | Buffer, avro: unknown, value: Value];

/** A table test of one kind of type: each case is encoded both ways, NULL and not, and read back twice. */
export function check(title: string, cases: readonly Case[]): void {
  describe(`${title}`, () => {
    test.each(cases.map((c) => [`${c[0].columnType}${c[0].fsp ? `(${c[0].fsp})` : ''} ${String(c[4])}`, c] as const))(
      '%s',
      async (_, [type, wire, text, avro, value]) => {
        expect(await bothWays(type, wire, text)).toEqual({ avro, value });
        const nullable = { ...type, nullable: true };
        expect(await bothWays(nullable, wire, text)).toEqual({ avro, value });
        expect(await bothWays(nullable, null, null)).toEqual({ avro: null, value: null });
      },
    );
  });
}
