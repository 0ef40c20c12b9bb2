import { type ParseArgsConfig, parseArgs } from 'node:util';
import { TaplineError } from '@tapline/kernel';

type Options = NonNullable<ParseArgsConfig['options']>;

export interface Parsed {
  readonly values: Readonly<Record<string, string | boolean | undefined>>;
  readonly positionals: readonly string[];
}

/** Parses a command's own flags. Throws CONFIG_UNKNOWN_KEY for a flag that it does not have. */
export function parseFlags(args: readonly string[], options: Options): Parsed {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      options: { ...options, help: { type: 'boolean' } },
      allowPositionals: true,
    });
    return { values: values as Parsed['values'], positionals };
  } catch (cause) {
    const message = cause instanceof Error ? (cause.message.split('. ')[0] ?? '') : String(cause);
    throw new TaplineError('CONFIG_UNKNOWN_KEY', { message, remedy: '--help lists the flags.' });
  }
}

/** A flag's value as a number of at least `least`. Throws CONFIG_INVALID. */
export function numberFlag(parsed: Parsed, name: string, fallback: number, least: number): number {
  const text = parsed.values[name];
  if (text === undefined) return fallback;
  const value = typeof text === 'string' && text.trim() !== '' ? Number(text) : Number.NaN;
  if (Number.isFinite(value) && value >= least) return value;
  throw new TaplineError('CONFIG_INVALID', {
    message: `--${name} must be a number of at least ${least}, not ${JSON.stringify(text)}.`,
  });
}
