import { EXIT_OK } from '@tapline/kernel';
import { endStanding } from '@tapline/test-stack';
import { parseFlags } from '../arguments.ts';
import type { CliCommand } from '../command.ts';

async function run(args: readonly string[]): Promise<number> {
  const parsed = parseFlags(args, {});
  if (parsed.values['help'] === true) {
    process.stdout.write(
      'tapline down\n\nStops what tapline up or tapline demo --keep left running, and removes its data.\n',
    );
    return EXIT_OK;
  }
  const stopped = await endStanding();
  process.stdout.write(stopped.length === 0 ? 'Nothing was up.\n' : `Stopped ${stopped.join(', ')}.\n`);
  return EXIT_OK;
}

export const down: CliCommand = { run };
