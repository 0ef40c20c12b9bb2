import { anySignal, type RunningService, type ServiceContext, type Signs, watchConfigFile } from '@tapline/kernel';
import type { WriterConfig } from './config.ts';
import { openWriter } from './writer.ts';

/** How often the file is looked at. */
const LOOK_MS = 2000;

type Context = ServiceContext<WriterConfig>;
type Open = (context: Context, stop: AbortSignal) => Promise<RunningService>;

/** A writer that follows its configuration file while it runs; one without a file stays as it is. */
export async function openLiveWriter(
  context: Context,
  stop: AbortSignal,
  open: Open = openWriter,
): Promise<RunningService> {
  const first = await open(context, stop);
  return context.origin === undefined ? first : new LiveWriter(context, first, open);
}

/** What belongs to the process, not to the writer in it: needs a restart. */
const OF_PROCESS: readonly (keyof WriterConfig)[] = ['admin', 'log', 'shutdown'];

/**
 * When the file has another configuration, the writer in hand finishes and commits what it has taken, as for a SIGTERM, and one of the new configuration is opened in its place: it goes on where the
 * group has committed, and begins with topics that are new. So each key means what it means at a start, and there is one way to begin. Rejected: to change topics, transforms and sink of a writer
 * under its hands, where records that are on their way would be half of the old configuration.
 *
 * A configuration that is wrong is told and changes nothing; one that cannot be opened for good is told too, and the one before is opened again.
 */
class LiveWriter implements RunningService {
  readonly #context: Context;
  readonly #open: Open;
  /** Undefined while the next one is opened. */
  #current: RunningService | undefined;
  #config: WriterConfig;
  /** What the file has now, when it is not what runs. */
  #wanted: WriterConfig | undefined;
  /** Aborts when the writer in hand, or the one being opened, is to make room for another one. */
  #renewal: AbortController = new AbortController();
  #toldRestart = '';

  constructor(context: Context, first: RunningService, open: Open) {
    this.#context = context;
    this.#config = context.config;
    this.#current = first;
    this.#open = open;
  }

  async run(stop: AbortSignal, abort: AbortSignal): Promise<void> {
    const { origin } = this.#context;
    const ended = new AbortController();
    const watching = watchConfigFile(origin?.file ?? '', {
      lookMs: LOOK_MS,
      signal: anySignal(stop, ended.signal),
      take: () => Promise.resolve(this.#look()),
    });
    try {
      for (;;) {
        await this.#live(stop, abort);
        if (stop.aborted || this.#wanted === undefined) return;
        await this.#renew(stop);
      }
    } finally {
      ended.abort();
      await watching;
    }
  }

  ready(): boolean {
    return this.#current?.ready?.() ?? false;
  }

  signs(): Signs {
    return this.#current?.signs?.() ?? {};
  }

  state(): Readonly<Record<string, unknown>> {
    const { name, sink } = this.#config;
    return this.#current?.state?.() ?? { name, sink: sink.type, writer: 'opening' };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#close();
  }

  async #live(stop: AbortSignal, abort: AbortSignal): Promise<void> {
    try {
      await this.#current?.run(anySignal(stop, this.#renewal.signal), abort);
    } catch (error) {
      // What it stood at may be what the new configuration mends; otherwise the next one meets it again.
      if (this.#wanted === undefined || stop.aborted) throw error;
    }
    if (this.#wanted !== undefined && !stop.aborted) await this.#close();
  }

  async #renew(stop: AbortSignal): Promise<void> {
    const { log } = this.#context;
    const before = this.#config;
    for (let config = this.#wanted ?? before; ; ) {
      this.#wanted = undefined;
      this.#renewal = new AbortController();
      try {
        this.#current = await this.#opened(config, stop);
        if (config !== before) log.info('the configuration was changed', { keys: changedKeys(before, config) });
        return;
      } catch (error) {
        if (stop.aborted || (this.#wanted === undefined && config === before)) throw error;
        if (this.#wanted === undefined)
          log.error('the changed configuration cannot be opened: the writer goes on with the one before', { error });
        config = this.#wanted ?? before;
      }
    }
  }

  async #opened(config: WriterConfig, stop: AbortSignal): Promise<RunningService> {
    const writer = await this.#open({ ...this.#context, config }, anySignal(stop, this.#renewal.signal));
    this.#config = config;
    return writer;
  }

  /** Always true: the same text would not be another configuration at the next look. */
  #look(): boolean {
    const { origin, log } = this.#context;
    try {
      const next = origin?.load();
      if (next === undefined) return true;
      const changed = changedKeys(this.#config, next);
      this.#tellOfRestart(changed.filter((key) => OF_PROCESS.includes(key)));
      if (changed.every((key) => OF_PROCESS.includes(key))) return true;
      this.#wanted = next;
      this.#renewal.abort();
    } catch (error) {
      log.error('the changed configuration is not taken over: the writer goes on with the one before', { error });
    }
    return true;
  }

  #tellOfRestart(keys: readonly string[]): void {
    const told = keys.join();
    if (told !== '' && told !== this.#toldRestart)
      this.#context.log.warn('the configuration has changes that need a restart', { keys });
    this.#toldRestart = told;
  }

  async #close(): Promise<void> {
    const closing = this.#current;
    this.#current = undefined;
    await closing?.[Symbol.asyncDispose]?.();
  }
}

function changedKeys(current: WriterConfig, next: WriterConfig): (keyof WriterConfig)[] {
  const groups = new Set([...Object.keys(current), ...Object.keys(next)]) as ReadonlySet<keyof WriterConfig>;
  return [...groups].filter((group) => JSON.stringify(current[group]) !== JSON.stringify(next[group]));
}
