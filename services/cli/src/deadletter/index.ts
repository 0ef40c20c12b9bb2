import { EXIT_FAILED, EXIT_OK, EXIT_USAGE, TaplineError } from '@tapline/kernel';
import type { LetterDesk, LetterFilter, WriterConfig } from '@tapline/writer';
import { type Parsed, parseFlags } from '../arguments.ts';
import type { CliCommand } from '../command.ts';
import { listText, retriedText } from './text.ts';

const HELP = `tapline deadletter list FILE [--topic TOPIC] [--code CODE] [--key KEY] [--json]
tapline deadletter show FILE LETTER
tapline deadletter retry FILE (LETTER... | --all) [--topic TOPIC] [--code CODE] [--key KEY] [--json]
tapline deadletter drop FILE (LETTER... | --all) [--topic TOPIC] [--code CODE] [--key KEY] [--json]

The dead letters of the writer with this configuration file: changes that its store refused for good, or that could not be read. The writer may run.
LETTER is a letter's name, as list shows it: <topic>/<partition>/<offset>.
retry: gives letters, in their order, to the writer's store as the writer would, and drops those that are settled: applied; stale, when the store has
  the row in a newer version; superseded, when a later change of the row stands in the topic; filtered, when the transforms leave it out now.
  Exit code 1 when one is kept.
drop: takes letters away without applying them.
  --topic, --code, --key   only letters of this topic, with this error code, of the row with this key (id=7, or 7)
  --all                    every letter that the others choose
  --json                   as JSON
`;

async function run(args: readonly string[]): Promise<number> {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean' } as const;
  const parsed = parseFlags(args, { topic: text, code: text, key: text, all: flag, json: flag });
  const [action, file, ...ids] = parsed.positionals;
  if (parsed.values['help'] === true || action === undefined || file === undefined) {
    process.stdout.write(HELP);
    return parsed.values['help'] === true ? EXIT_OK : EXIT_USAGE;
  }
  const writer = await import('@tapline/writer');
  const config = writer.command.load({ file, env: process.env }).value as WriterConfig;
  await using desk = await writer.LetterDesk.open(config, file, new AbortController().signal);
  return await act(action, desk, ids, parsed);
}

async function act(action: string, desk: LetterDesk, ids: readonly string[], { values }: Parsed): Promise<number> {
  const flag = (name: string): string | undefined => (typeof values[name] === 'string' ? values[name] : undefined);
  const filter: LetterFilter = { ids, topic: flag('topic'), code: flag('code'), key: flag('key') };
  const json = values['json'] === true;
  const print = (value: unknown, text: string): void => {
    process.stdout.write(json ? `${JSON.stringify(value, null, 2)}\n` : text);
  };
  switch (action) {
    case 'list': {
      const letters = await desk.list(filter);
      print(letters, listText(letters));
      return EXIT_OK;
    }
    case 'show':
      process.stdout.write(`${JSON.stringify(await desk.show(oneOf(ids)), null, 2)}\n`);
      return EXIT_OK;
    case 'retry': {
      chosen(action, ids, values);
      const retried = await desk.retry(filter, (one) => process.stdout.write(json ? '' : retriedText(one)));
      print(retried, '');
      return retried.some(({ outcome }) => outcome === 'kept') ? EXIT_FAILED : EXIT_OK;
    }
    case 'drop': {
      chosen(action, ids, values);
      const dropped = await desk.drop(filter);
      print(dropped, dropped.map((id) => `dropped    ${id}\n`).join(''));
      return EXIT_OK;
    }
    default:
      throw new TaplineError('CONFIG_UNKNOWN_KEY', {
        message: `tapline deadletter has no action ${JSON.stringify(action)}.`,
        remedy: 'The actions are list, show, retry and drop.',
      });
  }
}

function oneOf(ids: readonly string[]): string {
  const [id] = ids;
  if (id !== undefined && ids.length === 1) return id;
  throw new TaplineError('CONFIG_INVALID', { message: 'tapline deadletter show needs the name of one letter.' });
}

/** All letters only when that is said: a forgotten name must not touch the others. */
function chosen(action: string, ids: readonly string[], values: Parsed['values']): void {
  if (ids.length > 0 || values['all'] === true) return;
  throw new TaplineError('CONFIG_INVALID', {
    message: `tapline deadletter ${action} needs names of letters, or --all.`,
    remedy: 'With --all, --topic, --code and --key choose among them.',
  });
}

export const deadletter: CliCommand = { run };
