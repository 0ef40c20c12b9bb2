import { createLogger, EXIT_OK, EXIT_USAGE, Redactor, TaplineError } from '@tapline/kernel';
import type { ReaderConfig } from '@tapline/reader';
import { parseFlags } from '../arguments.ts';
import type { CliCommand } from '../command.ts';

const HELP = `tapline schema show FILE [--table DATABASE.TABLE] [--at PLACE]
tapline schema diff FILE FROM [TO]
tapline schema rebuild FILE [--partly]

The schema history of the reader with this configuration file: what its source's tables were, at each place of the binlog.
PLACE, FROM and TO are the number of a version, file:position of the source's binlog, or a GTID set. TO: the end of the history.
show: the tables, or one of them, at a place; without one, at the end.
diff: what changed between two places, and by which statements.
rebuild: makes the history anew from the source as it is now, for the place where the reader stands. Stop the reader first. Refused when captured tables
  were altered since that place, because nobody can tell what they were.
  --partly   all the same: their rows from before that are read by what the binlog says of them (binlog_row_metadata=FULL), or stop the reader
`;

async function run(args: readonly string[]): Promise<number> {
  const parsed = parseFlags(args, { table: { type: 'string' }, at: { type: 'string' }, partly: { type: 'boolean' } });
  const { values, positionals } = parsed;
  const [action, file, from, to] = positionals;
  if (values['help'] === true || action === undefined || file === undefined) {
    process.stdout.write(HELP);
    return values['help'] === true ? EXIT_OK : EXIT_USAGE;
  }
  const reader = await import('@tapline/reader');
  const { value, secrets } = reader.command.load({ file, env: process.env });
  const config = value as ReaderConfig;
  const text = (name: string): string | undefined => (typeof values[name] === 'string' ? values[name] : undefined);
  switch (action) {
    case 'show':
      process.stdout.write(await reader.showSchema(config, { table: text('table'), at: text('at') }));
      return EXIT_OK;
    case 'diff':
      if (from === undefined)
        throw new TaplineError('CONFIG_INVALID', { message: 'tapline schema diff needs a place.' });
      process.stdout.write(await reader.diffSchemas(config, from, to));
      return EXIT_OK;
    case 'rebuild': {
      const redactor = new Redactor();
      redactor.add(secrets);
      const log = createLogger({ level: 'warn', format: 'text', redactor, fields: { service: 'schema' } });
      const signal = new AbortController().signal;
      const built = await reader.rebuildHistory(config, { partly: values['partly'] === true, log, signal });
      const rest = built.unknown.length === 0 ? '' : `; not known at this place: ${built.unknown.join(', ')}`;
      process.stdout.write(`version ${built.version} with ${built.tables} tables${rest}\n`);
      return EXIT_OK;
    }
    default:
      throw new TaplineError('CONFIG_UNKNOWN_KEY', {
        message: `tapline schema has no action ${JSON.stringify(action)}.`,
        remedy: 'The actions are show, diff and rebuild.',
      });
  }
}

export const schema: CliCommand = { run };
