import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { EXIT_FAILED, EXIT_OK, EXIT_USAGE, readConfigFile, type ServiceCommand, TaplineError } from '@tapline/kernel';
import { parseFlags } from '../arguments.ts';
import type { CliCommand } from '../command.ts';
import { CHART_DEFAULTS, type GeneratedFile, generatedFiles, serviceFor, undocumented } from './documents.ts';
import { messagesReference } from './messages.ts';

const ROOT = fileURLToPath(new URL('../../../../', import.meta.url));

const HELP = `tapline config validate FILE [--service reader|writer] [--print]
tapline config generate
tapline config check

validate: checks a configuration file without starting anything. Its service is recognised by its keys, or named by --service.
  --print    also print it with defaults filled in and secrets as ***
generate: writes docs/reference/*.md, schemas/*.schema.json and the chart's schema and README from the declarations in the code.
check: fails when one of these files is not what generate would write, or a key or metric has no documentation.
`;

async function services(): Promise<ServiceCommand[]> {
  const [reader, writer] = await Promise.all([import('@tapline/reader'), import('@tapline/writer')]);
  return [reader.command, writer.command];
}

async function run(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseFlags(args, { service: { type: 'string' }, print: { type: 'boolean' } });
  const [action, file] = positionals;
  if (values['help'] === true || action === undefined) {
    process.stdout.write(HELP);
    return action === undefined && values['help'] !== true ? EXIT_USAGE : EXIT_OK;
  }
  switch (action) {
    case 'validate':
      return validate(file, values['service'], values['print'] === true);
    case 'generate':
      return generate();
    case 'check':
      return check();
    default:
      throw new TaplineError('CONFIG_UNKNOWN_KEY', {
        message: `tapline config has no action ${JSON.stringify(action)}.`,
        remedy: 'The actions are validate, generate and check.',
      });
  }
}

async function validate(file: string | undefined, wanted: unknown, print: boolean): Promise<number> {
  if (file === undefined) {
    throw new TaplineError('CONFIG_INVALID', { message: 'tapline config validate needs the path of a file.' });
  }
  const all = await services();
  const named = all.find(({ name }) => name === wanted);
  if (wanted !== undefined && named === undefined) {
    const names = all.map(({ name }) => name).join(', ');
    throw new TaplineError('CONFIG_INVALID', { message: `--service: expected one of ${names}.` });
  }
  const service = named ?? serviceFor(Object.keys(readConfigFile(file)), all);
  if (service === undefined) throw new TaplineError('INTERNAL', { message: 'There is no service.' });
  const loaded = service.load({ file, env: process.env });
  if (print) process.stdout.write(loaded.print());
  else process.stdout.write(`${file} is a valid configuration of the ${service.name}.\n`);
  return EXIT_OK;
}

async function files(all: readonly ServiceCommand[]): Promise<GeneratedFile[]> {
  const { messageSchemas } = await import('@tapline/reader');
  const messages = await messagesReference(ROOT, await messageSchemas());
  const others = generatedFiles(all, readConfigFile(join(ROOT, CHART_DEFAULTS)));
  return [...others, { path: 'docs/reference/messages.md', text: messages }];
}

async function generate(): Promise<number> {
  for (const { path, text } of await files(await services())) {
    await mkdir(dirname(join(ROOT, path)), { recursive: true });
    await writeFile(join(ROOT, path), text);
    process.stdout.write(`${path}\n`);
  }
  return EXIT_OK;
}

async function check(): Promise<number> {
  const all = await services();
  const made = await files(all);
  const silent = undocumented(all);
  for (const name of silent) process.stderr.write(`${name} has no documentation.\n`);
  const current = await Promise.all(made.map(({ path }) => readFile(join(ROOT, path), 'utf8').catch(() => undefined)));
  const drifted = made.filter(({ text }, index) => text !== current[index]);
  for (const { path } of drifted) process.stderr.write(`${path} is not what the code declares.\n`);
  if (drifted.length > 0) process.stderr.write('Run ./tapline config generate and commit the result.\n');
  else process.stdout.write(`${made.length} generated files are as the code declares.\n`);
  return drifted.length === 0 && silent.length === 0 ? EXIT_OK : EXIT_FAILED;
}

export const config: CliCommand = { run };
