import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Guard } from './guard.ts';
import { reservePorts } from './ports.ts';
import { ManagedProcess, type ProcessSpec } from './process.ts';

/** What every server module has in common. */
export interface Server extends AsyncDisposable {
  readonly name: string;
  readonly host: '127.0.0.1';
  readonly port: number;
  /** Starts, or starts again on the same port with the same data, and resolves when it serves. */
  start(): Promise<void>;
  /** Clean shutdown. */
  stop(): Promise<void>;
  /** SIGKILL. */
  kill(): Promise<void>;
  /** SIGSTOP: connections stay open and nothing is answered. */
  pause(): void;
  resume(): void;
  logs(): Promise<string>;
}

/** One run's folder, ports and processes. */
export class StackContext {
  readonly folder: string;
  readonly say: (line: string) => void;
  readonly #guard: Guard | undefined;
  readonly #processes: ManagedProcess[] = [];
  readonly #ports: number[] = [];

  constructor(folder: string, guard: Guard | undefined, say: (line: string) => void = () => undefined) {
    this.folder = folder;
    this.say = say;
    this.#guard = guard;
  }

  get processes(): readonly ManagedProcess[] {
    return this.#processes;
  }

  get ports(): readonly number[] {
    return this.#ports;
  }

  async reserve(count: number): Promise<readonly number[]> {
    const ports = await reservePorts(count);
    this.#ports.push(...ports);
    return ports;
  }

  async subfolder(name: string): Promise<string> {
    const path = join(this.folder, name);
    await mkdir(path, { recursive: true });
    return path;
  }

  process(spec: ProcessSpec): ManagedProcess {
    const made = new ManagedProcess(spec, this.#guard);
    this.#processes.push(made);
    return made;
  }
}

/** A server that is one process; each module gives its readiness probe and its address. */
export abstract class ProcessServer implements Server {
  readonly host = '127.0.0.1';
  readonly name: string;
  readonly port: number;
  readonly process: ManagedProcess;
  /** Command line of a client connected to this server, where one was fetched with it. */
  readonly client: readonly string[] | undefined;

  constructor(name: string, port: number, process: ManagedProcess, client?: readonly string[]) {
    this.client = client;
    this.name = name;
    this.port = port;
    this.process = process;
  }

  protected abstract ready(): Promise<boolean>;

  async start(): Promise<void> {
    await this.process.launch();
    await this.process.waitReady(() => this.ready());
  }

  async stop(): Promise<void> {
    await this.process.stop();
  }

  async kill(): Promise<void> {
    await this.process.kill();
  }

  async restart(): Promise<void> {
    await this.stop();
    await this.start();
  }

  pause(): void {
    this.process.pause();
  }

  resume(): void {
    this.process.resume();
  }

  async logs(): Promise<string> {
    return await this.process.logs();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}
