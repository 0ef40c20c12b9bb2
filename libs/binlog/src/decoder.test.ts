import { deflateSync } from 'node:zlib';
import { describe, expect, test } from '@jest/globals';
import { Decoder } from './decoder.ts';
import { type EventParts, eventBytes, gtid, hex, query, XID, xaPrepare } from './testing/build-events.ts';
import { follow } from './testing/follow.ts';
import type { BinlogEvent, RowsEvent } from './types.ts';
import { EVENT_TYPE } from './wire-types.ts';

type Header = EventParts;

function decode(events: readonly Header[], wanted = true): BinlogEvent[] {
  const decoder = new Decoder({ wants: () => wanted, file: 'binlog.000001', checksums: false });
  const out: BinlogEvent[] = [];
  for (const event of events) {
    const bytes = eventBytes(event);
    decoder.decode(bytes, 0, bytes.length, out);
  }
  return out;
}

/** d.t (a INT NOT NULL), table id 7. */
const MAP: Header & { readonly body: string } = {
  type: EVENT_TYPE.TABLE_MAP,
  body: `070000000000 0100 01 ${hex('d')} 00 01 ${hex('t')} 00 01 03 00 00`,
};
const rows = (type: number, body: string, id = '070000000000'): Header & { readonly body: string } => ({
  type,
  body: `${id} 0100 0200 01 ${body}`,
});
const INSERT = rows(EVENT_TYPE.WRITE_ROWS, 'ff 00 2a000000 00 2b000000');

const refusal = (events: readonly Header[], wanted = true): object => {
  try {
    decode(events, wanted);
  } catch (error) {
    const { code, place, message } = error as { code: string; place: object; message: string };
    return { code, place, message };
  }
  throw new Error('nothing was refused');
};

