import { COMPRESSIONS } from './compression.ts';

/** The fields of a `KafkaConfig` in a component's configuration. */
export const KAFKA_FIELDS = {
  brokers: {
    type: 'list',
    of: { type: 'address' },
    doc: 'Addresses of some brokers, `host:port`; the others are found through them.',
    minItems: 1,
  },
  tls: {
    type: 'group',
    doc: 'Encryption of the connections.',
    fields: {
      enabled: { type: 'boolean', doc: 'Whether to use TLS.', default: false },
      ca: {
        type: 'text',
        doc: 'PEM file of the certificate authorities to trust; without it those that Node knows.',
        optional: true,
      },
      cert: { type: 'text', doc: 'PEM file of the client certificate.', optional: true },
      key: { type: 'text', doc: 'PEM file of the key of the client certificate.', optional: true },
      servername: {
        type: 'text',
        doc: 'Name to expect in the certificates of the brokers, when it is not their host name.',
        optional: true,
      },
      rejectUnauthorized: {
        type: 'boolean',
        doc: 'Whether certificates must be signed by a known authority.',
        default: true,
      },
    },
  },
  sasl: {
    type: 'group',
    doc: 'How to log in.',
    fields: {
      mechanism: {
        type: 'choice',
        doc: 'none: no login.',
        values: ['none', 'plain', 'scram-sha-256', 'scram-sha-512'],
        default: 'none',
      },
      username: { type: 'text', doc: 'User name.', default: '' },
      password: { type: 'text', doc: 'Password.', secret: true, default: '' },
    },
  },
} as const;

const MIB = 1024 * 1024;

/** The fields of `ProducerOptions` that a component's configuration has, beside those above. */
export const PRODUCER_FIELDS = {
  bufferBytes: {
    type: 'integer',
    doc: 'Records held in memory until they are acknowledged; beyond it the source waits. For each partition it is 4 KiB more, up to 2.5 times as much: batches of thousands of tables would hold a record or two.',
    unit: 'bytes',
    default: 16 * MIB,
    min: MIB,
  },
  batchBytes: {
    type: 'integer',
    doc: 'A record batch is sent when it has this size, or earlier when nothing more is at hand.',
    unit: 'bytes',
    default: 512 * 1024,
    min: 16 * 1024,
  },
  compression: {
    type: 'choice',
    doc: 'How record batches are compressed. zstd makes them smallest, on threads of its own; lz4 takes time of the main thread.',
    values: COMPRESSIONS,
    default: 'none',
  },
  inFlight: {
    type: 'integer',
    doc: 'Full batches of one partition on their way at once. More than one pays where the brokers are far away; order is kept with any number.',
    default: 5,
    min: 1,
    max: 5,
  },
  lingerMs: {
    type: 'integer',
    doc: 'How long a batch that is not full waits for more. 0 sends at once when nothing more is at hand; full batches form by themselves under load.',
    unit: 'ms',
    default: 0,
    min: 0,
    max: 10_000,
  },
} as const;
