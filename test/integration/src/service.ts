import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { sleep } from '@tapline/kernel';
import type { ManagedProcess, ProcessSpec, StackBase } from '@tapline/test-stack';

const TAPLINE = fileURLToPath(new URL('../../../tapline', import.meta.url));
const DEADLINE_MS = 300_000;

export type Config = Readonly<Record<string, unknown>>;

/** A line of a service's log. */
export interface LogEntry {
  readonly time: string;
  readonly level: string;
  readonly message: string;
  readonly url?: string;
  readonly error?: { readonly code: string; readonly message: string; readonly remedy?: string };
}

/** A reader or a writer as people run it: `./tapline reader --config FILE`, a process of its own. */
export class Service {
  readonly #process: ManagedProcess;

  private constructor(process: ManagedProcess) {
    this.#process = process;
  }

  /** `config` as an object (JSON is YAML) or as the file's own text. */
  static async start(stack: StackBase, command: 'reader' | 'writer', config: Config | string): Promise<Service> {
    const stem = `${command}-${Math.random().toString(36).slice(2)}`;
    const file = join(stack.folder, `${stem}.yaml`);
    await writeFile(file, typeof config === 'string' ? config : JSON.stringify(config, undefined, 2));
    return await Service.run(stack, stem, [command, '--config', file]);
  }

  static async run(stack: StackBase, name: string, args: readonly string[]): Promise<Service> {
    // The tests run with the packages that are there; the launcher must not install under them.
    return await Service.#launch(stack, { name, command: TAPLINE, args, env: { TAPLINE_NO_INSTALL: '1' } });
  }

  /** A program of the test's own, with the environment that it is to see beside ours. */
  static async program(
    stack: StackBase,
    name: string,
    args: readonly string[],
    env: Readonly<Record<string, string>>,
  ): Promise<Service> {
    const quiet = '--disable-warning=ExperimentalWarning';
    return await Service.#launch(stack, { name, command: process.execPath, args: [quiet, ...args], env });
  }

  static async #launch(stack: StackBase, spec: Omit<ProcessSpec, 'logFile'>): Promise<Service> {
    const launched = stack.process({ ...spec, logFile: join(stack.folder, `${spec.name}.log`) });
    await launched.launch();
    return new Service(launched);
  }

  /** Everything printed so far. */
  async output(): Promise<string> {
    return await this.#process.logs(16 << 20);
  }

  async entries(): Promise<LogEntry[]> {
    // The last one may be read while it is written.
    const whole = (await this.output()).split('\n').slice(0, -1);
    const lines = whole.filter((line) => line.startsWith('{') && line.endsWith('}'));
    return lines.map((line) => JSON.parse(line) as LogEntry);
  }

  /** Waits for a log line about an error of this code, and gives it. */
  async errorOf(code: string): Promise<NonNullable<LogEntry['error']>> {
    let found: LogEntry['error'];
    await this.until(`an error ${code} in the log`, async () => {
      found = (await this.entries()).find((entry) => entry.error?.code === code)?.error;
      return found !== undefined;
    });
    return found as NonNullable<LogEntry['error']>;
  }

  /** Whether the reader has begun to follow the binlog. */
  async saysStreaming(): Promise<boolean> {
    return (await this.entries()).some(({ message }) => message === 'streaming');
  }

  async saysReady(): Promise<boolean> {
    return await this.#says('/readyz');
  }

  async saysLive(): Promise<boolean> {
    return await this.#says('/livez');
  }

  async #says(path: string): Promise<boolean> {
    const response = await this.#ask(path);
    await response?.arrayBuffer();
    return response?.ok === true;
  }

  /** What it says of itself; empty while it does not answer. */
  async state(): Promise<Readonly<Record<string, unknown>>> {
    return ((await this.answer('/state')) ?? {}) as Record<string, unknown>;
  }

  /** The JSON that a path answers; undefined while the service cannot be asked. */
  async answer(path: string): Promise<unknown> {
    return await (await this.#ask(path))?.json();
  }

  /** The metric's value; of one with labels the sum of the lines that hold `label`. NaN when there is none, or the service cannot be asked. */
  async metric(name: string, label = ''): Promise<number> {
    const text = (await (await this.#ask('/metrics'))?.text()) ?? '';
    const lines = text.split('\n').filter((line) => line.startsWith(`${name}{`) && line.includes(label));
    return lines.length === 0 ? Number.NaN : lines.reduce((sum, line) => sum + metricValue(line), 0);
  }

  /** The status of the answer to a POST; undefined while the service cannot be asked. */
  async post(path: string): Promise<number | undefined> {
    const response = await this.#ask(path, 'POST');
    await response?.arrayBuffer();
    return response?.status;
  }

  async #url(): Promise<string | undefined> {
    return (await this.entries()).find((entry) => entry.message === 'admin server listening')?.url;
  }

  async #ask(path: string, method = 'GET'): Promise<Response | undefined> {
    const url = await this.#url();
    if (url === undefined) return undefined;
    return await fetch(`${url}${path}`, { method, signal: AbortSignal.timeout(30_000) }).catch(() => undefined);
  }

  /** Polls until an answer is as it must be, and gives that very answer: the next one may be another. */
  async seen<T>(what: string, ask: () => Promise<T>, holds: (answer: T) => boolean): Promise<T> {
    let answer = await ask();
    await this.until(what, async () => {
      if (holds(answer)) return true;
      answer = await ask();
      return holds(answer);
    });
    return answer;
  }

  /** Polls until `holds`; fails at once when the service ends by itself, with the end of its log. */
  async until(what: string, holds: () => Promise<boolean>, deadlineMs = DEADLINE_MS): Promise<void> {
    const end = performance.now() + deadlineMs;
    while (!(await holds())) {
      if (!this.#process.running && !(await holds())) throw new Error(`ended before ${what}\n${await this.#tail()}`);
      if (performance.now() > end) throw new Error(`not after ${deadlineMs} ms: ${what}\n${await this.#tail()}`);
      await sleep(100);
    }
  }

  get running(): boolean {
    return this.#process.running;
  }

  /** Waits until it ends by itself and gives its exit code. */
  async ended(): Promise<number | null> {
    const late = new AbortController();
    const deadline = sleep(DEADLINE_MS, late.signal).then(async () => {
      throw new Error(`did not end within ${DEADLINE_MS} ms\n${await this.#tail()}`);
    });
    deadline.catch(() => undefined);
    const { code } = await Promise.race([this.#process.exited, deadline]);
    late.abort();
    return code;
  }

  /** SIGTERM, and not before it can take one: until then that ends any process at once. Gives the exit code. */
  async stop(): Promise<number | null> {
    await this.until('it listens', async () => !this.running || (await this.#url()) !== undefined);
    this.#process.signal('SIGTERM');
    return await this.ended();
  }

  /** SIGSTOP: it keeps its sockets and does nothing. */
  pause(): void {
    this.#process.pause();
  }

  /** SIGCONT. */
  resume(): void {
    this.#process.resume();
  }

  /** SIGKILL. */
  async kill(): Promise<void> {
    await this.#process.kill();
  }

  async #tail(): Promise<string> {
    return (await this.output()).slice(-5000);
  }
}

function metricValue(line: string): number {
  const text = line.slice(line.lastIndexOf(' ') + 1);
  return text === '+Inf' ? Number.POSITIVE_INFINITY : Number(text.replace('Nan', 'NaN'));
}
