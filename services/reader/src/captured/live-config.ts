import { type ConfigOrigin, isAbort, isRetryable, type Logger, watchConfigFile } from '@tapline/kernel';
import type { ReaderConfig } from '../config.ts';

/** How often the file is looked at. */
const LOOK_MS = 2000;

/** What a running reader takes over; all else needs a restart. */
const LIVE: readonly (readonly [group: keyof ReaderConfig, key?: string])[] = [
  ['source', 'include'],
  ['source', 'exclude'],
  ['source', 'ghostTables'],
  ['keys'],
  ['shape'],
  ['snapshot'],
];

/** The configuration of a reader that runs, as its file has it from time to time. */
export class LiveConfig {
  readonly #origin: ConfigOrigin<ReaderConfig> | undefined;
  readonly #log: Logger;
  readonly #lookMs: number;
  #current: ReaderConfig;
  #toldRestart = '';

  constructor(config: ReaderConfig, origin: ConfigOrigin<ReaderConfig> | undefined, log: Logger, lookMs = LOOK_MS) {
    this.#current = config;
    this.#origin = origin;
    this.#log = log;
    this.#lookMs = lookMs;
  }

  get current(): ReaderConfig {
    return this.#current;
  }

  /**
   * Looks until the signal aborts. `apply` is called with a configuration that differs in what may change; where it rejects, the one before stays.
   * `apply` gives false when it cannot be told now: it is called again, as after an error that passes by itself.
   */
  async watch(apply: (next: ReaderConfig) => Promise<boolean>, signal: AbortSignal): Promise<void> {
    const origin = this.#origin;
    if (origin === undefined) return;
    await watchConfigFile(origin.file, { lookMs: this.#lookMs, signal, take: () => this.#take(origin, apply) });
  }

  /** False: once more at the next look. */
  async #take(origin: ConfigOrigin<ReaderConfig>, apply: (next: ReaderConfig) => Promise<boolean>): Promise<boolean> {
    try {
      const { next, changed, restart } = merged(this.#current, origin.load());
      this.#tellOfRestart(restart);
      if (changed.length === 0) return true;
      if (!(await apply(next))) return false;
      this.#current = next;
      this.#log.info('the configuration was changed', { keys: changed });
    } catch (error) {
      if (isAbort(error)) return false;
      if (isRetryable(error)) {
        this.#log.warn('the changed configuration cannot be checked now, which is tried again', { error });
        return false;
      }
      this.#log.error('the changed configuration is not taken over: the reader goes on with the one before', { error });
    }
    return true;
  }

  /** Once, until it is something else: a change that cannot be taken over now is looked at again and again. */
  #tellOfRestart(keys: readonly string[]): void {
    const told = keys.join();
    if (told !== '' && told !== this.#toldRestart)
      this.#log.warn('the configuration has changes that need a restart', { keys });
    this.#toldRestart = told;
  }
}

/** The running configuration with what may change of another one; and the names of what differs. */
export function merged(
  current: ReaderConfig,
  wanted: ReaderConfig,
): { readonly next: ReaderConfig; readonly changed: readonly string[]; readonly restart: readonly string[] } {
  let next = current;
  const changed: string[] = [];
  for (const [group, key] of LIVE) {
    const [is, becomes] = [current[group], wanted[group]];
    const name = key === undefined ? group : `${group}.${key}`;
    if (text(at(is, key)) === text(at(becomes, key))) continue;
    changed.push(name);
    next = { ...next, [group]: key === undefined ? becomes : { ...(next[group] as object), [key]: at(becomes, key) } };
  }
  const groups = new Set([...Object.keys(next), ...Object.keys(wanted)]) as ReadonlySet<keyof ReaderConfig>;
  const restart = [...groups].filter((group) => text(next[group]) !== text(wanted[group]));
  return { next, changed, restart };
}

function at(group: unknown, key: string | undefined): unknown {
  return key === undefined ? group : (group as Readonly<Record<string, unknown>>)[key];
}

function text(value: unknown): string {
  return JSON.stringify(value) ?? '';
}
