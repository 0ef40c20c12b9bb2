import {
  EXIT_FAILED,
  EXIT_OK,
  EXIT_USAGE,
  type Finding,
  readConfigFile,
  type ServiceCommand,
  TaplineError,
} from '@tapline/kernel';
import { parseFlags } from '../arguments.ts';
import type { CliCommand } from '../command.ts';
import { serviceFor } from '../config/documents.ts';
import { asText, type Report } from './text.ts';

const HELP = `tapline doctor FILE... [--json] [--quiet]

Checks everything that the reader or writer of each configuration file depends on: the source's settings and grants, brokers,
topics, schema registry, sink. Prints for each finding what mends it. Nothing is changed anywhere. Exit code 1 when something fails.
  --json    the findings as JSON
  --quiet   only what is not as it should be
`;

type Examine = (config: never) => Promise<Record<string, readonly Finding[]>>;

interface Examined {
  readonly command: ServiceCommand;
  readonly examine: Examine;
}

async function services(): Promise<Examined[]> {
  return Promise.all([import('@tapline/reader'), import('@tapline/writer')]);
}

async function run(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseFlags(args, { json: { type: 'boolean' }, quiet: { type: 'boolean' } });
  if (values['help'] === true || positionals.length === 0) {
    process.stdout.write(HELP);
    return values['help'] === true ? EXIT_OK : EXIT_USAGE;
  }
  const reports: Report[] = [];
  for (const file of positionals) reports.push(await examineFile(file));
  process.stdout.write(
    values['json'] === true ? `${JSON.stringify(reports, null, 2)}\n` : asText(reports, values['quiet'] === true),
  );
  const failed = reports.some(({ areas }) =>
    Object.values(areas).some((findings) => findings.some(({ level }) => level === 'fail')),
  );
  return failed ? EXIT_FAILED : EXIT_OK;
}

async function examineFile(file: string): Promise<Report> {
  const all = await services();
  const command = serviceFor(
    Object.keys(readConfigFile(file)),
    all.map((service) => service.command),
  );
  const service = all.find((candidate) => candidate.command === command);
  if (command === undefined || service === undefined) {
    throw new TaplineError('CONFIG_INVALID', {
      message: 'The file is the configuration of neither a reader nor a writer.',
      place: { path: file },
    });
  }
  const { value } = command.load({ file, env: process.env });
  return { file, service: command.name, areas: await service.examine(value as never) };
}

export const doctor: CliCommand = { run };
