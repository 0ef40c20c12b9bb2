import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { sleep } from '@tapline/kernel';

const LOOK_MS = 100;

export interface ShellOptions {
  readonly folder: string;
  readonly env: Readonly<Record<string, string>>;
}

/** One bash for a whole page, so that variables and jobs of a block are there in the next one. The first command that fails ends it. */
export class Shell implements AsyncDisposable {
  readonly #child: ChildProcess;
  #out = '';
  #err = '';
  #blocks = 0;

  constructor({ folder, env }: ShellOptions) {
    // A process group of its own: at the end everything that the page has started goes with it.
    this.#child = spawn('bash', ['--noprofile', '--norc', '-s'], {
      cwd: folder,
      env: { ...process.env, ...env },
      stdio: 'pipe',
      detached: true,
    });
    this.#child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.#out += text;
    });
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#err += text;
    });
    this.#child.stdin?.write('set -eu -o pipefail\n');
  }

  /** Gives what the block printed on stdout. @throws Error when a command of it fails, or when it takes longer than `ms`. */
  async run(block: string, ms: number): Promise<string> {
    this.#out = '';
    const end = `--- block ${++this.#blocks} has ended ---\n`;
    this.#child.stdin?.write(`${block}\necho '${end.trim()}'\n`);
    const deadline = Date.now() + ms;
    while (!this.#out.endsWith(end)) {
      if (this.#child.exitCode !== null) throw this.#failure('A command failed', block);
      if (Date.now() > deadline) throw this.#failure(`Not done after ${ms} ms`, block);
      await sleep(LOOK_MS);
    }
    return this.#out.slice(0, -end.length);
  }

  /** Runs the block, whatever becomes of it, again and again until `good` likes what it prints. @throws Error after `ms`. */
  async until(block: string, good: (printed: string) => boolean, ms: number): Promise<void> {
    const deadline = Date.now() + ms;
    for (;;) {
      const printed = await this.run(`( ${block}\n) || true`, ms);
      if (good(printed)) return;
      if (Date.now() > deadline) throw this.#failure(`Not in ${ms} ms what the page shows`, block);
      await sleep(LOOK_MS);
    }
  }

  #failure(what: string, block: string): Error {
    return new Error(`${what}:\n${block}\nstdout: ${this.#out}\nstderr of the page: ${this.#err}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { pid, exitCode, signalCode } = this.#child;
    const ended = exitCode !== null || signalCode !== null ? undefined : once(this.#child, 'exit');
    try {
      if (pid !== undefined) process.kill(-pid, 'SIGKILL');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
    await ended;
  }
}
