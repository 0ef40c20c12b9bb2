import type { ValueOf } from '@tapline/kernel';
import type { KafkaConfig } from './config.ts';
import type { KAFKA_FIELDS } from './config-fields.ts';

type KafkaFields = ValueOf<{ type: 'group'; fields: typeof KAFKA_FIELDS }>;

/** What {@link KAFKA_FIELDS} gives, as the options of a client. */
export function kafkaConfigOf(value: KafkaFields, clientId?: string): KafkaConfig {
  const { enabled, ...tls } = value.tls;
  const { mechanism, username, password } = value.sasl;
  return {
    brokers: value.brokers,
    ...(clientId === undefined ? {} : { clientId }),
    ...(enabled ? { tls } : {}),
    ...(mechanism === 'none' ? {} : { sasl: { mechanism, username, password } }),
  };
}
