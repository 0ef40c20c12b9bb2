import { compileEnvelope, compileJsonEnvelope, type EnvelopeOptions, type TableEnvelope } from '@tapline/envelope';
import type { Kafka } from '@tapline/kafka';
import { type Logger, TaplineError } from '@tapline/kernel';
import { openRegistry, type Registry } from '@tapline/registry';
import type { ReaderConfig } from '../config.ts';
import { EventHeaders } from './event-headers.ts';

/** What the bytes of keys depend on, and with them the partitions: so all topics of a source keep to one. */
export type KeyFormat = 'avro' | 'json' | 'json+schemas';

/** How the changes of one table are written. */
export interface TableFormat {
  readonly envelope: TableEnvelope;
  /** Where records are CloudEvents; undefined: the version is their only header. */
  readonly headers: EventHeaders | undefined;
  /** Must have resolved before anything is written. @throws TaplineError SCHEMA_INCOMPATIBLE, REGISTRY_*, KAFKA_*. */
  register(topic: string): Promise<void>;
}

/** How messages are written: what the configuration's `format` chooses. */
export interface MessageFormat {
  /** Throws as `compileEnvelope` does. */
  compile(options: EnvelopeOptions): TableFormat;
}

export function keyFormatOf({ format }: Pick<ReaderConfig, 'format'>): KeyFormat {
  if (format.type === 'avro') return 'avro';
  return format.schemas ? 'json+schemas' : 'json';
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
  const registry = resources.use(await openRegistry(config.registry, { kafka, logger: log }, signal));
  return avroFormat(registry, format.cloudEvents);
}

function avroFormat(registry: Pick<Registry, 'idFor'>, cloudEvents: boolean): MessageFormat {
  return {
    compile(options) {
      const envelope = compileEnvelope(options);
      const { keySchema, valueSchema, table } = envelope;
      const origin = { sourceName: options.source, connector: options.connector ?? 'mysql', table } as const;
      return {
        envelope,
        headers: cloudEvents ? EventHeaders.binary(origin) : undefined,
        async register(topic) {
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
    compile: (options) => ({
      envelope: compileJsonEnvelope({ ...options, ...format }),
      headers: format.cloudEvents ? EventHeaders.structured() : undefined,
      register: () => Promise.resolve(),
    }),
  };
}
