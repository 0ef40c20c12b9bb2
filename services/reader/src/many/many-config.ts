import {
  type ConfigInput,
  type LoadedConfig,
  loadConfig,
  readConfigFile,
  type ServiceConfig,
  TaplineError,
  withServiceConfig,
} from '@tapline/kernel';
import { READER_CONFIG, type ReaderConfig } from '../config.ts';

/** The configuration of a process with several readers: what it has once, and that of each reader, by its key in the file. */
export interface ManyConfig {
  readonly service: ServiceConfig;
  readonly readers: ReadonlyMap<string, ReaderConfig>;
}

const PROCESS = withServiceConfig({
  name: READER_CONFIG.name,
  doc: 'What a process with several readers has once.',
  fields: {},
});

/** Whether the file is one of several readers. Throws CONFIG_UNREADABLE. */
export function isForMany(file: string | undefined): boolean {
  return file !== undefined && 'readers' in readConfigFile(file);
}

/**
 * A file with `readers:`, a map whose entries are configurations of one reader each, and beside it `admin`, `log` and `shutdown`. An entry's `name` is its key
 * where it has none. An entry's environment variables have the key in their names: `TAPLINE_READER_SHOP_SOURCE_PASSWORD` for `shop`.
 *
 * @throws TaplineError CONFIG_UNREADABLE, CONFIG_UNKNOWN_KEY, CONFIG_INVALID with the entry's key.
 */
export function loadMany({ file = '', env = {} }: ConfigInput): LoadedConfig<ManyConfig> {
  const { readers, ...rest } = readConfigFile(file);
  const own = loadConfig(PROCESS, { value: rest, env }) as unknown as LoadedConfig<ServiceConfig>;
  const loaded = new Map(
    entriesOf(readers, file).map(([key, value]) => [key, loadEntry(key, value, { env, file })] as const),
  );
  requireOwnNames(loaded, file);
  const all = [own, ...loaded.values()];
  return {
    value: { service: own.value, readers: new Map([...loaded].map(([key, { value }]) => [key, value])) },
    secrets: all.flatMap(({ secrets }) => secrets),
    // Of the process alone, every entry's variables would be strange.
    warnings: [],
    print: () => [own.print(), ...[...loaded].map(([key, one]) => `# readers.${key}\n${one.print()}`)].join('\n'),
  };
}

function entriesOf(readers: unknown, file: string): [string, Readonly<Record<string, unknown>>][] {
  const isMap = (value: unknown): value is Readonly<Record<string, unknown>> =>
    typeof value === 'object' && value !== null && !Array.isArray(value);
  if (isMap(readers)) {
    const entries = Object.entries(readers);
    const wrong = entries.find(([, value]) => !isMap(value));
    if (entries.length > 0 && wrong === undefined) return entries as [string, Readonly<Record<string, unknown>>][];
  }
  throw new TaplineError('CONFIG_INVALID', {
    message: 'readers must be a map with the configuration of at least one reader: `readers: {shop: {source: …}}`.',
    place: { path: file },
  });
}

function loadEntry(
  key: string,
  value: Readonly<Record<string, unknown>>,
  { env, file }: { env: NonNullable<ConfigInput['env']>; file: string },
): LoadedConfig<ReaderConfig> {
  try {
    const declaration = { ...READER_CONFIG, name: `${READER_CONFIG.name}_${key}` };
    const loaded = loadConfig(declaration, { value: { name: key, ...value }, env });
    return loaded as unknown as LoadedConfig<ReaderConfig>;
  } catch (error) {
    if (!(error instanceof TaplineError)) throw error;
    throw new TaplineError(error.code, {
      message: `readers.${key}: ${error.message}`,
      place: { ...error.place, path: `${file}: readers.${key}` },
      ...(error.remedy === undefined ? {} : { remedy: error.remedy }),
      cause: error,
    });
  }
}

function requireOwnNames(readers: ReadonlyMap<string, LoadedConfig<ReaderConfig>>, file: string): void {
  const owners = new Map<string, string>();
  for (const [key, { value }] of readers) {
    const owner = owners.get(value.name);
    if (owner !== undefined) {
      throw new TaplineError('CONFIG_INVALID', {
        message: `readers.${owner} and readers.${key} have the same name ${value.name}: they would write to the same topics.`,
        place: { path: file },
      });
    }
    owners.set(value.name, key);
  }
}
