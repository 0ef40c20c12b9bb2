import { createInterface } from 'node:readline/promises';
import { createLogger, EXIT_FAILED, EXIT_OK, EXIT_USAGE, TaplineError } from '@tapline/kernel';
import type { ReplayOptions, WriterConfig } from '@tapline/writer';
import { numberFlag, type Parsed, parseFlags } from '../arguments.ts';
import type { CliCommand } from '../command.ts';
import { ProgressLine } from './progress-line.ts';
import { planText, resultText } from './text.ts';

const HELP = `tapline replay FILE [--from PLACE] [--tables TABLES] [--rate RECORDS] [--into NEW [--swap]]
               [--yes | --dry-run] [--resume | --restart] [--json]

Gives records of the topics of the writer with this configuration file to its store once more, beside the running writer, up to the ends of the topics as
they are now. The store compares versions: what it has is not touched, and no row goes back. First shows what would be read and written, and asks.
  --from PLACE     earliest (default)
                   a time: 2026-02-28T12:00:00Z, 2026-02-28; or how long ago: 90m, 2h, 7d (when the reader published the records)
                   a GTID or GTID set of the source: 3e11fa47-71ca-11e1-9e33-c80aa9429562:23, 0-1-4711
                   offsets, topic:partition:offset, several separated by commas, or @FILE with them: only these partitions are replayed
  --tables TABLES  only these, separated by commas: shop.orders, shop.*, or whole names of topics
  --rate RECORDS   records a second at most
  --into NEW       fills a second target beside the live one: indexes named INDEX-NEW of Elasticsearch or OpenSearch; database number NEW of Redis;
                   tables named TABLE_NEW of MySQL
  --swap           follows the writer until both hold the same, then exchanges them in one step of the store, while the writer waits: the alias of
                   an index, two databases of Redis, the names of tables. Readers see the old rows or the new ones, and no row goes back
  --yes            does not ask
  --dry-run        shows what would be done, and ends
  --resume         goes on with a replay that was ended before it was finished; begins one where there is none
  --restart        forgets such a replay, and begins anew
  --json           prints plan and result as JSON
Exit code: 0 done; 1 failed, or stopped before its end; 2 wrong command line or configuration, or nobody to ask and no --yes.
`;

async function run(args: readonly string[]): Promise<number> {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean' } as const;
  const parsed = parseFlags(args, {
    from: text,
    tables: text,
    rate: text,
    into: text,
    swap: flag,
    yes: flag,
    'dry-run': flag,
    resume: flag,
    restart: flag,
    json: flag,
  });
  const [file, ...more] = parsed.positionals;
  if (parsed.values['help'] === true || file === undefined || more.length > 0) {
    process.stdout.write(HELP);
    return parsed.values['help'] === true ? EXIT_OK : EXIT_USAGE;
  }
  const stop = new AbortController();
  const end = (): void => stop.abort(new DOMException('The replay was stopped.', 'AbortError'));
  process.once('SIGINT', end).once('SIGTERM', end);
  try {
    return await replayFile(file, parsed, stop.signal);
  } finally {
    process.off('SIGINT', end).off('SIGTERM', end);
  }
}

async function replayFile(file: string, parsed: Parsed, stop: AbortSignal): Promise<number> {
  const options = optionsOf(parsed);
  const writer = await import('@tapline/writer');
  const config = writer.command.load({ file, env: process.env }).value as WriterConfig;
  await using replay = await writer.Replay.open(config, file, options);
  const json = parsed.values['json'] === true;
  process.stdout.write(json ? `${JSON.stringify({ plan: replay.plan }, exact)}\n` : planText(replay.plan));
  if (parsed.values['dry-run'] === true) return EXIT_OK;
  if (parsed.values['yes'] !== true && !(await isWanted(stop))) return EXIT_USAGE;
  const line = new ProgressLine(process.stderr);
  const result = await replay.run(stop, (progress) => line.show(progress));
  line.end();
  process.stdout.write(json ? `${JSON.stringify({ result }, exact)}\n` : resultText(result));
  return result.finished ? EXIT_OK : EXIT_FAILED;
}

function optionsOf(parsed: Parsed): ReplayOptions {
  const { values } = parsed;
  const given = (name: string): string | undefined => (typeof values[name] === 'string' ? values[name] : undefined);
  if (values['resume'] === true && values['restart'] === true)
    throw new TaplineError('CONFIG_INVALID', { message: '--resume and --restart do not go together.' });
  const tables =
    given('tables')
      ?.split(',')
      .map((table) => table.trim()) ?? [];
  if (tables.includes('')) throw new TaplineError('CONFIG_INVALID', { message: '--tables has an empty name.' });
  return {
    from: given('from') ?? 'earliest',
    tables,
    resume: values['resume'] === true,
    restart: values['restart'] === true,
    recordsPerSecond: numberFlag(parsed, 'rate', 0, 1),
    into: given('into'),
    swap: values['swap'] === true,
    log: createLogger({ level: 'warn', format: process.stderr.isTTY ? 'text' : 'json' }),
    signal: new AbortController().signal,
  };
}

async function isWanted(stop: AbortSignal): Promise<boolean> {
  if (!process.stdin.isTTY || !process.stdout.isTTY) {
    process.stderr.write('Nothing was done: there is nobody to ask. --yes does it, --dry-run only shows it.\n');
    return false;
  }
  const ask = createInterface({ input: process.stdin, output: process.stdout });
  try {
    return /^y(es)?$/i.test((await ask.question('Replay? [y/N] ', { signal: stop })).trim());
  } catch (error) {
    if (stop.aborted) return false;
    throw error;
  } finally {
    ask.close();
  }
}

function exact(_: string, value: unknown): unknown {
  return typeof value === 'bigint' ? value.toString() : value;
}

export const replay: CliCommand = { run };
