import { describeKeys, EXIT_OK, parseArguments, printableError, type ServiceCommand } from '@tapline/kernel';
import type { CliCommand, CommandEntry } from '../command.ts';
import { type Page, type Problem, problem } from './page.ts';

/** Infos of blocks that hold no commands. */
const NO_SHELL = /^(ya?ml|json|ts|js|sql|mermaid|diff|http)\b/;
/** At the beginning of a command: elsewhere `tapline` is a word for another program, such as the name of a release. */
const COMMAND = /(?<=^\s*|[;&|("'`]\s*|^\w+=\S+ +)(?:\.\/)?tapline[ \t]+/g;
/** Flags of `tapline writer` that are no keys of its configuration. */
const DRY_RUN = ['dry-run', 'limit', 'from', 'json'];

interface CommandLine {
  readonly line: number;
  readonly words: readonly string[];
}

/** Every `tapline …` that a page tells its reader to run. */
export function commandLines(page: Page): CommandLine[] {
  const blocks = page.blocks.filter(({ info }) => !NO_SHELL.test(info));
  const lines = blocks.flatMap(({ line, text }) =>
    text
      .replace(/\\\n/g, '  ')
      .split('\n')
      .map((content, index) => ({ line: line + index + 1, content })),
  );
  const spans = page.spans.map(({ line, text }) => ({ line, content: text }));
  return [...lines, ...spans.filter(({ content }) => /^(\.\/)?tapline /.test(content))].flatMap(({ line, content }) => {
    const said = content.replace(/(^|\s)#.*/, '');
    return [...said.matchAll(COMMAND)].map((found) => ({
      line,
      words: words(said.slice(found.index + found[0].length)),
    }));
  });
}

/** As a shell parts them, up to where the command ends. */
function words(text: string): string[] {
  const found: string[] = [];
  for (const [token, quoted, single] of text.matchAll(/"([^"]*)"|'([^']*)'|[;&|>)#]|2>|[^\s"';&|>)]+/g)) {
    if (/^([;&|>)#]|2>)/.test(token)) break;
    found.push(quoted ?? single ?? token);
  }
  return found;
}

/**
 * Command lines that the command line itself would refuse: it is asked for help with the same words, and reads all of them before it answers.
 * Reader and writer answer first, so their flags are held against the keys of their configuration.
 */
export async function wrongCommandLines(
  pages: readonly Page[],
  commands: readonly CommandEntry[],
  services: readonly ServiceCommand[],
): Promise<Problem[]> {
  const problems: Problem[] = [];
  for (const page of pages) {
    for (const { line, words: given } of commandLines(page)) {
      const wrong = await faultOf(given, commands, services);
      if (wrong !== undefined) problems.push(problem(page, line, `tapline ${given.join(' ')}: ${wrong}`));
    }
  }
  return problems;
}

async function faultOf(
  [name = '', ...args]: readonly string[],
  commands: readonly CommandEntry[],
  services: readonly ServiceCommand[],
): Promise<string | undefined> {
  if (name === 'COMMAND' || name === 'help') return undefined;
  const entry = commands.find((command) => command.name === name);
  if (entry === undefined) return `there is no command ${name}`;
  // What stands in for a value, a row of choices or more of the same is no word of the command.
  const given = args.filter((word) => word !== '…' && word !== '[flags]');
  const service = services.find((candidate) => candidate.name === name);
  try {
    return service === undefined ? await refusal(await entry.load(), name, given) : unknownKey(service, given);
  } catch (error) {
    return printableError(error);
  }
}

function unknownKey({ name, config }: ServiceCommand, args: readonly string[]): string | undefined {
  const known = new Set(describeKeys(config).map(({ key }) => key));
  const own = name === 'writer' && args.includes('--dry-run') ? DRY_RUN : [];
  const unknown = [...parseArguments(args).flags.keys()].filter((flag) => !known.has(flag) && !own.includes(flag));
  return unknown.length === 0 ? undefined : `unknown: ${unknown.map((flag) => `--${flag}`).join(', ')}`;
}

async function refusal(command: CliCommand, name: string, args: readonly string[]): Promise<string | undefined> {
  let help = '';
  const write = process.stdout.write;
  process.stdout.write = (text: string | Uint8Array): boolean => {
    help += String(text);
    return true;
  };
  try {
    const code = await command.run([...args, '--help']);
    if (code !== EXIT_OK) return `it ends with ${code}`;
  } finally {
    process.stdout.write = write;
  }
  const actions = actionsOf(name, help);
  const [action] = args.filter((word) => !word.startsWith('--'));
  if (actions.length === 0 || action === undefined || actions.includes(action)) return undefined;
  return `its actions are ${actions.join(', ')}`;
}

/** `show` and `diff` of a help that begins `tapline schema show FILE`. */
function actionsOf(name: string, help: string): string[] {
  const usages = help.matchAll(new RegExp(`^tapline ${name} ([a-z|]+)(?= |$)`, 'gm'));
  return [...usages].flatMap(([, action = '']) => action.split('|'));
}
