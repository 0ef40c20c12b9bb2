export { KAFKA_FIELDS } from './config-fields.ts';
export { kafkaConfigOf } from './config-value.ts';
