import { EXIT_FAILED, EXIT_OK, parseArguments, type ServiceCommand, TaplineError } from '@tapline/kernel';
import type { WriterConfig } from '../config.ts';
import { WriterTools } from '../tools.ts';
import { topicsNow } from '../topics.ts';
import { type PreviewedRecord, preview, type Start } from './preview.ts';
import { recordText } from './text.ts';

export const DRY_RUN = '--dry-run';

export const DRY_RUN_HELP = `
tapline writer ${DRY_RUN} --config FILE [--limit RECORDS] [--from earliest|OFFSET|TIME] [--json]

Shows for real records of each topic what the writer would write: the change as it is read, as the transforms leave it, and what the store would be sent.
Commits nothing and does not open the store. Exit code 1 when a record cannot be read or transformed.
  --limit   records of each topic (10)
  --from    where to begin in each partition: its start, an offset, or the time of the records (2026-02-28T12:00:00Z)
  --json    one JSON object a line
`;

/** `tapline writer --dry-run …`, all other flags as for the writer. */
export async function dryRun(
  load: ServiceCommand['load'],
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Promise<number> {
  const { file, flags, help } = parseArguments(args.filter((arg) => arg !== DRY_RUN));
  if (help) {
    process.stdout.write(DRY_RUN_HELP);
    return EXIT_OK;
  }
  const own = new Map(flags);
  const take = (name: string): string | undefined => {
    const value = own.get(name);
    own.delete(name);
    return value;
  };
  const limit = limitOf(take('limit') ?? '10');
  const start = startOf(take('from') ?? 'earliest');
  const json = take('json') === 'true';
  const config = load({ env, flags: own, ...(file === undefined ? {} : { file }) }).value as WriterConfig;
  const { signal } = new AbortController();
  await using tools = await WriterTools.open(config, file, signal);
  let failed = false;
  for await (const record of preview(tools, await topicsNow(tools.kafka, config.source.topics, signal), {
    start,
    limit,
    signal,
  })) {
    failed ||= isFailed(record);
    process.stdout.write(json ? `${JSON.stringify(record)}\n` : recordText(record));
  }
  return failed ? EXIT_FAILED : EXIT_OK;
}

function isFailed({ error, changes }: PreviewedRecord): boolean {
  return error !== undefined || changes.some((change) => change.error !== undefined);
}

function limitOf(text: string): number {
  const limit = Number(text);
  if (Number.isInteger(limit) && limit >= 1) return limit;
  throw new TaplineError('CONFIG_INVALID', {
    message: `--limit must be an integer of at least 1, not ${JSON.stringify(text)}.`,
  });
}

function startOf(text: string): Start {
  if (text === 'earliest') return { at: 'earliest' };
  if (/^\d+$/.test(text)) return { at: 'offset', offset: BigInt(text) };
  const ms = Date.parse(text);
  if (!Number.isNaN(ms)) return { at: 'time', ms };
  throw new TaplineError('CONFIG_INVALID', {
    message: `--from must be earliest, an offset or a time such as 2026-02-28T12:00:00Z, not ${JSON.stringify(text)}.`,
  });
}
