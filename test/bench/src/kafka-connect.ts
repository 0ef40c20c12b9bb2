import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  copyJars,
  findJava,
  type KafkaCluster,
  type ManagedProcess,
  provisionOnce,
  type StackBase,
} from '@tapline/test-stack';

/** Settings of a worker or of a connector, by their names in Kafka Connect. */
export type ConnectSettings = Readonly<Record<string, string | number | boolean>>;

/** A connector of Debezium's with Kafka Connect to run it in, fetched with Maven once. @returns the folder of the jars. */
export async function connectJars(
  name: string,
  coordinates: readonly string[],
  { version, say = () => undefined }: { version: string; say?: (line: string) => void },
): Promise<string> {
  const all = [
    // First, so that its versions of Kafka's parts win.
    `io.debezium:debezium-embedded:${version}`,
    ...coordinates,
    // Else an older API wins that finds no logger.
    'org.slf4j:slf4j-api:2.0.17',
    'org.slf4j:slf4j-simple:2.0.17',
  ];
  const { folder } = await provisionOnce(name, async (into) => await copyJars(all, into, join(into, 'lib')), say);
  return join(folder, 'lib');
}

/** JSON as Kafka Connect has it by itself. */
export function jsonConverters(schemas: boolean): ConnectSettings {
  const converter = 'org.apache.kafka.connect.json.JsonConverter';
  return forBoth({ '': converter, 'schemas.enable': schemas });
}

/** The same converter, set up alike, for keys and values; its class has no name. */
export function forBoth(settings: ConnectSettings): ConnectSettings {
  const of = (side: string): [string, string | number | boolean][] =>
    Object.entries(settings).map(([name, value]) => [`${side}.converter${name === '' ? '' : `.${name}`}`, value]);
  return Object.fromEntries([...of('key'), ...of('value')]);
}

export interface ConnectOptions {
  readonly name: string;
  readonly jars: string;
  readonly worker: ConnectSettings;
  readonly connector: ConnectSettings;
  readonly logLevel: 'info' | 'warn';
}

/** Kafka Connect, standalone, with one connector; not launched yet. */
export async function createConnect(
  stack: StackBase & { readonly kafka: KafkaCluster },
  { name, jars, worker, connector, logLevel }: ConnectOptions,
): Promise<ManagedProcess> {
  const [port = 0] = await stack.reserve(1);
  const workerFile = join(stack.folder, `${name}-worker.properties`);
  const connectorFile = join(stack.folder, `${name}-connector.properties`);
  const common = {
    'bootstrap.servers': stack.kafka.address.brokers.join(','),
    'offset.storage.file.filename': offsetsFile(stack, name),
    listeners: `http://127.0.0.1:${port}`,
    'plugin.discovery': 'service_load',
  };
  await writeFile(workerFile, properties({ ...common, ...worker }));
  await writeFile(connectorFile, properties({ name, ...connector }));
  const { command } = await findJava();
  return stack.process({
    name,
    command,
    args: [
      ...['-Xms256m', '-Xmx2g', `-Dorg.slf4j.simpleLogger.defaultLogLevel=${logLevel}`],
      ...['-cp', join(jars, '*'), 'org.apache.kafka.connect.cli.ConnectStandalone'],
      ...[workerFile, connectorFile],
    ],
    logFile: join(stack.folder, `${name}.log`),
  });
}

/** Where Connect of this name keeps the offsets of a source. */
export function offsetsFile(stack: StackBase, name: string): string {
  return join(stack.folder, `${name}.offsets`);
}

function properties(settings: ConnectSettings): string {
  return Object.entries(settings)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('');
}
