import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { TaplineError } from '@tapline/kernel';
import { eventBytes, gtid, hex, query, XID, xaPrepare } from './testing/build-events.ts';
import { decodeFile, eventLines } from './testing/decode-file.ts';
import { bodyOf, cutFile, Dice, damaged, joinFile, mended, withDamageInside } from './testing/fuzz.ts';
import { EVENT_TYPE } from './wire-types.ts';

/*
 * Damaged binlogs of every kind of server: always a coded error with its position or a whole stream, in bounded steps and memory; and never a wrong row
 * where a checksum was there to notice. The same cases each time. More of them, or others:
 *   TAPLINE_FUZZ_CASES=100000 TAPLINE_FUZZ_SEED=5 … jest libs/binlog/src/fuzz.test.ts
 * A failure names its case; TAPLINE_FUZZ_SEED of it with one case plays it alone.
 */
const CASES = Number(process.env['TAPLINE_FUZZ_CASES'] ?? 100);
const SEED = Number(process.env['TAPLINE_FUZZ_SEED'] ?? 1);
/** No case takes a hundredth of this, unless it hangs; a busy machine may pause the process. */
const HANG_MS = 20_000;
/** Files have some kB; a length that is not checked would ask for far more. */
const MOST_BYTES_AT_ONCE = 32 << 20;
const CODES = ['SOURCE_EVENT_CORRUPT', 'SOURCE_EVENT_UNSUPPORTED', 'SOURCE_INCIDENT'];

jest.setTimeout(60_000 + CASES * 200);

const FOLDER = join(import.meta.dirname, '..', 'fixtures');
const FILES = readdirSync(FOLDER)
  .filter((name) => name.endsWith('.bin'))
  .map((name) => name.slice(0, -4))
  .sort();
const read = (name: string): Buffer => readFileSync(join(FOLDER, `${name}.bin`));

/** Whether the events of the file end with a CRC32: the byte in front of the FORMAT_DESCRIPTION's own. */
function hasChecksums(file: Buffer): boolean {
  const [format] = cutFile(file);
  return format![format!.length - 5] === 1;
}

let mostBytes = 0;
const restore: (() => void)[] = [];

beforeAll(() => {
  for (const name of ['alloc', 'allocUnsafe', 'allocUnsafeSlow'] as const) {
    const original = Buffer[name];
    const spy = jest.spyOn(Buffer, name).mockImplementation((size: number, ...rest: never[]) => {
      mostBytes = Math.max(mostBytes, size);
      return (original as (size: number, ...rest: never[]) => ReturnType<typeof Buffer.alloc>)(size, ...rest);
    });
    restore.push(() => spy.mockRestore());
  }
});

afterAll(() => {
  for (const undo of restore) undo();
});

interface Outcome {
  readonly lines: readonly string[];
  readonly code: string;
}

/** Decodes the file and checks what holds of any input. */
async function outcome(file: Buffer): Promise<Outcome> {
  const lines: string[] = [];
  const started = process.cpuUsage();
  mostBytes = 0;
  let code = 'end';
  try {
    await decodeFile(file, (event) => lines.push(...eventLines(event).flatMap((line) => line.split('\n'))));
  } catch (error) {
    if (!(error instanceof TaplineError)) throw error;
    if (error.place.position === undefined) throw error;
    expect(error.place.position).toMatch(/:\d+$/);
    code = error.code;
  }
  expect(['end', ...CODES]).toContain(code);
  // Time of this process alone: the machine may have other things to do.
  expect(process.cpuUsage(started).user / 1000).toBeLessThan(HANG_MS);
  expect(mostBytes).toBeLessThan(MOST_BYTES_AT_ONCE);
  return { lines, code };
}

