import { TaplineError } from '../errors.ts';

export interface Arguments {
  readonly help: boolean;
  readonly printConfig: boolean;
  /** Of `--config FILE`. */
  readonly file?: string;
  /** Every other `--key value` or `--key=value`. */
  readonly flags: ReadonlyMap<string, string>;
}

/** A flag without a value (`--source.tls.verify --…`) is `true`. Throws CONFIG_INVALID. */
export function parseArguments(args: readonly string[]): Arguments {
  const flags = new Map<string, string>();
  let help = false;
  let printConfig = false;
  let file: string | undefined;
  for (let index = 0; index < args.length; index++) {
    const arg = args[index] ?? '';
    if (arg === '--help' || arg === '-h') {
      help = true;
      continue;
    }
    if (arg === '--print-config') {
      printConfig = true;
      continue;
    }
    const [, name, , inline] = /^--([^=]+)(=(.*))?$/s.exec(arg) ?? [];
    if (name === undefined) {
      throw new TaplineError('CONFIG_INVALID', {
        message: `The argument ${JSON.stringify(arg)} is not a flag.`,
        remedy: 'Flags are --config FILE, --print-config, --help, and --key value for every key.',
      });
    }
    const next = args[index + 1];
    const takesNext = inline === undefined && next !== undefined && !next.startsWith('--');
    if (takesNext) index++;
    const value = inline ?? (takesNext ? next : undefined);
    if (name === 'config') {
      if (value === undefined)
        throw new TaplineError('CONFIG_INVALID', { message: '--config needs the path of a file.' });
      file = value;
    } else flags.set(name, value ?? 'true');
  }
  return { help, printConfig, flags, ...(file === undefined ? {} : { file }) };
}