describe('transactions', () => {
  test('rows of a transaction', () => {
    const [begin, event, commit] = decode([query('BEGIN', 100), MAP, INSERT, XID]);
    expect(begin).toMatchObject({
      kind: 'begin',
      gtid: '',
      commitMicros: 1_700_000_000_000_000n,
      position: { position: 62 },
    });
    expect(commit).toEqual({ kind: 'commit', position: { file: 'binlog.000001', position: 900 } });
    if (event?.kind !== 'rows') throw new Error('no rows');
    expect([event.op, event.table.database, event.table.table, event.rowIndex]).toEqual(['insert', 'd', 't', -1]);
    const seen: number[] = [];
    while (event.next()) seen.push(event.after.buffer.readInt32LE(event.after.offsets[0]));
    expect(seen).toEqual([42, 43]);
    expect([event.next(), event.rowIndex]).toEqual([false, 1]);
  });

  test('two events of one table may be read turn about', () => {
    const events = decode([query('BEGIN'), MAP, INSERT, rows(EVENT_TYPE.WRITE_ROWS, 'ff 00 01000000 00 02000000')]);
    const [, first, second] = events;
    if (first?.kind !== 'rows' || second?.kind !== 'rows') throw new Error('no rows');
    const seen: number[] = [];
    for (const event of [first, second, first, second]) {
      event.next();
      seen.push(event.after.buffer.readInt32LE(event.after.offsets[0]));
    }
    expect(seen).toEqual([42, 1, 43, 2]);
  });

  test('tables of one form share what it says, and keep their rows and names apart', () => {
    const other = { ...MAP, body: MAP.body.replace('0700', '0800').replace(`01 ${hex('t')}`, `01 ${hex('u')}`) };
    const inOther = rows(EVENT_TYPE.WRITE_ROWS, 'ff 00 01000000 00 02000000', '080000000000');
    const [, first, second, again] = decode([query('BEGIN'), MAP, other, INSERT, inOther, MAP, INSERT]);
    if (first?.kind !== 'rows' || second?.kind !== 'rows' || again?.kind !== 'rows') throw new Error('no rows');
    expect([first.table.table, second.table.table]).toEqual(['t', 'u']);
    expect(second.table.columns).toBe(first.table.columns);
    expect(again.table).toBe(first.table);
    const seen: number[] = [];
    for (const event of [first, second, first, second]) {
      event.next();
      seen.push(event.after.buffer.readInt32LE(event.after.offsets[0]));
    }
    expect(seen).toEqual([42, 1, 43, 2]);
  });

  test('an insert into no column at all is one row, all absent', () => {
    const [, event] = decode([query('BEGIN'), MAP, rows(EVENT_TYPE.WRITE_ROWS, '00')]);
    if (event?.kind !== 'rows') throw new Error('no rows');
    expect([event.next(), event.after.states[0], event.next()]).toEqual([true, 2, false]);
  });

  test.each([
    ['as version 1', EVENT_TYPE.MARIA_WRITE_ROWS_COMPRESSED_V1, ''],
    ['as version 2', EVENT_TYPE.MARIA_WRITE_ROWS_COMPRESSED, '0200'],
  ])(
    'compressed rows of MariaDB %s are inflated when they are asked for, and let go behind the last',
    (_, type, extra) => {
      const plain = Buffer.from('002a000000002b000000', 'hex');
      const packed = (body: string): Header => ({ type, body: `070000000000 0100 ${extra} 01 ff ${body}` });
      const [, event] = decode([query('BEGIN'), MAP, packed(`810a${deflateSync(plain).toString('hex')}`), XID]);
      const seen: number[] = [];
      const rowsOfIt = event as RowsEvent;
      while (rowsOfIt.next()) seen.push(rowsOfIt.after.buffer.readInt32LE(rowsOfIt.after.offsets[0]!));
      expect(seen).toEqual([42, 43]);
      expect((event as unknown as { buffer: Buffer }).buffer.length).toBe(0);
      expect(rowsOfIt.next()).toBe(false);

      const [, bad] = decode([query('BEGIN'), MAP, packed(`810b${deflateSync(plain).toString('hex')}`), XID]);
      expect(() => (bad as RowsEvent).next()).toThrow(
        expect.objectContaining({
          code: 'SOURCE_EVENT_CORRUPT',
          message: expect.stringContaining('10 bytes inflated, 11 announced'),
          place: { position: expect.stringContaining('binlog.000001:'), table: 'd.t' },
        }),
      );
    },
  );

  test('what accompanies transactions without changing rows is passed over', () => {
    const none = (type: number, body = 'aabbcc'): Header => ({ type, body });
    const changeOfView = [gtid(), query('BEGIN'), none(EVENT_TYPE.VIEW_CHANGE), query('COMMIT')];
    const certified = [
      ...[gtid(), query('BEGIN'), none(EVENT_TYPE.TRANSACTION_CONTEXT), none(EVENT_TYPE.ROWS_QUERY), MAP, INSERT],
      ...[none(EVENT_TYPE.MARIA_ANNOTATE_ROWS), none(EVENT_TYPE.HEARTBEAT), XID],
    ];
    expect(decode(changeOfView).map(({ kind }) => kind)).toEqual(['begin', 'commit']);
    expect(decode(certified).map(({ kind }) => kind)).toEqual(['begin', 'rows', 'commit']);
    const between = [none(EVENT_TYPE.HEARTBEAT), none(EVENT_TYPE.HEARTBEAT_V2), none(EVENT_TYPE.PREVIOUS_GTIDS)];
    expect(decode(between).map(({ kind }) => kind)).toEqual(['heartbeat', 'heartbeat']);
  });

  test('what a statement needs besides its text says nothing of rows; the statement is told', () => {
    const set = [EVENT_TYPE.INTVAR, EVENT_TYPE.RAND, EVENT_TYPE.USER_VAR].map((type): Header => ({ type, body: '00' }));
    const events = decode([gtid(), query('BEGIN'), ...set, query('INSERT INTO t VALUES (@a)'), XID]);
    expect(events).toMatchObject([{ kind: 'begin' }, { kind: 'statement', inTransaction: true }, { kind: 'commit' }]);
  });

  test('positions go on beyond 4 GiB, and new files start over', () => {
    const decoder = new Decoder({ wants: () => true, file: 'a', checksums: false });
    const feed = (event: Header): number => {
      const bytes = eventBytes(event);
      decoder.decode(bytes, 0, bytes.length, []);
      return decoder.position.position;
    };
    const stop = (end: number): Header => ({ type: EVENT_TYPE.STOP, end });
    expect([stop(2 ** 31), stop(2 ** 32 - 1), stop(500), stop(2 ** 31 + 5)].map(feed)).toEqual([
      2 ** 31,
      2 ** 32 - 1,
      2 ** 32 + 500,
      2 ** 32 + 2 ** 31 + 5,
    ]);
    expect(feed({ type: EVENT_TYPE.ROTATE, body: `0400000000000000 ${hex('b')}`, flags: 0x20 })).toBe(4);
    expect(decoder.position).toEqual({ file: 'b', position: 4 });
  });

  test('SQL is read in the client’s character set', () => {
    const latin1 = query('SELECT 1', 0, '04080008000800');
    const body = latin1.body.replace(hex('SELECT 1'), 'e44180');
    expect(decode([{ ...latin1, body }])).toMatchObject([{ kind: 'statement', sql: 'äA€', inTransaction: false }]);
    expect(decode([query('CREATE TABLE ü')])).toMatchObject([{ sql: 'CREATE TABLE ü' }]);
  });
});

