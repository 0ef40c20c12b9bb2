import { EXIT_OK, TaplineError } from '@tapline/kernel';
import { openStack, requireNothingStanding, type StackOptions } from '@tapline/test-stack';
import { numberFlag, parseFlags } from '../arguments.ts';
import type { CliCommand } from '../command.ts';
import { reporter } from '../terminal.ts';
import { addressLines, describeAddresses, SERVERS } from './addresses.ts';

const HELP = `tapline up [SERVER…] [--brokers 1|3]

Starts servers on this machine, on free ports of 127.0.0.1, and leaves them running.
SERVER: ${SERVERS.join(', ')}. Default: mysql kafka redis registry.
  --brokers N   Kafka brokers, 1 (default) or 3
tapline status shows where they listen, tapline down stops them and removes their data. There is one such set of servers a clone; with TAPLINE_STATE=FOLDER
in the environment of all three, another one beside it.
`;

const AFTERWARDS = `eval "$(tapline status --env)" sets them as variables of a shell: MYSQL_PORT, KAFKA, REDIS and so on.
tapline down stops them and removes their data.
`;

async function run(args: readonly string[]): Promise<number> {
  const parsed = parseFlags(args, { brokers: { type: 'string' } });
  if (parsed.values['help'] === true) {
    process.stdout.write(HELP);
    return EXIT_OK;
  }
  const brokers = numberFlag(parsed, 'brokers', 1, 1);
  const options = stackOptions(parsed.positionals, brokers);
  await requireNothingStanding();
  await using stack = await openStack(options, reporter());
  const addresses = describeAddresses(stack, await stack.clients());
  await stack.keep(addresses);
  process.stdout.write(`${addressLines(addresses)}\n${AFTERWARDS}`);
  return EXIT_OK;
}

function stackOptions(names: readonly string[], brokers: number): StackOptions {
  const wanted = new Set(names.length === 0 ? ['mysql', 'kafka', 'redis', 'registry'] : names);
  for (const name of wanted) {
    if (!SERVERS.some((server) => server === name)) {
      throw new TaplineError('CONFIG_INVALID', {
        message: `There is no server ${JSON.stringify(name)}.`,
        remedy: `Choose of: ${SERVERS.join(', ')}.`,
      });
    }
  }
  if (brokers !== 1 && brokers !== 3)
    throw new TaplineError('CONFIG_INVALID', { message: '--brokers must be 1 or 3.' });
  if (wanted.has('replica')) wanted.add('mysql');
  const chosen = SERVERS.filter((server) => wanted.has(server));
  return Object.fromEntries(
    chosen.map((server) => [server, server === 'kafka' ? { brokers, forSpeed: true } : true]),
  ) as StackOptions;
}

export const up: CliCommand = { run };
