import { EXIT_FAILED, EXIT_OK } from '@tapline/kernel';
import { cacheFolder, provisionedVersions, readStanding, type Standing } from '@tapline/test-stack';
import { parseFlags } from '../arguments.ts';
import type { CliCommand } from '../command.ts';
import { addressLines, variableLines } from '../up/addresses.ts';

const HELP = `tapline status [--versions]
tapline status --env

Shows what tapline up or tapline demo --keep left running. Exit code 1 when something of it has ended by itself.
  --versions   also which versions of servers were fetched
  --env        the addresses as shell variables instead: eval "$(tapline status --env)" sets MYSQL_PORT, MYSQL_PID, KAFKA, REDIS and so on
`;

async function run(args: readonly string[]): Promise<number> {
  const parsed = parseFlags(args, { versions: { type: 'boolean' }, env: { type: 'boolean' } });
  if (parsed.values['help'] === true) {
    process.stdout.write(HELP);
    return EXIT_OK;
  }
  const standing = await readStanding();
  if (parsed.values['env'] === true) {
    process.stdout.write(standing ? variableLines(standing) : '');
    return standing ? EXIT_OK : EXIT_FAILED;
  }
  process.stdout.write(standing ? describe(standing, standing.running) : 'Nothing is up.\n');
  if (parsed.values['versions'] === true) process.stdout.write(await versions());
  return standing && standing.running.size < standing.processes.length ? EXIT_FAILED : EXIT_OK;
}

function describe(standing: Standing, running: ReadonlySet<string>): string {
  const processes = standing.processes.map(
    ({ name, pid, logFile }) => `  ${running.has(name) ? 'runs ' : 'ENDED'}  ${name} (pid ${pid}), log ${logFile}`,
  );
  return [`Up since ${standing.since}:`, addressLines(standing.addresses), ...processes, ''].join('\n');
}

async function versions(): Promise<string> {
  const found = await provisionedVersions();
  const lines = found.map((entry) => `  ${entry.name}: ${entry.versions.slice(0, 3).join(', ')}`);
  return [`Fetched into ${cacheFolder()}:`, ...lines, ''].join('\n');
}

export const status: CliCommand = { run };
