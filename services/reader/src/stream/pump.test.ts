import { expect, test } from '@jest/globals';
import type { BinlogEvent, BinlogStream, RowsEvent } from '@tapline/binlog';
import { TaplineError } from '@tapline/kernel';
import { Pump, type PumpTarget } from './pump.ts';

const at = (position: number) => ({ file: 'b.1', position });
const begin = (gtid: string): BinlogEvent => ({
  kind: 'begin',
  gtid,
  commitMicros: 1n,
  bytes: undefined,
  position: at(4),
});
const commit = (position: number): BinlogEvent => ({ kind: 'commit', position: at(position) });
const rows = (count: number): BinlogEvent => {
  let left = count;
  return { kind: 'rows', next: () => left-- > 0 } as unknown as RowsEvent;
};

/** Hands out these batches, then stays silent, as a quiet source does. */
function streamOf(...batches: BinlogEvent[][]): BinlogStream {
  return {
    pull: () => (batches.length > 0 ? Promise.resolve(batches.shift() as BinlogEvent[]) : new Promise(() => {})),
    stats: { bytes: 0, events: 0, skippedRowsEvents: 0, pauses: 0, heldBytes: 0, waitingBytes: 0, spilledBytes: 0 },
    [Symbol.asyncDispose]: async () => {},
  };
}

interface Scene {
  readonly pump: Pump;
  readonly log: string[];
  readonly stop: AbortController;
  fail(error: Error): void;
}

function scene(stream: BinlogStream, overrides: Partial<PumpTarget> = {}): Scene {
  const log: string[] = [];
  const stop = new AbortController();
  let fail: (error: Error) => void = () => {};
  const failed = new Promise<never>((_, reject) => {
    fail = reject;
  });
  failed.catch(() => {});
  const target: PumpTarget = {
    begin: ({ gtid }) => void log.push(`begin ${gtid}`),
    prepared: ({ gtid }) => void log.push(`prepared ${gtid}`),
    decided: ({ xid }) => void log.push(`decided ${xid}`),
    silent: false,
    own: () => false,
    openAhead: () => undefined,
    prepare: () => undefined,
    change: () => void log.push('row'),
    statement: (event: { sql: string }) => void log.push(`statement ${event.sql}`),
    end: () => undefined,
    room: () => undefined,
    flush: () => void log.push('flush'),
    boundary: async () => {
      log.push('boundary');
    },
    wake: undefined,
  };
  Object.defineProperties(target, Object.getOwnPropertyDescriptors(overrides));
  const executed = {
    add: (gtid: string) => void log.push(`executed ${gtid}`),
    includes: () => true,
    contains: () => true,
    toString: () => '',
  };
  return { pump: new Pump({ stream, target, executed, byFile: false, failed }), log, stop, fail };
}

test('a transaction counts as executed at its commit; boundaries lie only between transactions', async () => {
  const { pump, log, stop } = scene(streamOf([begin('u:1'), rows(1)], [rows(1), commit(99)]));
  const running = pump.run(stop.signal);
  await new Promise((resolve) => setImmediate(resolve));
  stop.abort();
  await running;
  expect(log).toEqual(['boundary', 'begin u:1', 'row', 'flush', 'row', 'executed u:1', 'flush', 'boundary']);
  expect(pump.position).toEqual(at(99));
});

test('a stop in the middle of a transaction goes on to its end', async () => {
  let deliver: (events: BinlogEvent[]) => void = () => {};
  const batches = [Promise.resolve([begin('u:1'), rows(1)]), new Promise<BinlogEvent[]>((r) => (deliver = r))];
  const { pump, log, stop } = scene({ ...streamOf(), pull: () => batches.shift() ?? new Promise(() => {}) });
  const running = pump.run(stop.signal);
  await new Promise((resolve) => setImmediate(resolve));
  stop.abort();
  deliver([commit(50)]);
  await running;
  expect(log).toContain('executed u:1');
});

test('a statement inside a transaction does not end it', async () => {
  const sql: BinlogEvent = {
    kind: 'statement',
    gtid: 'u:1',
    commitMicros: 1n,
    database: 'd',
    sql: 'x',
    session: {},
    inTransaction: true,
    position: at(9),
  };
  const { pump, log, stop } = scene(streamOf([begin('u:1'), sql, commit(20)]));
  const running = pump.run(stop.signal);
  await new Promise((resolve) => setImmediate(resolve));
  stop.abort();
  await running;
  expect(log.filter((line) => line.startsWith('executed'))).toEqual(['executed u:1']);
  expect(pump.transactions).toBe(1);
});

test('while the producer has no room nothing is pulled', async () => {
  let pulls = 0;
  let free: () => void = () => {};
  const full = new Promise<void>((resolve) => (free = resolve));
  const inner = streamOf([begin('u:1'), rows(1), commit(9)]);
  const { pump, stop } = scene({ ...inner, pull: () => (pulls++, inner.pull()) }, { room: () => full });
  const running = pump.run(stop.signal);
  await new Promise((resolve) => setImmediate(resolve));
  expect(pulls).toBe(1);
  free();
  await new Promise((resolve) => setImmediate(resolve));
  expect(pulls).toBe(2);
  stop.abort();
  await running;
});

test('a failure of publishing ends the run although the source is silent', async () => {
  const { pump, stop, fail } = scene(streamOf());
  const running = pump.run(stop.signal);
  fail(new Error('too large'));
  await expect(running).rejects.toThrow('too large');
});

