import { spawn } from 'node:child_process';
import { TaplineError } from '@tapline/kernel';

export interface CommandOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Package that brings the program, named when it is missing. */
  readonly package: string;
}

/** Runs a program to its end and returns its stdout; a failure carries the end of its stderr. */
export async function runCommand(program: string, args: readonly string[], options: CommandOptions): Promise<string> {
  const child = spawn(program, args, {
    cwd: options.cwd,
    env: { ...process.env, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const output: Buffer[] = [];
  const errors: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => output.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => errors.push(chunk));
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', (cause) => {
      reject(
        new TaplineError('STACK_PREREQUISITE', {
          message: `The program ${program} cannot be started.`,
          remedy: `Install the package ${options.package}.`,
          cause,
        }),
      );
    });
    child.once('close', resolve);
  });
  const text = Buffer.concat(output).toString();
  if (code === 0) return text;
  // Some programs (Maven) say on stdout why they failed.
  const said = `${text}\n${Buffer.concat(errors).toString()}`.trim();
  const tail = said.split('\n').slice(-12).join('\n');
  throw new TaplineError('STACK_START_FAILED', {
    message: `${program} ${args.join(' ')} ended with ${code}:\n${tail}`,
  });
}
