import {
  EXIT_OK,
  EXIT_USAGE,
  parseArguments,
  printableError,
  runService,
  type ServiceCommand,
  serviceCommand,
  TaplineError,
} from '@tapline/kernel';
import { LiveConfig } from './captured/live-config.ts';
import { READER_CONFIG } from './config.ts';
import { isForMany, loadMany } from './many/many-config.ts';
import { ManyReaders } from './many/many-readers.ts';
import { READER_METRICS } from './metrics.ts';
import { Reader } from './reader.ts';

const one: ServiceCommand = serviceCommand({
  name: 'reader',
  summary: 'Follows one source’s binlog and publishes its row changes to Kafka.',
  config: READER_CONFIG,
  metrics: [READER_METRICS],
  open: async ({ config, origin, log, metrics }) => {
    const ownLog = log.child({ source: config.name });
    return new Reader(new LiveConfig(config, origin, ownLog), ownLog, metrics);
  },
});

/** With a file that has `readers:` it runs several; one in a process is the usual. */
export const command: ServiceCommand = {
  ...one,
  load: (input) => (isForMany(input.file) ? loadMany(input) : one.load(input)),
  run: async (args, env = process.env) => {
    try {
      const { help, printConfig, file, flags } = parseArguments(args);
      if (help || file === undefined || !isForMany(file)) return await one.run(args, env);
      if (flags.size > 0) {
        throw new TaplineError('CONFIG_INVALID', {
          message: `With several readers there are no flags for single keys, such as --${[...flags.keys()][0]}.`,
          remedy: 'Say it in the file, or in the environment variable of the entry.',
        });
      }
      const loaded = loadMany({ file, env });
      if (!printConfig) return await runMany(file, env);
      process.stdout.write(loaded.print());
      return EXIT_OK;
    } catch (error) {
      process.stderr.write(`${printableError(error)}\n`);
      return EXIT_USAGE;
    }
  },
};

async function runMany(file: string, env: NonNullable<Parameters<ServiceCommand['run']>[1]>): Promise<number> {
  const { value, secrets } = loadMany({ file, env });
  const definition = {
    name: one.name,
    summary: one.summary,
    config: { name: one.name, doc: '', fields: {} },
    open: async ({ log, metrics }: Parameters<Parameters<typeof serviceCommand>[0]['open']>[0]) =>
      new ManyReaders(
        new Map(
          [...value.readers].map(([key, config]) => {
            const ownLog = log.child({ source: config.name });
            const own = metrics.child({ source: config.name });
            const load = (): typeof config => {
              const again = loadMany({ file, env });
              log.redactor.add(again.secrets);
              return again.value.readers.get(key) ?? config;
            };
            const make = (): Reader => new Reader(new LiveConfig(config, { file, load }, ownLog), ownLog, own);
            return [key, { make, log: ownLog }];
          }),
        ),
      ),
  };
  return await runService(definition, { value: value.service, secrets });
}