test('the load wakes the loop although the source is silent', async () => {
  let boundaries = 0;
  const wakes = [Promise.resolve(), new Promise<void>(() => {})];
  const { pump, stop } = scene(streamOf(), {
    get wake() {
      return wakes[boundaries - 1];
    },
    boundary: async () => {
      boundaries++;
    },
  });
  const running = pump.run(stop.signal);
  await new Promise((resolve) => setImmediate(resolve));
  expect(boundaries).toBe(2);
  stop.abort();
  await running;
});

test('events that arrive while a boundary is at work are taken before anything else is pulled', async () => {
  let deliver: (events: BinlogEvent[]) => void = () => {};
  let finish: () => void = () => {};
  let pulls = 0;
  const taken: string[] = [];
  const batches = [new Promise<BinlogEvent[]>((r) => (deliver = r)), Promise.resolve([begin('u:2'), commit(20)])];
  const stream: BinlogStream = {
    ...streamOf(),
    pull: () => {
      taken.push(`pull ${++pulls}`);
      return batches.shift() ?? new Promise(() => {});
    },
  };
  const boundaries = [Promise.resolve(), new Promise<void>((r) => (finish = r))];
  let boundary = 0;
  const { pump, stop } = scene(stream, {
    begin: ({ gtid }) => void taken.push(gtid),
    get wake() {
      return boundary === 1 ? WOKEN : undefined;
    },
    boundary: () => boundaries[boundary++] ?? Promise.resolve(),
  });
  const running = pump.run(stop.signal);
  await new Promise((resolve) => setImmediate(resolve));
  deliver([begin('u:1'), commit(10)]);
  await new Promise((resolve) => setImmediate(resolve));
  finish();
  await new Promise((resolve) => setImmediate(resolve));
  stop.abort();
  await running;
  expect(taken).toEqual(['pull 1', 'u:1', 'pull 2', 'u:2', 'pull 3']);
});

const WOKEN = Promise.resolve();

test('a prepared transaction counts as passed at once, and as decided when the transaction that decides it has ended', async () => {
  const decides = { xid: 'x', outcome: 'commit', preparedGtid: 'u:1' } as const;
  const prepared: BinlogEvent = { kind: 'prepared', gtid: 'u:1', xid: 'x', holdsRows: true, position: at(9) };
  const { pump, log, stop } = scene(
    streamOf([prepared], [{ ...begin('u:2'), decides }, rows(1), commit(20)] as BinlogEvent[]),
  );
  const running = pump.run(stop.signal);
  await new Promise((resolve) => setTimeout(resolve, 10));
  stop.abort();
  await running;
  const told = log.filter((line) => line !== 'flush' && line !== 'boundary');
  expect(told).toEqual(['prepared u:1', 'executed u:1', 'begin u:2', 'row', 'executed u:2', 'decided x']);
  expect(pump.transactions).toBe(2);
});

test('an error of a row’s values gets the place of its event', async () => {
  const { pump } = scene(
    streamOf([
      begin('u:1'),
      { ...rows(1), position: at(77), table: { database: 'd', table: 't' } } as unknown as RowsEvent,
    ]),
    {
      change: () => {
        throw new TaplineError('SOURCE_EVENT_CORRUPT', { message: 'no such value' });
      },
    },
  );
  await expect(pump.run(new AbortController().signal)).rejects.toMatchObject({
    code: 'SOURCE_EVENT_CORRUPT',
    message: 'no such value',
    place: { table: 'd.t', position: 'b.1:77' },
  });
});

test('rows of a transaction that is not to be published are passed over', async () => {
  let begun = '';
  const { pump, log, stop } = scene(streamOf([begin('u:1'), rows(2), commit(9), begin('u:2'), rows(1), commit(20)]), {
    begin: ({ gtid }) => {
      begun = gtid;
    },
    get silent() {
      return begun === 'u:1';
    },
  });
  const running = pump.run(stop.signal);
  await new Promise((resolve) => setTimeout(resolve, 10));
  stop.abort();
  await running;
  expect(log.filter((line) => line !== 'flush' && line !== 'boundary')).toEqual([
    'executed u:1',
    'row',
    'executed u:2',
  ]);
});

test('what a statement and the end of a transaction need is done before anything behind them is looked at', async () => {
  const sql: BinlogEvent = {
    kind: 'statement',
    gtid: 'u:2',
    commitMicros: 1n,
    database: 'd',
    sql: 'x',
    session: {},
    inTransaction: false,
    position: at(20),
  };
  const later = (line: string) =>
    new Promise<void>((resolve) => setTimeout(resolve, 5)).then(() => void log.push(line));
  const { pump, log, stop } = scene(
    streamOf([begin('u:1'), rows(1), commit(9), sql, begin('u:3'), rows(1), commit(30)]),
    {
      openAhead: (events) => void log.push(`ahead ${events.map(({ kind }) => kind).join(' ')}`),
      statement: () => later('applied'),
      end: ({ position }) => later(`end ${position}`),
    },
  );
  const running = pump.run(stop.signal);
  while (pump.transactions < 3) await new Promise((resolve) => setTimeout(resolve, 5));
  stop.abort();
  await running;
  const told = log.filter((line) => line !== 'flush' && line !== 'boundary');
  expect(told).toEqual([
    ...['ahead begin rows commit', 'begin u:1', 'row', 'end 9', 'executed u:1'],
    ...['applied', 'end 20', 'executed u:2'],
    ...['ahead begin rows commit', 'begin u:3', 'row', 'end 30', 'executed u:3'],
  ]);
});
