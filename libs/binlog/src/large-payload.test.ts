import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from '@jest/globals';

const PROGRAM = join(import.meta.dirname, 'testing', 'large-payload.program.ts');
const PAYLOAD_MEGABYTES = 256;
/** The process alone takes well over 100 MB for making the data; with the payload in memory it would be above 450. */
const MOST_MEGABYTES = 350;

interface Outcome {
  readonly outcome: string;
  readonly rows: number;
  readonly same: boolean;
  readonly spilledBytes: number;
  readonly leftBytes: number;
  readonly maxRssMegabytes: number;
}

async function run(...args: string[]): Promise<Outcome> {
  const { stdout } = await promisify(execFile)(process.execPath, [
    '--disable-warning=ExperimentalWarning',
    PROGRAM,
    ...args,
  ]);
  return JSON.parse(stdout) as Outcome;
}

test('a compressed transaction of 256 MB that does not compress: every row, and memory does not grow with it', async () => {
  const outcome = await run(String(PAYLOAD_MEGABYTES));
  expect(outcome).toMatchObject({ outcome: 'ok', rows: PAYLOAD_MEGABYTES * 16, same: true, leftBytes: 0 });
  expect(outcome.spilledBytes).toBeGreaterThan(PAYLOAD_MEGABYTES * 1_000_000);
  expect(outcome.maxRssMegabytes).toBeLessThan(MOST_MEGABYTES);
}, 120_000);

test('when its checksum does not fit, not one row of it is given out', async () => {
  expect(await run('24', 'damaged')).toMatchObject({ outcome: 'SOURCE_EVENT_CORRUPT', rows: 0, leftBytes: 0 });
}, 120_000);
