import { EXIT_FAILED, EXIT_OK } from '@tapline/kernel';
import { runDemo } from '@tapline/test-demo';
import { numberFlag, parseFlags } from '../arguments.ts';
import type { CliCommand } from '../command.ts';

const DURATION_SECONDS = 60;
const ROWS_PER_SECOND = 500;

const HELP = `tapline demo [--duration SECONDS] [--rate ROWS] [--keep]

Starts MySQL, Kafka and Redis on this machine, loads a small shop database and keeps changing it, follows it with a reader and a
writer, kills -9 each of them once, and at the end compares every row of MySQL with Redis. Exit code 1 on any difference.
  --duration SECONDS   how long the load runs, 5 or more (default ${DURATION_SECONDS})
  --rate ROWS          rows changed a second (default ${ROWS_PER_SECOND})
  --keep               leave everything up at the end; tapline down stops it
The first run fetches the servers, some minutes at most; later runs take them from a cache.
`;

async function run(args: readonly string[]): Promise<number> {
  const parsed = parseFlags(args, {
    duration: { type: 'string' },
    rate: { type: 'string' },
    keep: { type: 'boolean' },
  });
  if (parsed.values['help'] === true) {
    process.stdout.write(HELP);
    return EXIT_OK;
  }
  const equal = await runDemo({
    durationSeconds: numberFlag(parsed, 'duration', DURATION_SECONDS, 5),
    rowsPerSecond: numberFlag(parsed, 'rate', ROWS_PER_SECOND, 1),
    keep: parsed.values['keep'] === true,
    live: process.stdout.isTTY === true,
  });
  return equal ? EXIT_OK : EXIT_FAILED;
}

export const demo: CliCommand = { run };