/** Runs `one` for every case; what fails says which case it was. */
async function cases(one: (dice: Dice) => Promise<void>): Promise<void> {
  for (let seed = SEED; seed < SEED + CASES; seed++) {
    await one(new Dice(seed)).catch((error: unknown) => {
      throw new Error(`case ${seed}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    });
  }
}

describe.each(FILES)('%s', (name) => {
  const file = read(name);
  const checksums = hasChecksums(file);
  const events = cutFile(file);

  test('cut anywhere: right up to the cut, and then an error or the end', async () => {
    const whole = (await outcome(file)).lines;
    await cases(async (dice) => {
      const { lines } = await outcome(file.subarray(0, 4 + dice.roll(file.length - 4)));
      expect(whole.slice(0, lines.length)).toEqual(lines);
    });
  });

  test('damage that a checksum can notice: nothing is given out that was not written', async () => {
    // Positions aside: damage that takes out whole events, or doubles them, leaves each of them right.
    const said = (line: string): string => line.replace(/ @\d+/, '');
    const whole = new Set((await outcome(file)).lines.map(said));
    await cases(async (dice) => {
      const { lines } = await outcome(Buffer.concat([file.subarray(0, 4), damaged(file.subarray(4), dice)]));
      if (checksums) expect(lines.filter((line) => !whole.has(said(line)))).toEqual([]);
    });
  });

  test('events in the wrong place: lost, twice, exchanged, of another file', async () => {
    await cases(async (dice) => {
      const list = [...events];
      const [at, other] = [1 + dice.roll(list.length - 1), 1 + dice.roll(list.length - 1)];
      const kind = dice.roll(4);
      if (kind === 0) list.splice(at, 1 + dice.roll(3));
      else if (kind === 1) list.splice(at, 0, list[other]!);
      else if (kind === 2) [list[at], list[other]] = [list[other]!, list[at]!];
      else list.splice(at, 0, dice.pick(cutFile(read(dice.pick(FILES)))));
      await outcome(joinFile(list));
    });
  });

  test('damage in an event whose length and checksum are right again', async () => {
    await cases(async (dice) => {
      const list = [...events];
      for (let i = 1 + dice.roll(2); i > 0; i--) {
        const at = dice.roll(list.length);
        const event = list[at]!;
        list[at] =
          withDamageInside(event, checksums, dice) ?? mended(event, damaged(bodyOf(event, checksums), dice), checksums);
        if (dice.roll(8) === 0) list[at]![4] = dice.roll(180);
        if (list[at]![4] !== event[4]) list[at] = mended(list[at]!, bodyOf(list[at]!, checksums), checksums);
      }
      await outcome(joinFile(list));
    });
  });
});

test('random bodies of every kind of event, in and out of transactions', async () => {
  const map = eventBytes({
    type: EVENT_TYPE.TABLE_MAP,
    body: `070000000000 0100 04 ${hex('shop')} 00 01 ${hex('t')} 00 04 03 0f f5 fc 04 0a00 04 02 0f`,
  });
  const kinds = Object.values(EVENT_TYPE);
  const fronts = [
    [],
    [eventBytes(gtid(7))],
    [eventBytes(gtid(7)), eventBytes(query('BEGIN')), map],
    [eventBytes(gtid(7)), eventBytes(query("XA START X'61',X'62',1")), map],
  ];
  const ends = [eventBytes(XID), eventBytes(xaPrepare(false)), eventBytes(xaPrepare(true))];
  await cases(async (dice) => {
    for (const type of kinds) {
      const body = dice.bytes(dice.pick([0, 1, 8, 20, 60, 300]));
      // Often the id of the table that is mapped, so that more than the first field is read.
      if (dice.roll(2) === 0) Buffer.from('07000000000000000200', 'hex').copy(body);
      const event = eventBytes({ type, body });
      const list = [...dice.pick(fronts), event, dice.pick(ends)];
      if (dice.roll(2) === 0) list.push(eventBytes(gtid(8)), eventBytes(query("XA COMMIT X'61',X'62',1")));
      await outcome(joinFile(list));
    }
  });
});
