import { KAFKA_FIELDS } from '@tapline/kafka';
import type { ConfigOf, ServiceConfig } from '@tapline/kernel';
import { REGISTRY_FIELD } from '@tapline/registry';
import { FORMAT_FIELDS } from './formats/config.ts';
import { ELASTICSEARCH_CONFIG } from './sinks/elasticsearch/config.ts';
import { HBASE_CONFIG } from './sinks/hbase/config.ts';
import { MYSQL_CONFIG } from './sinks/mysql/config.ts';
import { OPENSEARCH_CONFIG } from './sinks/opensearch/config.ts';
import { REDIS_CONFIG } from './sinks/redis/config.ts';
import { TRANSFORM } from './transform/steps.ts';

const SOURCE = {
  type: 'group',
  doc: 'The topics to read, and the brokers that have them.',
  fields: {
    brokers: KAFKA_FIELDS.brokers as (typeof KAFKA_FIELDS)['brokers'],
    tls: KAFKA_FIELDS.tls as (typeof KAFKA_FIELDS)['tls'],
    sasl: KAFKA_FIELDS.sasl as (typeof KAFKA_FIELDS)['sasl'],
    topics: {
      type: 'list',
      of: { type: 'text' },
      doc: 'Names of topics, such as `shop.shop.orders`; patterns, in which `*` stands for any characters, such as `shop.*`; regular expressions between slashes. Topics that are made later and match are read from their start.',
      minItems: 1,
    },
    ...(FORMAT_FIELDS as typeof FORMAT_FIELDS),
    registry: REGISTRY_FIELD as typeof REGISTRY_FIELD,
    bufferBytes: {
      type: 'integer',
      doc: 'Keys and values held in memory on their way to the sink; then reading waits. As changes they take some times as much, and more than the sink takes at once only makes the process larger. Default: what suits the sink (1,048,576; for elasticsearch and opensearch 2,097,152; for hbase and mysql 4,194,304).',
      unit: 'bytes',
      optional: true,
      min: 65_536,
    },
    commitMs: {
      type: 'integer',
      doc: 'How often offsets of applied changes are committed. A restart replays what was applied since.',
      unit: 'ms',
      default: 1000,
      min: 10,
      max: 600_000,
    },
    refreshMs: {
      type: 'integer',
      doc: 'How often topics that match a pattern, and partitions, that are new are looked for.',
      unit: 'ms',
      default: 30_000,
      min: 100,
      max: 3_600_000,
    },
    sessionTimeoutMs: {
      type: 'integer',
      doc: 'A writer that is silent this long loses its partitions to the others of its name.',
      unit: 'ms',
      default: 10_000,
      min: 6000,
      max: 300_000,
    },
  },
} as const;

export const WRITER_CONFIG = {
  name: 'writer',
  doc: 'Applies the changes of topics to one sink.',
  fields: {
    name: {
      type: 'text',
      doc: 'Name of the writer: its consumer group. Writers of one name share the partitions.',
      pattern: '[A-Za-z0-9._-]{1,200}',
      expected: 'letters, digits, dot, dash and underscore, at most 200',
    },
    source: SOURCE as typeof SOURCE,
    sink: {
      type: 'variants',
      doc: 'The store that the rows go to.',
      by: 'type',
      variants: {
        elasticsearch: ELASTICSEARCH_CONFIG as typeof ELASTICSEARCH_CONFIG,
        hbase: HBASE_CONFIG as typeof HBASE_CONFIG,
        mysql: MYSQL_CONFIG as typeof MYSQL_CONFIG,
        opensearch: OPENSEARCH_CONFIG as typeof OPENSEARCH_CONFIG,
        redis: REDIS_CONFIG as typeof REDIS_CONFIG,
      },
    },
    transform: TRANSFORM as typeof TRANSFORM,
    maskSecret: {
      type: 'text',
      doc: 'Key of masked hashes: without one, a value can be found again by hashing guesses.',
      secret: true,
      optional: true,
    },
    onError: {
      type: 'choice',
      doc: 'What becomes of a change that can never be applied: the writer stops there, or the change goes to the topic `<name>.dead-letters` and the writer goes on.',
      values: ['stop', 'deadLetter'],
      default: 'stop',
    },
    deadLetters: {
      type: 'group',
      doc: 'The dead-letter topic, with `onError: deadLetter`.',
      fields: {
        topic: { type: 'text', doc: 'Its name. Default: `<name>.dead-letters`.', optional: true },
        partitions: { type: 'integer', doc: 'Its partitions.', default: 4, min: 1, max: 1000 },
        replicationFactor: {
          type: 'integer',
          doc: 'Its copies when it is made; -1: the brokers’ default.',
          default: -1,
          min: -1,
          max: 100,
        },
      },
    },
    lanes: {
      type: 'integer',
      doc: 'Batches that are given to the sink side by side. A key’s changes are always in one lane. A sink that makes lanes of its own gets one batch at a time.',
      default: 4,
      min: 1,
      max: 256,
    },
    batchChanges: {
      type: 'integer',
      doc: 'Changes given to the sink at once, at most. Default: what suits the sink.',
      unit: 'changes',
      optional: true,
      min: 1,
      max: 100_000,
    },
    batchBytes: {
      type: 'integer',
      doc: 'Keys and values given to the sink at once; one larger change still goes. Default: what suits the sink.',
      unit: 'bytes',
      optional: true,
      min: 1024,
    },
  },
} as const;

export type WriterConfig = ConfigOf<typeof WRITER_CONFIG> & ServiceConfig;
