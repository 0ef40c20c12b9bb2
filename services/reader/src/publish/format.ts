import {
  avroTransactionRecords,
  ChangeReader,
  compileEnvelope,
  compileJsonEnvelope,
  type EnvelopeOptions,
  jsonTransactionRecords,
  type TableEnvelope,
  type TransactionRecords,
} from '@tapline/envelope';
import type { Kafka } from '@tapline/kafka';
import { type Logger, TaplineError } from '@tapline/kernel';
import { openRegistry, type Registry, type RegistryConfig } from '@tapline/registry';
import type { ReaderConfig } from '../config.ts';
import type { Origin } from '../failover/lost.ts';
import { EventHeaders } from './event-headers.ts';

/** What the bytes of keys depend on, and with them the partitions: so all topics of a source keep to one. */
export type KeyFormat = 'avro' | 'json' | 'json+schemas';

/** How the changes of one table are written. */
export interface TableFormat {
  readonly envelope: TableEnvelope;
  /** Where records are CloudEvents; undefined: the version is their only header. */
  readonly headers: EventHeaders | undefined;
  /** `key`: what the bytes of keys depend on; undefined when there are none. `value`: the Avro schema. */
  readonly schemas: () => { readonly key: string | undefined; readonly value: string };
  /** Must have resolved before anything is written. @throws TaplineError SCHEMA_INCOMPATIBLE, REGISTRY_*, KAFKA_*. */
  register(topic: string): Promise<void>;
}

/** How messages are written: what the configuration's `format` chooses. */
export interface MessageFormat {
  /** Throws as `compileEnvelope` does. */
  compile(options: EnvelopeOptions): TableFormat;
  /** Where a published value comes from; undefined: it is no change's (an outbox event). @throws TaplineError REGISTRY_*, KAFKA_*. */
  originOf(value: Buffer): Promise<Origin | undefined>;
  /** How this topic's notes of transactions are written. @throws TaplineError SCHEMA_INCOMPATIBLE, REGISTRY_*, KAFKA_*. */
  transactions(topic: string): Promise<TransactionRecords>;
}

export function keyFormatOf({ format }: Pick<ReaderConfig, 'format'>): KeyFormat {
  if (format.type === 'avro') return 'avro';
  return format.schemas ? 'json+schemas' : 'json';
}

/** Without its schemas nobody can read the topics: theirs has as many copies, unless it is told otherwise. */
export function registryOf({ registry, topics }: Pick<ReaderConfig, 'registry' | 'topics'>): RegistryConfig {
  if (registry.type !== 'topic' || registry.replicationFactor > 0) return registry;
  return { ...registry, replicationFactor: topics.replicationFactor };
}

/** @throws TaplineError FORMAT_CHANGED: the source's topics hold keys in another format. */
export function requireFormat(config: Pick<ReaderConfig, 'format' | 'name'>, recorded: KeyFormat): void {
  const wanted = keyFormatOf(config);
  if (wanted === recorded) return;
  throw new TaplineError('FORMAT_CHANGED', {
    message: `The topics of ${config.name} hold ${recorded}, the configuration asks for ${wanted}.`,
  });
}

/** Avro has its schemas in a registry, which is opened here; JSON needs none, and none is made. */
export async function openFormat(
  config: ReaderConfig,
  parts: {
    readonly kafka: Kafka;
    readonly log: Logger;
    readonly resources: AsyncDisposableStack;
    readonly signal: AbortSignal;
  },
): Promise<MessageFormat> {
  const { format } = config;
  if (format.type === 'json') return jsonFormat(format);
  const { kafka, log, resources, signal } = parts;
  const registry = resources.use(await openRegistry(registryOf(config), { kafka, logger: log }, signal));
  return avroFormat(registry, format.cloudEvents);
}

/** What a ChangeReader asks for and is not looked at here. */
const ANY_VERSION = { v: Buffer.alloc(8) };

function avroFormat(registry: Pick<Registry, 'idFor' | 'schema'>, cloudEvents: boolean): MessageFormat {
  const reader = new ChangeReader({ schema: (id) => registry.schema(id) });
  return {
    originOf: async (value) => {
      try {
        const record = { topic: '', partition: 0, offset: 0n, key: null, value, headers: ANY_VERSION };
        return originOfSource((await reader.read(record)).source);
      } catch (error) {
        if (error instanceof TaplineError && error.code === 'ENVELOPE_UNREADABLE') return undefined;
        throw error;
      }
    },
    transactions: (topic) => avroTransactionRecords((part, schema) => registry.idFor(`${topic}-${part}`, schema)),
    compile(options) {
      const envelope = compileEnvelope(options);
      const { table } = envelope;
      const origin = { sourceName: options.source, connector: options.connector ?? 'mysql', table } as const;
      return {
        envelope,
        schemas: () => ({ key: envelope.keySchema, value: envelope.valueSchema }),
        headers: cloudEvents ? EventHeaders.binary(origin) : undefined,
        async register(topic) {
          // Made for this moment: of thousands of tables they take more memory than all else.
          const { keySchema, valueSchema } = envelope;
          const [value, key] = await Promise.all([
            registry.idFor(`${topic}-value`, valueSchema),
            keySchema === undefined ? undefined : registry.idFor(`${topic}-key`, keySchema),
          ]);
          envelope.bind(key === undefined ? { value } : { key, value });
        },
      };
    },
  };
}

function jsonFormat(format: { readonly schemas: boolean; readonly cloudEvents: boolean }): MessageFormat {
  return {
    originOf: (value) => Promise.resolve(originOfJson(value)),
    transactions: () => Promise.resolve(jsonTransactionRecords(format)),
    compile: (options) => ({
      envelope: compileJsonEnvelope({ ...options, ...format }),
      schemas: () => {
        const { keySchema, valueSchema } = compileEnvelope(options);
        const names = options.keyColumns?.join('\0');
        return { key: format.schemas ? keySchema : names, value: valueSchema };
      },
      headers: format.cloudEvents ? EventHeaders.structured() : undefined,
      register: () => Promise.resolve(),
    }),
  };
}

type SourceFacts = Partial<Record<'gtid' | 'db' | 'table', string | null>>;

interface JsonEnvelope {
  readonly source?: SourceFacts;
  /** Around it: of a CloudEvent, of a value with its schema. */
  readonly data?: JsonEnvelope;
  readonly payload?: JsonEnvelope;
}

function originOfJson(value: Buffer): Origin | undefined {
  try {
    const { data, ...message } = JSON.parse(value.toString()) as JsonEnvelope;
    const whole = data ?? message;
    return originOfSource((whole.payload ?? whole).source);
  } catch {
    return undefined;
  }
}

function originOfSource(source: SourceFacts | null | undefined): Origin | undefined {
  if (typeof source?.table !== 'string') return undefined;
  return { gtid: source.gtid ?? undefined, table: `${source.db}.${source.table}` };
}
