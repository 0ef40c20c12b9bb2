import { EXIT_OK } from '@tapline/kernel';
import { parseFlags } from '../arguments.ts';
import type { CliCommand } from '../command.ts';
import { packClient } from './pack.ts';

const HELP = `tapline client [FOLDER]

Packs @tapline/client, the engine of the writers as a library, for other projects: FOLDER/tapline-client-<version>.tgz (default: this folder),
to be installed with npm install or published to a registry of your own with npm publish.
`;

async function run(args: readonly string[]): Promise<number> {
  const parsed = parseFlags(args, {});
  if (parsed.values['help'] === true) {
    process.stdout.write(HELP);
    return EXIT_OK;
  }
  process.stdout.write(`${await packClient(parsed.positionals[0] ?? process.cwd())}\n`);
  return EXIT_OK;
}

export const client: CliCommand = { run };
