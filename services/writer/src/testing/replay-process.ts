import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const TAPLINE = fileURLToPath(new URL('../../../cli/src/main.ts', import.meta.url));

interface Settings {
  [key: string]: string | number | Settings | readonly string[];
}

const LISTS: ReadonlySet<string> = new Set(['brokers', 'topics']);

/** `a.b: c` becomes `{a: {b: c}}`. */
function settingsOf(flags: Readonly<Record<string, string>>): Settings {
  const settings: Settings = {};
  for (const [path, value] of Object.entries(flags)) {
    const parts = path.split('.');
    const last = parts.pop() as string;
    let at = settings;
    for (const part of parts) at = (at[part] ??= {}) as Settings;
    at[last] = LISTS.has(last) ? value.split(',') : /^\d+$/.test(value) ? Number(value) : value;
  }
  return settings;
}

/** `tapline replay` as a process, for the writer with these flags. */
export class ReplayProcess implements AsyncDisposable {
  readonly ended: Promise<number | null>;
  /** What it has printed so far. */
  log = '';
  readonly #child: ChildProcess;
  readonly #folder: string;

  private constructor(child: ChildProcess, folder: string) {
    this.#child = child;
    this.#folder = folder;
    // Not at its exit, which may come before the last lines of what it has printed.
    this.ended = once(child, 'close').then(([code]) => code as number | null);
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.log += text;
      });
    }
  }

  static async start(flags: Readonly<Record<string, string>>, args: readonly string[]): Promise<ReplayProcess> {
    const folder = await mkdtemp(join(tmpdir(), 'tapline-replay-'));
    const file = join(folder, 'writer.yaml');
    await writeFile(file, JSON.stringify(settingsOf(flags)));
    const child = spawn(process.execPath, [TAPLINE, 'replay', file, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    return new ReplayProcess(child, folder);
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) this.#child.kill('SIGKILL');
    await this.ended;
    await rm(this.#folder, { recursive: true });
  }
}
