import { openAdmin } from './admin.ts';
import { parseArguments } from './config/arguments.ts';
import type { ConfigDeclaration, ConfigOf } from './config/fields.ts';
import { helpText } from './config/help.ts';
import { type ConfigInput, type LoadedConfig, loadConfig } from './config/load.ts';
import { printableError } from './describe-error.ts';
import { Lifecycle, type RunningService } from './lifecycle.ts';
import { Liveness } from './liveness.ts';
import { createLogger, type LogFormat, type Logger, type LogLevel } from './log.ts';
import { createMetrics, type Metrics, type MetricTable } from './metrics.ts';
import { handleProcess } from './process.ts';
import { Redactor } from './redact.ts';
import { type ServiceConfig, withServiceConfig } from './service-config.ts';

/** Where a service's configuration came from, to be read once more. */
export interface ConfigOrigin<C> {
  readonly file: string;
  /** The configuration as the file has it now, under the same environment and flags. Throws as `load` does. */
  load(): C;
}

export interface ServiceContext<C> {
  readonly config: C;
  /** undefined: not from a file. */
  readonly origin: ConfigOrigin<C> | undefined;
  readonly log: Logger;
  readonly metrics: Metrics;
}

export interface ServiceDefinition<D extends ConfigDeclaration = ConfigDeclaration> {
  /** `reader`: names the process in logs and metrics. */
  readonly name: string;
  readonly summary: string;
  readonly version?: string;
  /** Its own keys; `admin`, `log` and `shutdown` are added. */
  readonly config: D;
  /** All its metric tables (its libraries' too): what docs/reference/metrics.md lists. */
  readonly metrics?: readonly MetricTable[];
  /** What the declaration alone cannot say: values that do not go together. Throws CONFIG_INVALID. */
  readonly check?: (config: ConfigOf<D> & ServiceConfig) => void;
  /** Acquires what the service needs; `stop` aborts when the service is asked to stop meanwhile. */
  readonly open: (context: ServiceContext<ConfigOf<D> & ServiceConfig>, stop: AbortSignal) => Promise<RunningService>;
}

/** What services/cli runs and generates the reference from. */
export interface ServiceCommand {
  readonly name: string;
  readonly summary: string;
  /** With the keys that every service has. */
  readonly config: ConfigDeclaration;
  readonly metrics: readonly MetricTable[];
  /** The checked configuration, without starting anything. Throws CONFIG_UNREADABLE, CONFIG_UNKNOWN_KEY, CONFIG_INVALID. */
  readonly load: (input: ConfigInput) => LoadedConfig<unknown>;
  /** Gives the exit code: 0 stopped as asked, 1 failed, 2 bad configuration or command line. */
  readonly run: (args: readonly string[], env?: Readonly<Record<string, string | undefined>>) => Promise<number>;
}

export const EXIT_OK = 0;
export const EXIT_FAILED = 1;
export const EXIT_USAGE = 2;

/** Wraps a service as a command: `--config FILE`, every key as `--key value`, `--print-config`, `--help`. */
export function serviceCommand<const D extends ConfigDeclaration>(definition: ServiceDefinition<D>): ServiceCommand {
  const { name, summary } = definition;
  const config = withServiceConfig(definition.config);

  function load(input: ConfigInput): LoadedConfig<ConfigOf<D> & ServiceConfig> {
    // The declaration with the shared keys has a type that nobody can infer; its parts are known.
    const loaded = loadConfig(config, input) as unknown as LoadedConfig<ConfigOf<D> & ServiceConfig>;
    definition.check?.(loaded.value);
    return loaded;
  }

  return {
    name,
    summary,
    config,
    metrics: definition.metrics ?? [],
    load,
    async run(args, env = process.env): Promise<number> {
      try {
        const { help, printConfig, file, flags } = parseArguments(args);
        if (help) {
          process.stdout.write(helpText(config, { usage: `tapline ${name}`, summary }));
          return EXIT_OK;
        }
        const input: ConfigInput = { env, flags, ...(file === undefined ? {} : { file }) };
        const loaded = load(input);
        if (printConfig) {
          process.stdout.write(loaded.print());
          return EXIT_OK;
        }
        const again = file === undefined ? undefined : { file, load: () => load(input) };
        return await runService(definition, { ...loaded, ...(again === undefined ? {} : { again }) });
      } catch (error) {
        process.stderr.write(`${printableError(error)}\n`);
        return EXIT_USAGE;
      }
    },
  };
}

export interface RunInput<C> {
  readonly value: C;
  readonly secrets?: readonly string[];
  readonly warnings?: readonly string[];
  /** Reads it once more. */
  readonly again?: { readonly file: string; load(): { readonly value: C; readonly secrets: readonly string[] } };
}

/** Runs one service in this process until it ends or a signal comes. Gives the exit code; logs the error that ended it. */
export async function runService<D extends ConfigDeclaration>(
  definition: ServiceDefinition<D>,
  input: RunInput<ConfigOf<D> & ServiceConfig>,
): Promise<number> {
  const config: ConfigOf<D> & ServiceConfig = input.value;
  const settings: ServiceConfig = config;
  const redactor = new Redactor();
  redactor.add(input.secrets ?? []);
  const log = createLogger({
    level: settings.log.level satisfies LogLevel,
    format: settings.log.format satisfies LogFormat,
    redactor,
    fields: { service: definition.name },
  });
  for (const warning of input.warnings ?? []) log.warn(warning);
  const metrics = createMetrics(definition.name);
  const lifecycle = new Lifecycle({
    log,
    drainMs: settings.shutdown.drainMs,
    open: async (stop) => definition.open({ config, origin: originOf(input, redactor), log, metrics }, stop),
  });
  using _ = handleProcess(lifecycle, log);
  const started = Date.now();
  const liveness = new Liveness(settings.admin.stalledMs);
  const hangs = (): boolean => {
    const names = liveness.hanging((lifecycle.state === 'running' && lifecycle.service?.signs?.()) || {});
    for (const name of names) log.error('no sign of work for too long', { name, stalledMs: settings.admin.stalledMs });
    return names.length > 0;
  };
  try {
    await using _admin = await openAdmin({
      ...settings.admin,
      log,
      metrics,
      healthy: () => lifecycle.state !== 'failed' && !hangs(),
      ready: () => lifecycle.state === 'running' && (lifecycle.service?.ready?.() ?? true),
      answer: async (url) => lifecycle.service?.answer?.(url),
      act: async (url) => lifecycle.service?.act?.(url),
      state: () => ({
        service: definition.name,
        ...(definition.version === undefined ? {} : { version: definition.version }),
        pid: process.pid,
        state: lifecycle.state,
        since: lifecycle.since,
        uptimeSeconds: Math.round((Date.now() - started) / 1000),
        ...lifecycle.service?.state?.(),
      }),
    });
    return (await lifecycle.run()) ? EXIT_OK : EXIT_FAILED;
  } catch (error) {
    log.error('service failed', { error });
    return EXIT_FAILED;
  }
}

function originOf<C>({ again }: RunInput<C>, redactor: Redactor): ConfigOrigin<C> | undefined {
  if (again === undefined) return undefined;
  const load = (): C => {
    const { value, secrets } = again.load();
    redactor.add(secrets);
    return value;
  };
  return { file: again.file, load };
}