describe('what cannot be followed is refused, with the place', () => {
  const corrupt = (message: string): object => ({
    code: 'SOURCE_EVENT_CORRUPT',
    place: { position: expect.stringMatching(/^binlog\.000001:(4|41)$/) },
    message: expect.stringContaining(message),
  });

  test.each<[string, readonly Header[], string]>([
    ['rows without a table map', [query('BEGIN'), INSERT], 'no table map'],
    ['rows outside a transaction', [MAP, INSERT], 'outside a transaction'],
    ['a commit of nothing', [XID], 'outside a transaction'],
    ['a transaction in a transaction', [query('BEGIN'), query('BEGIN')], 'inside'],
    [
      'rows of more columns than the table has',
      [query('BEGIN'), MAP, { type: 30, body: '070000000000 0100 0200 02 ff ff' }],
      '2 columns',
    ],
    ['a table map that is cut', [{ ...MAP, body: MAP.body.slice(0, 30) }], 'TABLE_MAP'],
    ['a row event that is cut', [query('BEGIN'), MAP, { type: 30, body: '0700' }], 'WRITE_ROWS'],
    [
      'extra data that overruns',
      [query('BEGIN'), MAP, { type: 30, body: '070000000000 0100 ff00 01 ff' }],
      'extra data',
    ],
  ])('%s', (_name, events, message) => {
    expect(refusal(events)).toMatchObject(corrupt(message));
  });

  test('a checksum that does not fit, on whatever event', () => {
    const decoder = new Decoder({ wants: () => true, file: 'f', checksums: true });
    for (const type of [EVENT_TYPE.QUERY, EVENT_TYPE.STOP, EVENT_TYPE.HEARTBEAT, EVENT_TYPE.PREVIOUS_GTIDS, 99]) {
      const bytes = eventBytes({ type, body: '0011223344', checksum: true });
      bytes[bytes.length - 1]! ^= 0x10;
      expect(() => decoder.decode(bytes, 0, bytes.length, [])).toThrow(
        expect.objectContaining({ code: 'SOURCE_EVENT_CORRUPT', message: expect.stringContaining('checksum') }),
      );
    }
  });

  test('a header that lies about its length', () => {
    const bytes = Buffer.concat([eventBytes({ type: EVENT_TYPE.STOP }), Buffer.alloc(1)]);
    const decoder = new Decoder({ wants: () => true, file: 'f', checksums: false });
    expect(() => decoder.decode(bytes, 0, bytes.length, [])).toThrow(
      expect.objectContaining({ code: 'SOURCE_EVENT_CORRUPT' }),
    );
  });

  test('a row that overruns its event, at the row', () => {
    const [, event] = decode([query('BEGIN'), MAP, rows(EVENT_TYPE.WRITE_ROWS, 'ff 00 2a000000 00 2b0000')]);
    if (event?.kind !== 'rows') throw new Error('no rows');
    expect(event.next()).toBe(true);
    expect(() => event.next()).toThrow(
      expect.objectContaining({ code: 'SOURCE_EVENT_CORRUPT', place: expect.objectContaining({ table: 'd.t' }) }),
    );
  });

  test('a column type without a known length stops wanted tables only', () => {
    const map = { ...MAP, body: MAP.body.replace(/ 01 03 00 00$/, ' 01 f4 00 00') };
    expect(refusal([query('BEGIN'), map, INSERT])).toMatchObject({ code: 'SOURCE_EVENT_UNSUPPORTED' });
    expect(decode([query('BEGIN'), map, INSERT, XID], false).map(({ kind }) => kind)).toEqual(['begin', 'commit']);
  });

  test('unknown events stop the stream unless they may be ignored; incidents and encryption always do', () => {
    expect(refusal([{ type: 99 }])).toMatchObject({
      code: 'SOURCE_EVENT_UNSUPPORTED',
      message: expect.stringContaining('event type 99'),
    });
    expect(decode([{ type: 99, flags: 0x80 }])).toEqual([]);
    expect(refusal([{ type: EVENT_TYPE.INCIDENT }])).toMatchObject({ code: 'SOURCE_INCIDENT' });
    expect(refusal([{ type: EVENT_TYPE.MARIA_START_ENCRYPTION }])).toMatchObject({ code: 'SOURCE_EVENT_UNSUPPORTED' });
  });

  test('a rollback of what was delivered', () => {
    expect(refusal([query('BEGIN'), MAP, INSERT, query('ROLLBACK')])).toMatchObject({
      code: 'SOURCE_EVENT_UNSUPPORTED',
    });
    expect(decode([query('BEGIN'), MAP, INSERT, query('ROLLBACK')], false).map(({ kind }) => kind)).toEqual([
      'begin',
      'commit',
    ]);
  });
});

