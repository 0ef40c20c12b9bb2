import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const ENTRY = fileURLToPath(new URL('./main.ts', import.meta.url));

/** A writer as a process of its own: what can be killed. */
export class WriterProcess implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #exit: Promise<number | null>;
  readonly #lines: string[] = [];
  #url: string | undefined;

  constructor(flags: Readonly<Record<string, string>>) {
    const args = Object.entries(flags).flatMap(([key, value]) => [`--${key}`, value]);
    this.#child = spawn(process.execPath, [ENTRY, ...args], { stdio: ['ignore', 'inherit', 'pipe'] });
    // Its exit may come before the last lines of its log.
    this.#exit = once(this.#child, 'close').then(([code]) => code as number | null);
    if (this.#child.stderr === null) throw new Error('no stderr');
    createInterface({ input: this.#child.stderr }).on('line', (line) => this.#read(line));
  }

  /** The log so far, for messages of failing tests. */
  get log(): string {
    return this.#lines.join('\n');
  }

  get alive(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Answer of /state; undefined while there is none. */
  async state(): Promise<Readonly<Record<string, unknown>> | undefined> {
    return this.#get('/state').then((text) =>
      text === undefined ? undefined : (JSON.parse(text) as Record<string, unknown>),
    );
  }

  metrics(): Promise<string | undefined> {
    return this.#get('/metrics');
  }

  /** Whether it should be left alone; undefined while it does not answer. */
  async isLive(): Promise<boolean | undefined> {
    const answer = await this.#get('/livez');
    return answer === undefined ? undefined : answer === 'ok\n';
  }

  /** Changes applied so far. */
  async applied(): Promise<number> {
    return ((await this.state())?.['counts'] as { applied: number } | undefined)?.applied ?? 0;
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#exit;
  }

  /** Gives the exit code. */
  async stop(): Promise<number | null> {
    this.#child.kill('SIGTERM');
    return this.#exit;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.alive) await this.kill();
  }

  async #get(path: string): Promise<string | undefined> {
    if (this.#url === undefined) return undefined;
    try {
      return await (await fetch(this.#url + path)).text();
    } catch {
      return undefined;
    }
  }

  #read(line: string): void {
    this.#lines.push(line);
    try {
      const entry = JSON.parse(line) as { message?: string; url?: string };
      if (entry.message === 'admin server listening') this.#url = entry.url;
    } catch {
      // Not every line is the log's.
    }
  }
}
