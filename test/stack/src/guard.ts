import { type ChildProcess, spawn } from 'node:child_process';
import type { Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import type { ProcessIdentity } from './process-identity.ts';

/**
 * The watchdog of one run: a small shell at the other end of a pipe that kills the run's servers and removes its folders when
 * the pipe closes. So nothing stays behind when a test process crashes or is killed -9.
 */
export class Guard implements AsyncDisposable {
  readonly #shell: ChildProcess;
  readonly #gone: Promise<void>;

  constructor() {
    // Its own session: Ctrl-C in the terminal must reach the run, not the guard.
    this.#shell = spawn('sh', [fileURLToPath(new URL('guard.sh', import.meta.url))], {
      stdio: ['pipe', 'ignore', 'ignore'],
      detached: true,
    });
    this.#shell.unref();
    (this.#shell.stdin as Socket | null)?.unref();
    this.#shell.stdin?.on('error', () => undefined);
    this.#gone = new Promise((resolve) => {
      this.#shell.once('close', () => {
        resolve();
      });
    });
  }

  own(process: ProcessIdentity): void {
    this.#tell(`own ${process.pid} ${process.startTicks}`);
  }

  disown(process: ProcessIdentity): void {
    this.#tell(`disown ${process.pid}`);
  }

  folder(path: string): void {
    this.#tell(`folder ${path}`);
  }

  /** Lets everything live on without it. */
  release(): void {
    this.#tell('release');
  }

  /** Kills and removes what is still owned. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#shell.ref();
    this.#shell.stdin?.end();
    await this.#gone;
  }

  #tell(line: string): void {
    this.#shell.stdin?.write(`${line}\n`);
  }
}
