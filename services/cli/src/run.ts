import { EXIT_FAILED, EXIT_OK, EXIT_USAGE, endProcess, nearest, printableError, TaplineError } from '@tapline/kernel';
import { COMMANDS } from './commands.ts';

function help(): string {
  const width = Math.max(...COMMANDS.map(({ name }) => name.length));
  const lines = COMMANDS.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}`);
  return [
    'Tapline keeps other stores in step with MySQL: binlog → Kafka → Redis.',
    '',
    'tapline COMMAND [flags]',
    '',
    ...lines,
    '',
    'tapline COMMAND --help says more.',
    '',
  ].join('\n');
}

async function main(args: readonly string[]): Promise<number> {
  const [name, ...rest] = args;
  if (name === undefined || name === 'help' || name === '--help' || name === '-h') {
    process.stdout.write(help());
    return name === undefined ? EXIT_USAGE : EXIT_OK;
  }
  const entry = COMMANDS.find((command) => command.name === name);
  if (!entry) {
    const close = nearest(
      name,
      COMMANDS.map((command) => command.name),
    );
    const hint = close === undefined ? '' : ` Did you mean ${close}?`;
    process.stderr.write(`There is no command ${JSON.stringify(name)}.${hint} tapline help lists the commands.\n`);
    return EXIT_USAGE;
  }
  const command = await entry.load().catch((cause: unknown) => {
    if ((cause as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw cause;
    throw new TaplineError('STACK_PREREQUISITE', {
      message: `The command ${name} is not in this image.`,
      remedy: 'Run it from a clone of the repository: it needs packages that only tests have.',
      cause,
    });
  });
  return await command.run(rest);
}

/** `tapline … | head` closes our stdout: that is no error of ours. */
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit(EXIT_OK);
});

try {
  endProcess(await main(process.argv.slice(2)));
} catch (error) {
  process.stderr.write(`${printableError(error)}\n`);
  const usage = error instanceof TaplineError && error.code.startsWith('CONFIG_');
  endProcess(usage ? EXIT_USAGE : EXIT_FAILED);
}
