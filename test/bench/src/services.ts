import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { KafkaCluster, ManagedProcess, SqlServer, StackBase } from '@tapline/test-stack';
import { DATABASE, TABLE } from './rows.ts';

const TAPLINE = fileURLToPath(new URL('../../../tapline', import.meta.url));

export const PARTITIONS = 8;
/** Characters of a log that an error repeats. */
const LOG_END = 2000;

/** Topic that a reader of this name publishes the benchmark's table to. */
export const topicOf = (name: string, database = DATABASE, table = TABLE): string => `${name}.${database}.${table}`;

/** As it is deployed: `./tapline` knows what its runtime is started with. */
async function service(
  stack: StackBase,
  command: 'reader' | 'writer',
  config: Readonly<Record<string, unknown>> & { readonly name: string },
  nodeFlags: readonly string[] = [],
): Promise<ManagedProcess> {
  const file = join(stack.folder, `${command}-${config.name}.yaml`);
  // JSON is YAML.
  await writeFile(file, JSON.stringify(config, undefined, 2));
  return stack.process({
    name: `${command} ${config.name}`,
    command: TAPLINE,
    args: [command, '--config', file],
    logFile: join(stack.folder, `${command}-${config.name}.log`),
    env: { TAPLINE_NO_INSTALL: '1', NODE_OPTIONS: nodeFlags.join(' ') },
  });
}

type ReaderStack = StackBase & { readonly mysql: SqlServer; readonly kafka: KafkaCluster };

/** Formats of messages that a reader is measured with. */
export const FORMATS = {
  avro: { type: 'avro' },
  json: { type: 'json', schemas: false },
  'json-schemas': { type: 'json', schemas: true },
} as const;
export type FormatName = keyof typeof FORMATS;

/** What of a benchmark's reader is not as in the others. */
export interface ReaderDifference {
  readonly database?: string;
  readonly partitions?: number;
  /** Where to reach the broker, when not at its own address. */
  readonly brokers?: readonly string[];
  /** For the runtime that it runs in. */
  readonly nodeFlags?: readonly string[];
  readonly format?: FormatName;
  /** The schema registry's address; a topic has the schemas without it. */
  readonly registry?: string;
  /** How often the source speaks. */
  readonly heartbeatMs?: number;
  /** Also says where transactions begin and end. */
  readonly transactions?: boolean;
}

/** A reader with default settings, from this GTID set on; not launched yet. */
export async function createReader(
  stack: ReaderStack,
  name: string,
  gtidSet: string,
  difference: ReaderDifference = {},
): Promise<ManagedProcess> {
  const { host, port, user, password } = stack.mysql.readerAddress;
  const { database = DATABASE, partitions = PARTITIONS, brokers = stack.kafka.address.brokers } = difference;
  const { format, registry, heartbeatMs, transactions } = difference;
  const config = {
    name,
    source: {
      ...{ host, port, user, password, include: [`${database}.*`] },
      ...(heartbeatMs === undefined ? {} : { heartbeatMs }),
    },
    kafka: { brokers: [...brokers] },
    topics: { partitions, replicationFactor: 1 },
    snapshot: { mode: 'never' },
    start: { gtidSet },
    ...(format === undefined ? {} : { format: FORMATS[format] }),
    ...(registry === undefined ? {} : { registry: registryAt(registry) }),
    ...(transactions === true ? { transactions: { topic: true } } : {}),
  };
  return await service(stack, 'reader', config, difference.nodeFlags);
}

/** `registry` of a service's configuration. */
export function registryAt(url: string): Readonly<Record<string, string>> {
  return { type: 'confluent', url };
}

/** A writer with default settings, but where the bench says otherwise; not launched yet. */
export async function createWriter(
  stack: StackBase & { readonly kafka: KafkaCluster },
  { name, topic, sink, source = {} }: WriterOptions,
): Promise<ManagedProcess> {
  const brokers = [...stack.kafka.address.brokers];
  return await service(stack, 'writer', { name, source: { brokers, topics: [topic], ...source }, sink });
}

export interface WriterOptions {
  readonly name: string;
  readonly topic: string;
  readonly sink: Readonly<Record<string, unknown>>;
  /** Further settings under `source`. */
  readonly source?: Readonly<Record<string, unknown>>;
}

/** Resolves when the service has logged `text`. @throws with the end of its log when it ends by itself before. */
export async function untilLogged(process: ManagedProcess, text: string): Promise<void> {
  await process.waitReady(async () => (await process.logs()).includes(text));
}

/** For polling loops. @throws with the end of its log when the process has ended. */
export function aliveCheck(process: ManagedProcess): () => void {
  return () => {
    if (process.running) return;
    // The log goes with the servers' folder.
    const end = readFileSync(process.spec.logFile, 'utf8').slice(-LOG_END);
    throw new Error(`${process.spec.name} has ended; its last words:\n${end}`);
  };
}
