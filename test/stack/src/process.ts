import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { TaplineError } from '@tapline/kernel';
import type { Guard } from './guard.ts';
import { identityOf, isAlive, type ProcessIdentity, signalProcess, stopProcess, waitGone } from './process-identity.ts';

export interface ProcessSpec {
  /** For messages, like `kafka-1`. */
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** stdout and stderr are appended here. */
  readonly logFile: string;
  /** How long SIGTERM may take before SIGKILL. */
  readonly stopMs?: number;
}

export interface ProcessExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A process that can be started, stopped, killed -9, paused and started again, with one log file. */
export class ManagedProcess implements AsyncDisposable {
  readonly spec: ProcessSpec;
  readonly #guard: Guard | undefined;
  #identity: ProcessIdentity | undefined;
  #exit: Promise<ProcessExit> = Promise.resolve({ code: null, signal: null });

  /** Without a guard the process outlives this one (`tapline up`). */
  constructor(spec: ProcessSpec, guard: Guard | undefined) {
    this.spec = spec;
    this.#guard = guard;
  }

  get identity(): ProcessIdentity | undefined {
    return this.#identity;
  }

  get pid(): number | undefined {
    return this.#identity?.pid;
  }

  get running(): boolean {
    return this.#identity !== undefined && isAlive(this.#identity);
  }

  /** How the process last started ended; pending while it runs. */
  get exited(): Promise<ProcessExit> {
    return this.#exit;
  }

  /** Starts it (it may not be ready to serve yet). */
  async launch(): Promise<void> {
    if (this.running) throw new TaplineError('STACK_START_FAILED', { message: `${this.spec.name} runs already.` });
    mkdirSync(dirname(this.spec.logFile), { recursive: true });
    const log = openSync(this.spec.logFile, 'a');
    try {
      const child = spawn(this.spec.command, this.spec.args, {
        cwd: this.spec.cwd,
        env: { ...process.env, ...this.spec.env },
        stdio: ['ignore', log, log],
        // Leader of its own group: Ctrl-C in the terminal must not reach servers before the run stops them in order.
        detached: true,
      });
      child.unref();
      this.#exit = new Promise((resolve) => {
        child.once('exit', (code, signal) => {
          resolve({ code, signal });
        });
        child.once('error', () => {
          resolve({ code: 127, signal: null });
        });
      });
      if (child.pid === undefined) {
        await this.#exit;
        throw new TaplineError('STACK_START_FAILED', {
          message: `${this.spec.name}: cannot start ${this.spec.command}.`,
        });
      }
      this.#identity = identityOf(child.pid);
      this.#guard?.own(this.#identity);
    } finally {
      closeSync(log);
    }
  }

  /** Polls `ready` until it is true. Fails with the end of the log when the process ends first or the deadline passes. */
  async waitReady(ready: () => Promise<boolean>, deadlineMs = 300_000): Promise<void> {
    const end = performance.now() + deadlineMs;
    for (;;) {
      if (!this.running) throw await this.#startFailure('ended while starting');
      if (await ready().catch(() => false)) return;
      if (performance.now() > end) throw await this.#startFailure(`is not ready after ${deadlineMs / 1000} s`);
      await delay(40);
    }
  }

  /** SIGTERM, then SIGKILL after `stopMs`. */
  async stop(): Promise<void> {
    await this.#end(async (identity) => {
      await stopProcess(identity, this.spec.stopMs ?? 30_000);
    });
  }

  /** SIGKILL: a crash. Resolves when the process is gone. */
  async kill(): Promise<void> {
    await this.#end(async (identity) => {
      signalProcess(identity, 'SIGKILL');
      await waitGone(identity, 60_000);
    });
  }

  /** SIGSTOP: it keeps its sockets and answers nothing. */
  pause(): void {
    if (this.#identity) signalProcess(this.#identity, 'SIGSTOP');
  }

  resume(): void {
    if (this.#identity) signalProcess(this.#identity, 'SIGCONT');
  }

  signal(signal: NodeJS.Signals): void {
    if (this.#identity) signalProcess(this.#identity, signal);
  }

  /** The last `bytes` of what it printed. */
  async logs(bytes = 256 * 1024): Promise<string> {
    const file = await open(this.spec.logFile).catch(() => undefined);
    if (!file) return '';
    try {
      const { size } = await file.stat();
      const length = Math.min(size, bytes);
      const { buffer } = await file.read(Buffer.alloc(length), 0, length, size - length);
      return buffer.toString();
    } finally {
      await file.close();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #end(by: (identity: ProcessIdentity) => Promise<void>): Promise<void> {
    const identity = this.#identity;
    if (!identity) return;
    await by(identity);
    this.#guard?.disown(identity);
    this.#identity = undefined;
  }

  async #startFailure(what: string): Promise<TaplineError> {
    const tail = (await this.logs(4096)).trim().split('\n').slice(-15).join('\n');
    return new TaplineError('STACK_START_FAILED', {
      message: `${this.spec.name} ${what}. The end of ${this.spec.logFile}:\n${tail}`,
    });
  }
}