describe('XA transactions', () => {
  const xa = (words: string, xid = "X'61',X'62',1"): Header => query(`XA ${words} ${xid}`);
  const recorded = [xa('START'), MAP, INSERT, xa('END')];

  test('rows are held until the commit, and dropped at a rollback', async () => {
    expect(await follow([gtid(), ...recorded, xaPrepare(false)])).toEqual(['prepared']);
    const prepared = [gtid(), ...recorded, xaPrepare(false), gtid()];
    expect(await follow([...prepared, xa('COMMIT')])).toEqual(['prepared', 'begin', 42, 43, 'commit']);
    expect(await follow([...prepared, xa('ROLLBACK')])).toEqual(['prepared', 'begin', 'commit']);
    expect(await follow([...prepared, xa('COMMIT'), gtid(), xa('COMMIT')])).toEqual([
      ...['prepared', 'begin', 42, 43, 'commit'],
      ...['begin', 'commit'],
    ]);
    expect(await follow([gtid(), ...recorded, xaPrepare(true)])).toEqual(['begin', 42, 43, 'commit']);
    expect(await follow([...prepared, xa('COMMIT')], { wanted: false })).toEqual(['prepared', 'begin', 'commit']);
  });

  test('another prepare of the same XID takes the place of the first', async () => {
    const once = [gtid(), ...recorded, xaPrepare(false)];
    expect(await follow([...once, ...once, gtid(), xa('COMMIT')])).toEqual([
      ...['prepared', 'prepared'],
      ...['begin', 42, 43, 'commit'],
    ]);
  });

  test('the XID is the same however its format number is written', async () => {
    expect(
      await follow([
        ...[gtid(), query("XA START X'61',X'62',1"), MAP, INSERT, xaPrepare(false)],
        ...[gtid(), query("XA COMMIT X'61', X'62', 4294967297")],
      ]),
    ).toEqual(['prepared', 'begin', 42, 43, 'commit']);
  });

  test.each<[string, readonly Header[]]>([
    ['the end of another', [xa('START', "X'62',X'62',1"), MAP, INSERT, xaPrepare(false)]],
    ['a prepare of nothing', [xaPrepare(false)]],
    ['a start inside of one', [xa('START'), xa('START')]],
    ['a commit inside of one', [...recorded, xa('COMMIT')]],
    ['a commit by XID event', [...recorded, XID]],
    ['a new transaction inside of one', [...recorded, gtid()]],
    ['a start inside a plain transaction', [query('BEGIN'), xa('START')]],
    ['an end outside of one', [xa('END')]],
    ['rows without a table map, at the commit', [xa('START'), INSERT, xaPrepare(false), xa('COMMIT')]],
    ['an XID of 65 bytes', [xa('START'), { type: 38, body: `00 01000000 41000000 00000000 ${'61'.repeat(65)}` }]],
  ])('%s is refused', async (_name, events) => {
    await expect(follow(events)).rejects.toMatchObject({ code: 'SOURCE_EVENT_CORRUPT' });
  });

  test('an XID in a form that servers do not write is refused', async () => {
    await expect(follow([query("XA COMMIT 'a'")])).rejects.toMatchObject({ code: 'SOURCE_EVENT_UNSUPPORTED' });
  });
});
