import { expect, test } from '@jest/globals';
import { EventReader } from './event-reader.ts';
import { type TableLayout, TableMaps } from './table-map.ts';
import { WIRE_TYPE } from './wire-types.ts';

const { LONG, BIT, STRING, NEWDECIMAL } = WIRE_TYPE;

interface FormParts {
  readonly types: readonly number[];
  readonly metadata?: readonly number[];
  /** Bits of the columns that may be NULL, least first. */
  readonly nullable?: readonly number[];
}

interface MapParts extends FormParts {
  readonly id?: number;
  readonly database?: string;
  readonly table?: string;
}

/** The body of a TABLE_MAP event. */
function mapOf({ id = 7, database = 'shop', table = 't', types, metadata = [], nullable }: MapParts): Buffer {
  const text = (name: string): number[] => [name.length, ...Buffer.from(name), 0];
  const nullBits = nullable ?? Array.from({ length: (types.length + 7) >> 3 }, () => 0);
  const form = [types.length, ...types, metadata.length, ...metadata, ...nullBits];
  return Buffer.from([id, 0, 0, 0, 0, 0, 0, 0, ...text(database), ...text(table), ...form]);
}

const maps = (): TableMaps => new TableMaps(() => true);

function read(into: TableMaps, parts: MapParts | Buffer): TableLayout {
  const body = Buffer.isBuffer(parts) ? parts : mapOf(parts);
  return into.read(new EventReader().reset(body, 0, body.length));
}

test('the same names and bytes give the same layout, under any id; anything else is another one', () => {
  const known = maps();
  const first = read(known, { types: [LONG] });
  expect(read(known, { types: [LONG] })).toBe(first);
  expect(read(known, { id: 8, types: [LONG] })).toBe(first);
  expect(read(known, { types: [LONG, LONG] }).columns.length).toBe(2);
  expect(read(known, { types: [LONG], database: 'other' }).database).toBe('other');
  expect(read(known, { types: [LONG], table: 'u' }).table).toBe('u');
  expect(read(known, { types: [LONG] })).toBe(first);
});

test('an id stands for the map that came last, until ids are forgotten; a layout outlives the packet that brought it', () => {
  const known = maps();
  const packet = mapOf({ types: [LONG] });
  const first = read(known, packet);
  mapOf({ types: [LONG], table: 'u' }).copy(packet);
  expect(read(known, packet).table).toBe('u');
  expect(read(known, { types: [LONG] })).toBe(first);
  const second = read(known, { types: [LONG, LONG] });
  expect(known.get(7)).toBe(second);
  known.forgetIds();
  expect(known.get(7)).toBeUndefined();
  expect(read(known, { types: [LONG, LONG] })).toBe(second);
});

test('a server that gives every table another id all the time does not fill the memory', () => {
  const known = maps();
  const first = read(known, { types: [LONG] });
  for (let id = 0; id < 40_000; id++) {
    const packet = mapOf({ types: [LONG] });
    packet.writeUIntLE(id, 0, 6);
    expect(read(known, packet)).toBe(first);
  }
  expect(known.get(1)).toBe(first);
  known.forgetManyIds();
  expect(known.get(1)).toBeUndefined();
  read(known, { types: [LONG] });
  known.forgetManyIds();
  expect(known.get(7)).toBe(first);
});

test('tables whose names have the same hash are told apart', () => {
  const known = maps();
  // Found by trying: FNV-1a gives both -1754485479.
  const names = ['t55zx', 'tgpcd', 't55zx', 'tgpcd'];
  const layouts = names.map((table, id) => read(known, { id, database: 'd', table, types: [LONG] }));
  expect(layouts.map(({ table }) => table)).toEqual(names);
  expect(new Set(layouts).size).toBe(2);
});

test('of thousands of tables each is known again, with what is kept for it', () => {
  const known = maps();
  const tables = Array.from({ length: 3000 }, (_, i) => `table${i}`);
  for (const table of tables) read(known, { table, types: [LONG] }).kept = table;
  expect(tables.map((table) => read(known, { table, types: [LONG] }).kept)).toEqual(tables);
});

test('flags do not make another layout', () => {
  const known = maps();
  const packet = mapOf({ types: [LONG] });
  const first = read(known, packet);
  packet[6] = 1;
  expect(read(known, packet)).toBe(first);
});

test('the two kinds of servers mean different things by the same bytes', () => {
  const known = maps();
  const ofMysql = read(known, { types: [LONG] });
  known.isMariadb = true;
  expect(read(known, { id: 8, types: [LONG] })).not.toBe(ofMysql);
});

test('type metadata: real types, lengths beyond a byte, bits; and which columns may be NULL', () => {
  const types = [LONG, STRING, STRING, BIT, NEWDECIMAL, LONG, LONG, LONG, LONG];
  // CHAR of 1020 bytes inverts two bits of its type; BIT(12) is a byte and four bits.
  const metadata = [0xce, 0xfc, 0xfe, 10, 4, 1, 10, 2];
  const { columns } = read(maps(), { types, metadata, nullable: [0b00000010, 1] });
  expect(columns.slice(1, 5).map(({ meta }) => meta)).toEqual([1020, 10, 12, (10 << 8) | 2]);
  expect(columns.slice(1, 3).map(({ type }) => type)).toEqual([STRING, STRING]);
  expect([...columns.keys()].filter((i) => columns[i]?.nullable)).toEqual([1, 8]);
});

test.each<readonly [string, FormParts]>([
  ['no column', { types: [] }],
  ['metadata left over', { types: [LONG], metadata: [1] }],
  ['too little metadata', { types: [STRING], metadata: [0xfe] }],
  ['a decimal of more digits than there are', { types: [NEWDECIMAL], metadata: [66, 0] }],
  ['a decimal of more decimals than digits', { types: [NEWDECIMAL], metadata: [5, 6] }],
])('%s is damage', (_, parts) => {
  expect(() => read(maps(), parts)).toThrow(expect.objectContaining({ kind: 'SOURCE_EVENT_CORRUPT' }));
});

test('which columns an image has is looked at bit by bit, and each choice has one plan', () => {
  const layout = read(maps(), { types: Array.from({ length: 9 }, () => LONG) });
  const plan = (...bytes: readonly number[]) => layout.plan(Buffer.from([0, ...bytes]), 1);
  expect(plan(0xff, 0x01)).toBe(layout.fullPlan);
  // What is behind the last column's bit means nothing.
  expect(plan(0xff, 0xff)).toBe(layout.fullPlan);
  const partial = [plan(0xff, 0x00), plan(0xfd, 0x01), plan(0xff, 0x00), plan(0xfd, 0x00)];
  expect(partial[0]).toBe(partial[2]);
  expect(new Set([layout.fullPlan, ...partial]).size).toBe(4);
});

test('tables of one form share the arrays of the row at hand', () => {
  const known = maps();
  const [a, b] = [read(known, { types: [LONG] }), read(known, { table: 'u', types: [LONG] })];
  expect(a.images).toBe(b.images);
  expect(a.images.before).not.toBe(a.images.after);
});
