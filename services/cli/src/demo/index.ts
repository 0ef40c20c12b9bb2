import { EXIT_FAILED, EXIT_OK, TaplineError } from '@tapline/kernel';
import { runDemo, SINK_NAMES, type SinkName } from '@tapline/test-demo';
import { numberFlag, parseFlags } from '../arguments.ts';
import type { CliCommand } from '../command.ts';

const DURATION_SECONDS = 60;
const ROWS_PER_SECOND = 500;

const HELP = `tapline demo [--sinks redis,elasticsearch,hbase,mysql] [--duration SECONDS] [--rate ROWS] [--keep]

Starts MySQL, Kafka and the stores on this machine, loads a small shop database and keeps changing it, follows it with a reader and a writer for
each store, kills -9 the reader and each writer once, restarts each store once, and at the end compares every row of MySQL with every store. Exit
code 1 on any difference.
  --sinks NAMES        the stores, separated by commas, of ${SINK_NAMES.join(', ')} (default redis)
  --duration SECONDS   how long the load runs at least, 5 or more (default ${DURATION_SECONDS})
  --rate ROWS          rows changed a second (default ${ROWS_PER_SECOND})
  --keep               leave everything up at the end; tapline down stops it
The first run fetches the servers, some minutes at most; later runs take them from a cache. All four stores need about 4 GB of memory.
`;

function sinksOf(given: unknown): readonly SinkName[] {
  const names = (typeof given === 'string' ? given : 'redis').split(',').map((name) => name.trim());
  const sinks = SINK_NAMES.filter((name) => names.includes(name));
  const unknown = names.filter((name) => !SINK_NAMES.some((known) => known === name));
  if (unknown.length === 0 && sinks.length > 0) return sinks;
  throw new TaplineError('CONFIG_INVALID', {
    message: `--sinks has ${unknown.join(', ')}; there are ${SINK_NAMES.join(', ')}.`,
    place: { path: '--sinks' },
  });
}

async function run(args: readonly string[]): Promise<number> {
  const parsed = parseFlags(args, {
    sinks: { type: 'string' },
    duration: { type: 'string' },
    rate: { type: 'string' },
    keep: { type: 'boolean' },
  });
  if (parsed.values['help'] === true) {
    process.stdout.write(HELP);
    return EXIT_OK;
  }
  const equal = await runDemo({
    sinks: sinksOf(parsed.values['sinks']),
    durationSeconds: numberFlag(parsed, 'duration', DURATION_SECONDS, 5),
    rowsPerSecond: numberFlag(parsed, 'rate', ROWS_PER_SECOND, 1),
    keep: parsed.values['keep'] === true,
    live: process.stdout.isTTY === true,
  });
  return equal ? EXIT_OK : EXIT_FAILED;
}

export const demo: CliCommand = { run };
